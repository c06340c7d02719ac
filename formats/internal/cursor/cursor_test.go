package cursor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func TestReads(t *testing.T) {
	c := New(bytes.NewReader([]byte{9, 1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'}), 1, 19)
	if a, b, d, e := c.U8(), c.U16(), c.U32(), c.U64(); a != 1 || b != 2 || d != 3 || e != 4 {
		t.Fatalf("%d %d %d %d, want 1 2 3 4", a, b, d, e)
	}
	c.Skip(1)
	if got := c.Bytes(2, 2); string(got) != "bc" || c.Err() != nil || c.Len() != 0 {
		t.Errorf("%q left %d err %v", got, c.Len(), c.Err())
	}
	if c.U8(); c.Err() == nil {
		t.Error("a byte beyond the end")
	}
}

func TestBigEndian(t *testing.T) {
	c := New(bytes.NewReader([]byte{0, 1, 0, 0, 0, 2}), 0, 6)
	c.Order = binary.BigEndian
	if a, b := c.U16(), c.U32(); a != 1 || b != 2 {
		t.Errorf("%d %d, want 1 2", a, b)
	}
}

func TestBounds(t *testing.T) {
	data := bytes.NewReader(make([]byte, 100_000))
	for name, f := range map[string]func(*Cursor){
		"skip":       func(c *Cursor) { c.Skip(101) },
		"huge skip":  func(c *Cursor) { c.Skip(1 << 63) },
		"bytes":      func(c *Cursor) { c.Bytes(101, 1000) },
		"huge bytes": func(c *Cursor) { c.Bytes(1<<63, 1<<30) },
		"limit":      func(c *Cursor) { c.Bytes(11, 10) },
		"u64":        func(c *Cursor) { c.Skip(93); c.U64() },
		"seek":       func(c *Cursor) { c.MoveTo(101) },
		"back":       func(c *Cursor) { c.MoveTo(-1) },
	} {
		c := New(data, 0, 100)
		if f(c); c.Err() == nil {
			t.Errorf("%s: no error", name)
		}
		if c.U8() != 0 || c.Bytes(1, 1) != nil {
			t.Errorf("%s: the error does not stick", name)
		}
	}
}

func TestLongBytesAndSeek(t *testing.T) {
	want := strings.Repeat("0123456789", 10_000)
	c := New(strings.NewReader(want), 0, int64(len(want)))
	if got := c.Bytes(uint64(len(want)), 1<<20); string(got) != want {
		t.Error("long bytes differ")
	}
	c.MoveTo(12_345)
	if b := c.U8(); b != '5' {
		t.Errorf("%q after MoveTo, want 5", b)
	}
}

func TestFailedReadIsNotMalformed(t *testing.T) {
	c := New(bytes.NewReader(nil), 0, 8) // claims more than there is
	c.U64()
	var e *Error
	if !errors.As(c.Err(), &e) || e.Err == nil {
		t.Errorf("%v, want a read error", c.Err())
	}
}

// The window is as long as the file at most, wherever the first look at it was.
func TestBackAfterALookAtTheEnd(t *testing.T) {
	const data = "0123456789"
	c := New(strings.NewReader(data), 0, int64(len(data)))
	c.MoveTo(9)
	if b := c.Peek(1); string(b) != "9" {
		t.Fatalf("%q at the end", b)
	}
	c.MoveTo(0)
	if b := c.Peek(10); string(b) != data || c.Err() != nil {
		t.Errorf("%q from the beginning, %v", b, c.Err())
	}
}
