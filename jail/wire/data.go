package wire

import (
	"encoding/binary"
	"errors"
	"io"
)

// ErrNoData says that a worker sends data to a job that has asked for none.
var ErrNoData = errors.New("data that nobody has asked for")

// A SinkError is what became of data at the parent's end: the worker is not to blame.
type SinkError struct{ Err error }

func (e *SinkError) Error() string { return "taking what the worker sends: " + e.Err.Error() }

// Unwrap gives the sink's own error.
func (e *SinkError) Unwrap() error { return e.Err }

// ErrManyFrames says that a worker's frames of data hold next to nothing each: reading their heads would keep the parent busy.
var ErrManyFrames = errors.New("more frames of data than bytes warrant")

// framesFor is how many frames n bytes may come in. A worker fills them, to MaxData.
func framesFor(n int64) int64 { return n/4096 + 16 }

// ReadData reads the Data frames of a task, at most size bytes in all, into sink, and then its answer as ReadAnswer does. A
// nil sink takes none. One byte more than size, or a frame over MaxData, is a *FrameError, nearly empty frames without end are
// ErrManyFrames; an error of the sink is a *SinkError.
func ReadData(r io.Reader, limit int64, sink io.Writer, size int64) (Kind, []byte, error) {
	var buf []byte
	for left, frames := size, framesFor(size); ; frames-- {
		kind, n, err := readHead(r)
		switch {
		case err != nil:
			return 0, nil, err
		case kind != KindData:
			payload, err := readPayload(r, n, limit)
			return kind, payload, err
		case sink == nil:
			return 0, nil, ErrNoData
		case n < 0 || n > MaxData || n > left:
			return 0, nil, &FrameError{Length: n, Limit: min(MaxData, left)}
		case frames == 0:
			return 0, nil, ErrManyFrames
		}
		left -= n
		if int64(len(buf)) < n {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return 0, nil, unexpected(err)
		}
		if _, err := sink.Write(buf[:n]); err != nil {
			return 0, nil, &SinkError{err}
		}
	}
}

// DataHead is what goes before n bytes of data, at most MaxData.
func DataHead(n int) []byte {
	return append(binary.LittleEndian.AppendUint32(make([]byte, 0, 5), uint32(1+n)), byte(KindData))
}

// readHead reads a frame's length, without its byte of kind, and the kind.
func readHead(r io.Reader) (Kind, int64, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, 0, err
	}
	return Kind(head[4]), int64(binary.LittleEndian.Uint32(head[:4])) - 1, nil
}

// readPayload reads an answer of n bytes, at most limit.
func readPayload(r io.Reader, n, limit int64) ([]byte, error) {
	if n < 0 || n > limit {
		return nil, &FrameError{Length: n, Limit: limit}
	}
	payload, err := readGrowing(r, n)
	return payload, unexpected(err)
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
