package jail

import (
	"fmt"
	"os"

	"trustfs/jail/wire"
)

// A launcher starts workers of one binary with one set of layers.
type launcher struct {
	exe    *os.File
	filter []byte
	spawn  *spawner
	on     layers
	limits Limits
	flags  uintptr // namespaces to be born into; 0: all of them when layerNamespaces is on
}

func newLauncher(path string) (launcher, error) {
	exe, err := openWorker(path)
	if err != nil {
		return launcher{}, err
	}
	filter, err := workerFilter()
	if err != nil {
		exe.Close()
		return launcher{}, err
	}
	return launcher{exe: exe, filter: filter, spawn: newSpawner()}, nil
}

func (l *launcher) close() {
	l.spawn.close()
	l.exe.Close()
}

// start starts a process and leaves it on its way into the jail; worker.ready waits for it to arrive.
func (l *launcher) start(s *slot) (*worker, error) {
	head, err := wire.EncodeJSON(setup(l.on, l.filter, l.limits), wire.MaxSetup)
	if err != nil {
		return nil, err
	}
	w := &worker{slot: s, on: l.on}
	theirs, err := w.pipes()
	defer closeAll(theirs)
	if err == nil {
		_, err = w.request.Write(head) // fits the socket's buffer; the worker reads it when it is there
	}
	if err == nil {
		err = l.exec(w, theirs)
	}
	if err != nil {
		closeAll([]*os.File{w.request, w.answer, w.stderr})
		return nil, fmt.Errorf("starting a worker: %w", err)
	}
	return w, nil
}

func (l *launcher) exec(w *worker, files []*os.File) (err error) {
	flags := l.flags
	if flags == 0 && l.on.has(layerNamespaces) {
		flags = namespaces
	}
	var leaf *os.File
	if w.slot != nil {
		leaf = w.slot.dir
	}
	// By descriptor: the binary that was found at the start is the one that runs, whatever its path leads to now.
	exe := fmt.Sprintf("/proc/self/fd/%d", l.exe.Fd())
	w.proc, err = l.spawn.start(exe, []string{workerName}, procAttr(flags, leaf, files))
	return err
}

// pipes makes the worker's three descriptors and returns its ends of them.
func (w *worker) pipes() (theirs []*os.File, err error) {
	mine, their, err := socketpair()
	if err != nil {
		return nil, err
	}
	w.request, theirs = mine, append(theirs, their)
	for _, end := range []**os.File{&w.answer, &w.stderr} {
		r, pw, err := os.Pipe()
		if err != nil {
			return theirs, err
		}
		*end, theirs = r, append(theirs, pw)
	}
	return theirs, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
