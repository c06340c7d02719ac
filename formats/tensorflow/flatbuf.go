package tensorflow

import (
	"io"

	"trustfs/formats/internal/cursor"
)

// flat reads a FlatBuffer in place. The library's accessors index a slice that holds the whole file and panic on a bad
// offset; here every offset is held against the file, and weights are never read. Format: FlatBuffers internals.
type flat struct{ *cursor.Cursor }

func newFlat(r io.ReaderAt, size int64) flat { return flat{cursor.New(r, 0, size)} }

// table is the position of a table; 0 is none.
type table int64

// u32At and i32At read a number.
func (f flat) u32At(at int64) uint32 {
	f.MoveTo(at)
	return f.U32()
}

// ref follows an offset that is relative to its own position.
func (f flat) ref(at int64) int64 {
	return at + int64(f.u32At(at))
}

// field returns where field i of t is, 0 where it is absent.
func (f flat) field(t table, i int) int64 {
	if t == 0 || f.Err() != nil {
		return 0
	}
	vtable := int64(t) - int64(int32(f.u32At(int64(t))))
	f.MoveTo(vtable)
	size := int64(f.U16())
	slot := int64(4 + 2*i)
	if f.Err() != nil || slot+2 > size {
		return 0
	}
	f.MoveTo(vtable + slot)
	if off := int64(f.U16()); off != 0 && f.Err() == nil {
		return int64(t) + off
	}
	return 0
}

// vector returns the position of the elements and their number; width is an element's bytes, by which the number is
// bounded.
func (f flat) vector(t table, i int, width int64) (at, n int64) {
	field := f.field(t, i)
	if field == 0 {
		return 0, 0
	}
	start := f.ref(field)
	n = int64(f.u32At(start))
	at = start + 4
	if f.Err() == nil && n > f.Len()/width {
		f.Fail("a vector of %d elements of %d bytes, %d bytes are left", n, width, f.Len())
	}
	if f.Err() != nil {
		return 0, 0
	}
	return at, n
}

// tables calls visit for each table of a vector of tables.
func (f flat) tables(t table, i int, visit func(table)) {
	at, n := f.vector(t, i, 4)
	for j := int64(0); j < n && f.Err() == nil; j++ {
		visit(table(f.ref(at + 4*j)))
	}
}

// str returns a string field of at most limit bytes.
func (f flat) str(t table, i int, limit int64) string {
	at, n := f.vector(t, i, 1)
	if n > limit {
		f.Fail("a string of %d bytes, at most %d are read", n, limit)
	}
	if at == 0 || f.Err() != nil {
		return ""
	}
	f.MoveTo(at)
	return string(f.Bytes(uint64(n), int(limit)))
}
