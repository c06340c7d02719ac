package inside

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
	"trustfs/jail/wire"
)

// A Task is one thing a worker can do. Its result is sent as JSON; an error refuses the file.
type Task func(in []Input, request json.RawMessage) (any, error)

// An Input is one file of the request. Reading it gives the bytes that its Manifest names, or an error.
type Input struct {
	R    *Checked
	Size int64
}

// serve answers requests until the parent has no more.
func serve(tasks map[string]Task) int {
	for {
		var fds []int
		b, err := readFrame(wire.MaxRequest, &fds)
		if errors.Is(err, errGone) {
			return exitDone
		}
		var req wire.Request
		if err == nil {
			err = json.Unmarshal(b, &req)
		}
		if err == nil {
			setMemory(req.Data, req.Task == wire.BatchTask)
			err = serveOne(tasks, &req, fds)
		}
		if err != nil {
			_ = writeAll(wire.FDStderr, fmt.Appendf(nil, "trustfs-worker: request: %v\n", err))
			return exitParent
		}
		if !req.Reuse {
			return exitDone
		}
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	}
}

// serveOne reads what belongs to a request and answers it.
func serveOne(tasks map[string]Task, req *wire.Request, fds []int) error {
	if req.Task == wire.BatchTask {
		return serveBatch(tasks, req.Body, fds)
	}
	in, err := receive(req, fds)
	if err != nil {
		return err
	}
	return writeAll(wire.FDAnswer, answer(tasks, req, in))
}

// setMemory has the garbage collector keep to data bytes: it collects harder before the kernel says no. Small files leave
// it alone until the heap is some megabytes; what a large one leaves behind is collected early. Both stop the world, so they
// are said only when they change.
func setMemory(data int64, small bool) {
	percent := 50
	if small {
		percent = 400
	}
	if limit := data * 3 / 4; limit != memory.limit {
		debug.SetMemoryLimit(limit)
		memory.limit = limit
	}
	if percent != memory.percent {
		debug.SetGCPercent(percent)
		memory.percent = percent
	}
}

// memory is what setMemory said last.
var memory struct {
	limit   int64
	percent int
}

// receive reads the manifests and pairs them with the descriptors.
func receive(req *wire.Request, fds []int) ([]Input, error) {
	if len(fds) != len(req.Manifests) {
		return nil, fmt.Errorf("%d descriptors for %d manifests", len(fds), len(req.Manifests))
	}
	in := make([]Input, len(fds))
	for i, n := range req.Manifests {
		if n < 0 || n > wire.MaxManifest {
			return nil, fmt.Errorf("a manifest of %d bytes", n)
		}
		b := make([]byte, n)
		if err := readFull(b); err != nil {
			return nil, err
		}
		var m integrity.Manifest
		if err := m.UnmarshalBinary(b); err != nil {
			return nil, err
		}
		in[i] = Input{R: &Checked{r: integrity.NewReader(preader(fds[i]), &m)}, Size: m.Size}
	}
	return in, nil
}

// answer runs the task. Whatever the task made of a failed read, the answer is then that failure: an inspector that
// takes an I/O error for the end of a header must not acquit.
func answer(tasks map[string]Task, req *wire.Request, in []Input) []byte {
	v, err := run(tasks, req, in)
	for _, i := range in {
		if e := i.R.Err(); e != nil {
			err = e
			break
		}
	}
	if err == nil {
		var b []byte
		if b, err = json.Marshal(v); err == nil {
			return wire.EncodeAnswer(wire.KindResult, b)
		}
	}
	return wire.EncodeAnswer(wire.KindFailure, failure(err))
}

// run recovers a panic of the task into an error.
func run(tasks map[string]Task, req *wire.Request, in []Input) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	task, ok := tasks[req.Task]
	if !ok {
		return nil, fmt.Errorf("no task named %q", req.Task)
	}
	return task(in, req.Body)
}

func failure(err error) []byte {
	f := wire.Failure{Message: clip(err.Error(), wire.MaxFailure/8)} // JSON may escape a byte into six
	if t, ok := errors.AsType[*integrity.TamperError](err); ok {
		f.Tampered, f.Offset, f.Expected, f.Actual = true, t.Offset, t.Expected, t.Actual
	}
	b, err := json.Marshal(f)
	if err != nil {
		return []byte(`{"Message":"an error that cannot be encoded"}`)
	}
	return b
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}
