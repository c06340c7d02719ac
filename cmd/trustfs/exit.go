package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"trustfs/internal/term"
)

// Exit codes, the same for every command.
const (
	exitOK      = 0
	exitRefused = 1 // the command ran, and the answer is no: something is refused, missing or outside
	exitFailed  = 2 // the command could not run, or was called wrongly
)

// errRefused ends a command whose answer is no and which has said so already.
var errRefused = errors.New("refused")

// A noError is an answer of no that has still to be said.
type noError struct{ err error }

func (e *noError) Error() string { return e.err.Error() }
func (e *noError) Unwrap() error { return e.err }

// A usageError is a wrong command line.
type usageError struct {
	err     error
	command string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// finish says what went wrong, and gives the exit code.
func (a *app) finish(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errRefused):
		return exitRefused
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.stderr, "trustfs: interrupted")
		return exitFailed
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(a.stderr, "trustfs: "+term.Escape(strings.TrimSuffix(line, "\n")))
	}
	if u, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintf(a.stderr, "see: %s --help\n", u.command)
	}
	if _, ok := errors.AsType[*noError](err); ok {
		return exitRefused
	}
	return exitFailed
}
