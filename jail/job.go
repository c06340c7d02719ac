package jail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
	"trustfs/jail/wire"
)

// An Input is one file that a worker may read, through an integrity.Reader only.
type Input struct {
	File     *os.File            // open for reading only; the caller keeps it and closes it after Run
	Manifest *integrity.Manifest // names the bytes
}

// A Job is one task over one file, with the others that belong to it.
type Job struct {
	Task     string              // a name in the worker's task table: "inspect"
	File     *os.File            // as in Input
	Manifest *integrity.Manifest // as in Input
	More     []Input             // further files (sidecars, shards), at most wire.MaxFiles in all
	Request  any                 // encoded as JSON for the task; may be nil
	// Output gets what the task sends ahead of its answer, at most OutputSize bytes; nil: nothing may come. What it has got
	// counts for nothing unless Run succeeds.
	Output     io.Writer
	OutputSize int64
	// Reuse lets the worker judge further files of the same batch afterwards. Only for advice (audit): a worker that a
	// hostile file has taken over could forge the answers to the next ones.
	Reuse bool
}

// encodedJob is a Job checked and made ready to be sent.
type encodedJob struct {
	task      string
	files     []*os.File
	head      []byte   // the framed request
	manifests [][]byte // sent after it, in order
	size      int64    // of the files
	manifest  int64    // bytes of the manifests
	limits    jobLimits
	reuse     bool
	sink      io.Writer
	sinkSize  int64
}

// encode checks the job and works out its limits.
func (j Job) encode(l Limits) (*encodedJob, error) {
	inputs := append([]Input{{j.File, j.Manifest}}, j.More...)
	if j.OutputSize < 0 || j.OutputSize > 1<<60 {
		return nil, fmt.Errorf("jail: job %s wants %d bytes", j.Task, j.OutputSize)
	}
	if len(inputs) > wire.MaxFiles {
		return nil, fmt.Errorf("jail: job %s has %d files, at most %d", j.Task, len(inputs), wire.MaxFiles)
	}
	e := &encodedJob{task: j.Task, reuse: j.Reuse}
	req := wire.Request{Task: j.Task, Reuse: j.Reuse}
	for _, in := range inputs {
		if err := e.add(in, &req); err != nil {
			return nil, fmt.Errorf("jail: job %s: %w", j.Task, err)
		}
	}
	if j.Request != nil {
		body, err := json.Marshal(j.Request)
		if err != nil {
			return nil, fmt.Errorf("jail: job %s: request: %w", j.Task, err)
		}
		req.Body = body
	}
	e.limits = l.forJob(e.size, e.manifest)
	if j.Output != nil {
		e.sink, e.sinkSize = j.Output, j.OutputSize
		whole := l.forJob(e.size+j.OutputSize, e.manifest) // what is made takes its time as what is read does
		e.limits.wall, e.limits.cpu = whole.wall, whole.cpu
	}
	req.Data = e.limits.data
	head, err := wire.EncodeJSON(&req, wire.MaxRequest)
	if err != nil {
		return nil, fmt.Errorf("jail: job %s: %w", j.Task, err)
	}
	e.head = head
	return e, nil
}

// add checks one input: a worker never gets a descriptor that can be written through, nor one that can block or be
// controlled (device, socket, pipe, directory).
func (e *encodedJob) add(in Input, req *wire.Request) error {
	if in.File == nil || in.Manifest == nil {
		return errors.New("an input without a file or without a manifest")
	}
	fd := int(in.File.Fd())
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return fmt.Errorf("descriptor flags: %w", err)
	}
	if flags&unix.O_ACCMODE != unix.O_RDONLY || flags&unix.O_PATH != 0 {
		return errors.New("the descriptor must be open for reading only")
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("fstat: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New("the descriptor must be of a regular file")
	}
	b, err := in.Manifest.MarshalBinary()
	if err != nil {
		return err
	}
	if len(b) > wire.MaxManifest {
		return fmt.Errorf("the manifest has %d bytes, at most %d", len(b), wire.MaxManifest)
	}
	e.files = append(e.files, in.File)
	e.manifests = append(e.manifests, b)
	req.Manifests = append(req.Manifests, len(b))
	e.size += in.Manifest.Size
	e.manifest += int64(len(b))
	return nil
}
