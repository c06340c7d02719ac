// Package dense writes pickles that are nearly all opcodes, of any size and without keeping them: what benchmarks and
// tests of memory run the pickle machine over. Nothing in them is harmful; some are larger than any budget admits.
package dense

import (
	"bufio"
	"io"
)

// A Shape is one kind of stream: a head, units that repeat, a tail. CPython's unpicklers load each that Refused says
// nothing of.
type Shape struct {
	Name  string // lower case, words apart by "-"
	About string // what a unit is
	// Refused is part of the message of the budget that a stream of 200 MB exceeds, "" if none.
	Refused string

	head, tail  string // around everything
	open, close string // around every batch of units
	batch       int    // units in a batch; 0: all of them
	unit        func(b []byte, i uint32) []byte
	memo        int64 // memo entries of a unit
	stack       int64 // stack entries that a unit leaves until its batch ends
	first       int64 // stack and memo entries of the head
}

// Write streams at least size bytes and gives how many stack and memo entries are alive at once at most. size counts
// until the last unit is full; head and tail are short.
func (s *Shape) Write(w io.Writer, size int64) (entries int64, err error) {
	out := bufio.NewWriterSize(w, 64<<10)
	var b []byte
	written, units, peak := int64(0), int64(0), int64(0)
	put := func(b []byte) {
		written += int64(len(b))
		_, err = out.Write(b) // bufio keeps the first error
	}
	put([]byte(s.head))
	for written < size && err == nil {
		put([]byte(s.open))
		n := int64(0)
		for (s.batch == 0 || n < int64(s.batch)) && written < size {
			b = s.unit(b[:0], uint32(units))
			put(b)
			n, units = n+1, units+1
		}
		put([]byte(s.close))
		peak = max(peak, units*s.memo+n*s.stack)
	}
	put([]byte(s.tail))
	if err := out.Flush(); err != nil {
		return 0, err
	}
	return s.first + peak, nil
}

// Named gives the shape of that name, or nil.
func Named(name string) *Shape {
	for i := range Shapes {
		if Shapes[i].Name == name {
			return &Shapes[i]
		}
	}
	return nil
}
