package views

import (
	"bytes"
	"errors"
	"io"

	"trustfs/formats"
)

// An Answer is what a worker says of a source: the Plan of its view and what the view's own inspection found, or why there
// is no view.
type Answer struct {
	Plan   *Plan           `json:"plan,omitempty"`
	Result *formats.Result `json:"result,omitempty"`
	Index  []byte          `json:"index,omitempty"` // the rewritten index, for a view of KindIndex
	Limit  string          `json:"limit,omitempty"`
}

// Answering makes the Answer for a source of size bytes. inspect judges the view's bytes as it would any file's.
func Answering(r io.ReaderAt, size int64, kind Kind, inspect func(r io.ReaderAt, size int64) formats.Result) (Answer, error) {
	a, err := answering(r, size, kind, inspect)
	var l *LimitError
	if errors.As(err, &l) {
		return Answer{Limit: l.Error()}, nil
	}
	return a, err
}

func answering(r io.ReaderAt, size int64, kind Kind, inspect func(r io.ReaderAt, size int64) formats.Result) (Answer, error) {
	if kind == KindIndex {
		index, err := RewriteIndex(r, size)
		return Answer{Index: index}, err
	}
	p, err := Build(r, size)
	if err != nil {
		return Answer{}, err
	}
	if err := p.Validate(size); err != nil { // a fault in this package: the parent checks again, for a worker gone bad
		return Answer{}, err
	}
	packed := lazily(r, p)
	view, err := NewReader(p, r, packed.readers())
	if err != nil {
		return Answer{}, err
	}
	result := inspect(view, view.Size())
	if packed.err != nil {
		return Answer{}, packed.err
	}
	return Answer{Plan: p, Result: &result}, nil
}

// Size is the size in bytes of what the Answer shows.
func (a *Answer) Size() int64 {
	if a.Plan == nil {
		return int64(len(a.Index))
	}
	return a.Plan.Size
}

// IndexReader reads the rewritten index.
func (a *Answer) IndexReader() io.ReaderAt { return bytes.NewReader(a.Index) }

// MemoryBytes is about what the Answer costs in memory, for caches that count.
func (a *Answer) MemoryBytes() int64 {
	n := int64(len(a.Index))
	if a.Plan != nil {
		n += int64(len(a.Plan.Header)) + 128*int64(len(a.Plan.Tensors))
	}
	return n
}
