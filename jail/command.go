//go:build !lean

package jail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// Places inside the jail of a Command.
const (
	CommandInput  = "/input"  // the input is CommandInput/<its base name>
	CommandOutput = "/output" // the output directory
)

// A Command is a real program, run once in the jail: it sees /usr, /bin, /lib* and the loader's cache read-only, one
// input read-only, one output directory, a private /tmp, /dev/null and /dev/urandom, and nothing else. It has no
// network, no capability, no new privileges, no standard input, and ends with this process.
type Command struct {
	WorkerPath string   // as in Config: it builds the jail and then becomes the program
	Program    string   // host path of the program
	Siblings   bool     // the program's directory is visible too (read-only), for the shared libraries beside it
	Args       []string // without the program's name; paths as inside the jail
	Input      string   // host path of a regular file
	OutputDir  string   // host path of a directory of the caller's own; its owner changes to the program's user
	Require    Require
	Limits     CommandLimits
	// Progress is called for each line (ended by \n or \r) that the program writes on either stream, escaped and bounded.
	Progress func(line string)
}

// CommandLimits bound a Command. Zero fields take the defaults.
type CommandLimits struct {
	Wall    time.Duration // 2 h
	CPU     time.Duration // CPU time of all threads; 0: Wall times 64
	Data    int64         // bytes of RLIMIT_DATA; 0: 16 GiB
	File    int64         // largest file it may write, in bytes; 0: 1 TiB
	Tmp     int64         // bytes of its private /tmp; 0: 64 MiB
	Capture int           // bytes kept of each stream's end; 0: 64 KiB
}

// CommandResult is what is left of a program that ended with status 0.
type CommandResult struct {
	Stdout, Stderr []byte // the last bytes of each, as written: hostile text
	Elapsed        time.Duration
}

// A CommandError says that a program did not end well.
type CommandError struct {
	Program  string
	Reason   Reason // ReasonStart, ReasonTimeout, ReasonKilled, ReasonViolation, ReasonCrashed
	ExitCode int    // -1 when it did not exit by itself
	Signal   unix.Signal
	Stderr   []byte // its last bytes, as written: hostile text
	Err      error
}

func (e *CommandError) Error() string {
	s := fmt.Sprintf("%s in the jail: %s", e.Program, e.Reason)
	switch {
	case e.Signal != 0:
		s += " by " + signalName(e.Signal)
	case e.ExitCode > 0:
		s += fmt.Sprintf(" with exit status %d", e.ExitCode)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if len(e.Stderr) > 0 {
		s += ": " + escape(string(e.Stderr[max(0, len(e.Stderr)-maxWords):]))
	}
	return s
}

func (e *CommandError) Unwrap() error { return e.Err }

func (l CommandLimits) withDefaults() CommandLimits {
	if l.Wall == 0 {
		l.Wall = 2 * time.Hour
	}
	if l.CPU == 0 {
		l.CPU = 64 * l.Wall
	}
	if l.Data == 0 {
		l.Data = 16 << 30
	}
	if l.File == 0 {
		l.File = 1 << 40
	}
	if l.Tmp == 0 {
		l.Tmp = 64 << 20
	}
	if l.Capture == 0 {
		l.Capture = 64 << 10
	}
	return l
}

// Run runs the program to its end. Errors are *CommandError, ctx's error, or plain ones for a Command that is not well
// formed. When ctx is done, the program is killed; what it has written so far stays in OutputDir for the caller to remove.
func (c *Command) Run(ctx context.Context) (*CommandResult, error) {
	l, err := newLauncher(c.WorkerPath)
	if err != nil {
		return nil, err
	}
	defer l.close()
	spec, err := c.spec()
	if err != nil {
		return nil, fmt.Errorf("jail: command %s: %w", c.Program, err)
	}
	head, err := wire.EncodeJSON(spec, wire.MaxSetup)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, &l, head)
}

// spec checks the paths and works out what the launcher has to do.
func (c *Command) spec() (*wire.Command, error) {
	limits := c.Limits.withDefaults()
	input, st, err := checkedMount(c.Input, unix.S_IFREG)
	if err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	input.Target = filepath.Join(CommandInput, filepath.Base(input.Source))
	output, _, err := checkedMount(c.OutputDir, unix.S_IFDIR)
	if err != nil {
		return nil, fmt.Errorf("output directory: %w", err)
	}
	output.Target, output.Write = CommandOutput, true
	program, where, err := c.program()
	if err != nil {
		return nil, err
	}
	filter, err := compileCommandFilter()
	if err != nil {
		return nil, err
	}
	spec := &wire.Command{
		Filter: filter, Landlock: true, Rlimits: commandRlimits(limits), TmpBytes: limits.Tmp,
		Mounts: append(append(systemMounts(), program...), input, output),
		Argv:   append([]string{where}, c.Args...),
		Env:    []string{"PATH=/usr/bin", "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8"},
	}
	if c.Require == RequireSeccomp {
		return nil, errors.New("external programs need the whole jail, whatever jail.require says")
	}
	spec.Uid, spec.Gid = runAs(st)
	if os.Geteuid() == 0 {
		if err := os.Chown(output.Source, spec.Uid, spec.Gid); err != nil {
			return nil, fmt.Errorf("output directory: %w", err)
		}
	}
	return spec, nil
}

func commandRlimits(l CommandLimits) []wire.Rlimit {
	return []wire.Rlimit{
		{Resource: unix.RLIMIT_NOFILE, Limit: 256},
		{Resource: unix.RLIMIT_FSIZE, Limit: uint64(l.File)},
		{Resource: unix.RLIMIT_CORE, Limit: 0},
		{Resource: unix.RLIMIT_MSGQUEUE, Limit: 0},
		{Resource: unix.RLIMIT_DATA, Limit: uint64(l.Data)},
		{Resource: unix.RLIMIT_CPU, Limit: uint64(max(1, l.CPU/time.Second))},
		{Resource: unix.RLIMIT_NPROC, Limit: 1024},
	}
}
