// Package quantize runs a quantizer over an admitted model, in the jail.
//
// The quantizer is a real program over hostile bytes: it sees a private copy of the judged bytes and one output directory,
// and nothing else (package jail). What it writes is judged like any model before it gets its name. Nothing is left behind
// by a failure, a timeout or an interruption.
package quantize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
	"trustfs/jail"
)

// DefaultTypes are the quantisations that may be asked for where the configuration names no others.
var DefaultTypes = []string{"Q4_K_M", "Q5_K_M", "Q8_0"}

// DefaultTimeout bounds the quantizer.
const DefaultTimeout = 7200 * time.Second

// A Job is one quantisation.
type Job struct {
	In, Out string // host paths; Out must not exist
	Type    string
	Types   []string // that may be asked for; nil: DefaultTypes
	Tool    Tool
	Timeout time.Duration // 0: DefaultTimeout
	Worker  string        // the worker binary, as in jail.Config

	// Admit judges a file as the mount would; it gives the open file and its judgement.
	Admit func(ctx context.Context, path string) (*os.File, *gatekeeper.Judgement, error)
	// AdmitContent judges what the quantizer wrote: its content alone, since nobody can have vouched for it yet.
	AdmitContent func(ctx context.Context, path string) (*os.File, *gatekeeper.Judgement, error)
	// Progress is told how many of total tensors are done.
	Progress func(done, total int)
}

// A Result is a quantisation that is done: the file is in place.
type Result struct {
	SHA256    integrity.Digest
	Size      int64
	Statement string // path of the provenance record beside it
}

// A RefusedError says that a model is not admitted: the input, or what the quantizer made of it.
type RefusedError struct {
	What    string // "the input", "the output"
	Path    string
	Reasons []string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is refused: %s: %s", e.What, e.Path, first(e.Reasons))
}

func first(reasons []string) string {
	if len(reasons) == 0 {
		return "no reason given"
	}
	return reasons[0]
}

// Run does the job.
func Run(ctx context.Context, j Job) (*Result, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	started := time.Now().UTC()
	work, err := os.MkdirTemp(filepath.Dir(j.Out), ".trustfs-quantize-*") // 0700; beside Out, so that the rename is atomic
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	input, err := j.copyInput(ctx, work)
	if err != nil {
		return nil, err
	}
	made, err := j.run(ctx, work, input.path)
	if err != nil {
		return nil, err
	}
	out, err := j.take(ctx, work, made)
	if err != nil {
		return nil, err
	}
	record := Record{
		Name: filepath.Base(j.Out), Digest: out.digest, Input: filepath.Base(j.In), InputDigest: input.digest,
		Tool: j.Tool, Type: j.Type, Started: started, Finished: time.Now().UTC(),
	}
	return j.place(work, out, record)
}

func (j *Job) check() error {
	types := j.Types
	if types == nil {
		types = DefaultTypes
	}
	if !slices.Contains(types, j.Type) {
		return fmt.Errorf("quantisation type %q: expected one of %v", j.Type, types)
	}
	if _, err := os.Lstat(j.Out); err == nil {
		return fmt.Errorf("%s exists; remove it or name another output", j.Out)
	}
	return nil
}

// A judged is a file of the working folder with the digest of its bytes.
type judged struct {
	path   string
	digest integrity.Digest
	size   int64
}

// copyInput makes a private copy of the very bytes that were judged: the quantizer opens its input by name, and whoever can
// write to IN must not be able to change what it reads.
func (j *Job) copyInput(ctx context.Context, work string) (*judged, error) {
	f, verdict, err := j.Admit(ctx, j.In)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !verdict.Allowed() {
		return nil, &RefusedError{"the input", j.In, verdict.Report.Reasons}
	}
	dir := filepath.Join(work, "in")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "input"+filepath.Ext(j.In))
	r := integrity.NewReader(f, verdict.Manifest)
	if err := write(ctx, path, io.NewSectionReader(r, 0, r.Size())); err != nil {
		return nil, fmt.Errorf("copying the judged input: %w", err)
	}
	// Readable for the unprivileged user that runs the quantizer; the folder above keeps everybody else out.
	return &judged{path, verdict.Manifest.Digest, r.Size()}, os.Chmod(path, 0o444)
}

// write copies into a new file, and stops when ctx is done.
func write(ctx context.Context, path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, reading{ctx, r}, make([]byte, 8*integrity.ChunkSize))
	return errors.Join(err, f.Close())
}

type reading struct {
	ctx context.Context
	r   io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// run has the quantizer work in the jail, and gives the path of what it should have written.
func (j *Job) run(ctx context.Context, work, input string) (string, error) {
	out := filepath.Join(work, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return "", err
	}
	timeout := j.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	c := jail.Command{
		WorkerPath: j.Worker, Program: j.Tool.Path, Siblings: true,
		Args:  []string{jail.CommandInput + "/" + filepath.Base(input), jail.CommandOutput + "/output.gguf", j.Type},
		Input: input, OutputDir: out,
		Limits:   jail.CommandLimits{Wall: timeout},
		Progress: progressOf(j.Progress),
	}
	_, err := c.Run(ctx)
	return filepath.Join(out, "output.gguf"), err
}

// take judges what the quantizer wrote. It may have left anything under that name: only a regular file is looked at, and it
// is moved out of the quantizer's reach before.
func (j *Job) take(ctx context.Context, work, made string) (*judged, error) {
	path := filepath.Join(work, "done"+filepath.Ext(j.Out))
	fd, err := unix.Open(made, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("the quantizer ended well and wrote no file: %w", err)
	}
	src := os.NewFile(uintptr(fd), made)
	defer src.Close()
	if st, err := src.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.New("the quantizer left something that is no regular file")
	}
	if err := errors.Join(src.Chown(os.Geteuid(), os.Getegid()), src.Chmod(0o644), os.Rename(made, path)); err != nil {
		return nil, err
	}
	f, verdict, err := j.AdmitContent(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !verdict.Allowed() {
		return nil, &RefusedError{"the output", j.Out, verdict.Report.Reasons}
	}
	if verdict.Report.Format != "gguf" {
		return nil, &RefusedError{"the output", j.Out, []string{"it is " + verdict.Report.Format + ", expected gguf"}}
	}
	return &judged{path, verdict.Manifest.Digest, verdict.Manifest.Size}, nil
}

// place gives the model and its record their names: the record first, so that no quantised model is ever without one.
func (j *Job) place(work string, out *judged, record Record) (*Result, error) {
	text, err := record.Statement()
	if err != nil {
		return nil, err
	}
	statement := j.Out + ".intoto.json"
	draft := filepath.Join(work, "statement")
	if err := os.WriteFile(draft, text, 0o644); err != nil {
		return nil, err
	}
	if err := sync(draft, out.path); err != nil {
		return nil, err
	}
	if err := renameNew(draft, statement); err != nil {
		return nil, err
	}
	if err := renameNew(out.path, j.Out); err != nil {
		os.Remove(statement)
		return nil, err
	}
	return &Result{SHA256: out.digest, Size: out.size, Statement: statement}, sync(filepath.Dir(j.Out))
}

// renameNew renames and never replaces.
func renameNew(from, to string) error {
	if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func sync(paths ...string) error {
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
