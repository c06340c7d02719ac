// Package wire holds what the two sides of the jail's wall say to one another: the set-up that a worker starts with, a
// request, and an answer. Both sides treat the other as broken until the bytes prove otherwise; the parent treats the
// worker as hostile.
//
// Down the request socket (descriptor 0 of the worker): one Setup frame, then any number of Request frames, each
// accompanied by its descriptors (SCM_RIGHTS on the frame's first byte) and followed by the manifests. Up the answer
// pipe (descriptor 1): one Hello, then for each request any number of Data frames, if it asks for data, and one answer. A frame is a length (4 bytes, little-endian) and that many
// bytes; an answer has one byte of Kind before its payload.
package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Bounds of what is sent, in bytes unless said otherwise.
const (
	MaxSetup    = 1 << 20
	MaxRequest  = 8 << 20
	MaxManifest = 512 << 20 // a file of 2 TiB
	MaxHello    = 4 << 10
	MaxFailure  = 16 << 10
	MaxData     = 1 << 20 // one KindData frame; a job says how many bytes they may be in all
	MaxFiles    = 64      // descriptors a job
)

// Descriptors of a worker. Those of a job follow from FirstFile on.
const (
	FDRequest = 0 // socket, read only by the worker
	FDAnswer  = 1 // pipe
	FDStderr  = 2 // pipe
	FDEpoll   = 3 // the Go runtime's poller and its wake-up eventfd
	FDWake    = 4
	FirstFile = 5
)

// Kind is the first byte of an answer.
type Kind byte

const (
	KindResult  Kind = 1 // payload: the task's JSON
	KindFailure Kind = 2 // payload: a Failure
	KindHello   Kind = 3 // payload: a Hello
	KindData    Kind = 4 // payload: bytes that the task gives ahead of its answer, to a job that asks for them
)

// Setup is the first frame a worker reads.
type Setup struct {
	Filter   []byte // sock_filter program, 8 bytes an instruction, as seccomp(2) takes it; empty: none (tests only)
	Root     bool   // put on an empty root (needs the mount namespace)
	Landlock bool
	Caps     bool // drop all capabilities
	Rlimits  []Rlimit
}

// Rlimit is one setrlimit(2) call: soft and hard alike.
type Rlimit struct {
	Resource int
	Limit    uint64
}

// Hello is what a worker says once it is jailed, before it has seen any hostile byte.
type Hello struct {
	LandlockABI int // 0: none
}

// Request asks for one task. The descriptors come with it, in the order of Manifests.
type Request struct {
	Task      string
	Body      json.RawMessage `json:",omitempty"`
	Manifests []int           // length of each manifest that follows
	Data      int64           // the memory budget in bytes, for the garbage collector
	Reuse     bool            // another request may follow
}

// Failure is a task that answers with an error.
type Failure struct {
	Message  string
	Tampered bool   `json:",omitempty"` // the bytes are not those of the manifest; the next three say where
	Offset   int64  `json:",omitempty"`
	Expected string `json:",omitempty"`
	Actual   string `json:",omitempty"`
}

// EncodeJSON frames v as JSON of at most limit bytes.
func EncodeJSON(v any, limit int) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, fmt.Errorf("message of %d bytes, at most %d", len(b), limit)
	}
	return append(binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...), nil
}

// EncodeAnswer frames an answer.
func EncodeAnswer(kind Kind, payload []byte) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 5+len(payload)), uint32(1+len(payload)))
	return append(append(b, byte(kind)), payload...)
}

// ReadAnswer reads one answer with at most limit bytes of payload. An end of the stream before its first byte is io.EOF,
// one inside it io.ErrUnexpectedEOF; a length that breaks the bound is a *FrameError.
func ReadAnswer(r io.Reader, limit int64) (Kind, []byte, error) {
	kind, n, err := readHead(r)
	if err != nil {
		return 0, nil, err
	}
	payload, err := readPayload(r, n, limit)
	if _, bad := err.(*FrameError); bad {
		return 0, nil, err
	}
	return kind, payload, err
}

// FrameError says that a frame claims a length outside its bound.
type FrameError struct{ Length, Limit int64 }

func (e *FrameError) Error() string {
	return fmt.Sprintf("answer claims %d bytes, expected 0 to %d", e.Length, e.Limit)
}

// readGrowing reads n bytes without believing n before the bytes are there.
func readGrowing(r io.Reader, n int64) ([]byte, error) {
	const step = 256 << 10
	var b []byte
	for int64(len(b)) < n {
		k := min(step, n-int64(len(b)))
		at := len(b)
		b = append(b, make([]byte, k)...)
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}
