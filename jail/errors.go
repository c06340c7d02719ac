package jail

import (
	"fmt"
	"strings"
	"syscall"

	"trustfs/integrity"
)

// Reason says, for machines, why a worker gave no answer.
type Reason string

const (
	ReasonStart     Reason = "start"     // no worker could be started
	ReasonKilled    Reason = "killed"    // a signal from outside the jail, or the kernel's memory killer
	ReasonViolation Reason = "violation" // it made a system call that the filter does not allow
	ReasonTimeout   Reason = "timeout"   // the wall-clock budget is used up
	ReasonLimit     Reason = "limit"     // the CPU or memory budget is used up
	ReasonCrashed   Reason = "crashed"   // it ended by itself without an answer
	ReasonProtocol  Reason = "protocol"  // it answered something that is no answer
)

// A WorkerError says that a worker ended, or was ended, without a good answer: the file must be refused.
type WorkerError struct {
	Reason  Reason
	Task    string
	Pid     int            // 0 when no worker was started
	Signal  syscall.Signal // that ended the worker; 0 when none did
	Syscall string         // for ReasonViolation: the system call's name, where the kernel log gives it
	Detail  string         // what happened, for people; may carry text of the worker, escaped and bounded
	Err     error          // the cause, if there is one
}

func (e *WorkerError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "jailed worker (%s): %s", e.Task, e.Reason)
	if e.Signal != 0 {
		fmt.Fprintf(&b, " by %s", signalName(e.Signal))
	}
	if e.Syscall != "" {
		fmt.Fprintf(&b, " in %s", e.Syscall)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *WorkerError) Unwrap() error { return e.Err }

// A TaskError is an error that the task itself answered with. The worker is hostile as far as the parent knows, so the
// message is bounded and escaped, and a TaskError can only refuse.
type TaskError struct {
	Task    string
	Message string
	// Tamper is set when the worker met bytes that are not those of the Manifest; errors.As finds it too.
	Tamper *integrity.TamperError
}

func (e *TaskError) Error() string { return "jailed task " + e.Task + ": " + e.Message }

// Unwrap gives the *integrity.TamperError, if that is what happened.
func (e *TaskError) Unwrap() error {
	if e.Tamper == nil {
		return nil
	}
	return e.Tamper
}
