package jail

import (
	"bytes"
	"encoding/json"
	"fmt"

	"trustfs/integrity"
	"trustfs/jail/wire"
)

// verdict turns a well-framed answer into the task's JSON or a typed error.
func verdict(task string, pid int, kind wire.Kind, b []byte) ([]byte, error) {
	switch kind {
	case wire.KindResult:
		if !json.Valid(b) {
			return nil, &WorkerError{Reason: ReasonProtocol, Task: task, Pid: pid, Detail: "the answer is not JSON"}
		}
		return b, nil
	case wire.KindFailure:
		return nil, failure(task, pid, b)
	}
	return nil, &WorkerError{Reason: ReasonProtocol, Task: task, Pid: pid, Detail: fmt.Sprintf("an answer of kind %d", kind)}
}

func failure(task string, pid int, b []byte) error {
	var f wire.Failure
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if len(b) > wire.MaxFailure || dec.Decode(&f) != nil || dec.More() {
		return &WorkerError{Reason: ReasonProtocol, Task: task, Pid: pid, Detail: "a failure that cannot be read"}
	}
	t := &TaskError{Task: task, Message: escape(f.Message)}
	if f.Tampered {
		t.Tamper = &integrity.TamperError{Offset: f.Offset, Expected: escape(clip(f.Expected)), Actual: escape(clip(f.Actual))}
	}
	return t
}

// clip bounds the digest digits of a tamper report, which are 16 at most.
func clip(s string) string { return s[:min(len(s), 16)] }
