package main

import (
	"encoding/json"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"trustfs/jail/inside"
)

// An attack is one thing that a worker must not get away with. try returns nil when it has succeeded.
type attack struct {
	name  string
	stops string // the layers that claim to stop it alone: ns ll caps lim sec
	try   func(*target) error
	slow  bool // takes seconds where nothing stops it: tried only where it is claimed to be stopped
}

// target is what there is to attack; the test makes it.
type target struct {
	Attack   string
	Victim   int    // pid, of the worker's user
	Socket   string // path of a listening Unix socket that everybody may connect to
	Abstract string // name of a listening abstract socket
	Port     int    // of a listening TCP socket on 127.0.0.1
	Secret   string // path of a file that everybody may read and write
	Dir      string // path of a directory that everybody may write
}

var groups = []struct {
	name    string
	attacks []attack
}{{"files", files}, {"its descriptors", descriptors}, {"network", network}, {"processes", processes}, {"memory", memory},
	{"kernel", kernel}, {"resources", resources}}

// listed is what the task "list" answers.
type listed struct {
	Group, Name, Stops string
	Slow               bool
}

func list([]inside.Input, json.RawMessage) (any, error) {
	var out []listed
	for _, g := range groups {
		for _, a := range g.attacks {
			out = append(out, listed{g.name, a.name, a.stops, a.slow})
		}
	}
	return out, nil
}

// attackTask answers "open" when the attack succeeded, or the error that stopped it.
func attackTask(_ []inside.Input, req json.RawMessage) (any, error) {
	var t target
	if err := json.Unmarshal(req, &t); err != nil {
		return nil, err
	}
	for _, g := range groups {
		for _, a := range g.attacks {
			if a.name != t.Attack {
				continue
			}
			if err := a.try(&t); err != nil {
				return name(err), nil
			}
			return "open", nil
		}
	}
	return nil, fmt.Errorf("no attack %q", t.Attack)
}

func name(err error) string {
	if e, ok := err.(unix.Errno); ok && unix.ErrnoName(e) != "" {
		return unix.ErrnoName(e)
	}
	return err.Error()
}

// sys makes one raw system call.
func sys(nr uintptr, args ...uintptr) error {
	_, err := sysr(nr, args...)
	return err
}

func sysr(nr uintptr, args ...uintptr) (uintptr, error) {
	var a [6]uintptr
	copy(a[:], args)
	r, _, errno := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno != 0 {
		return 0, errno
	}
	return r, nil
}

// held keeps what is passed by address alive.
var held []any

func str(s string) uintptr {
	b := append([]byte(s), 0)
	held = append(held, b)
	return uintptr(unsafe.Pointer(&b[0]))
}

func buf(n int) uintptr {
	b := make([]byte, n)
	held = append(held, b)
	return uintptr(unsafe.Pointer(&b[0]))
}

func ptr[T any](v T) uintptr {
	p := &v
	held = append(held, p)
	return uintptr(unsafe.Pointer(p))
}

const cwd = ^uintptr(99) // AT_FDCWD

// input is the number of the judged file's descriptor.
const input = 5

// needs turns a failed preparation into the attack's own failure.
func then(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}
