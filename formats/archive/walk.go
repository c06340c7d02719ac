package archive

import (
	"bytes"
	"encoding/binary"
	"sort"

	"trustfs/formats"
)

// maxScan bounds the bytes searched for hidden records in places where an honest archive has none. More than that is
// refused for being there; it is only no longer said what hides in it.
const maxScan = 64 << 20

// walk reads the file from its first byte as a streaming reader does, record by record, and says where bytes belong to
// none. It leaves every local header it meets in z.locals.
func (z *Zip) walk(c *formats.Context) {
	pos := int64(0)
	for pos < z.s.Size && !c.Stopped() {
		next := z.record(c, pos)
		if next <= pos {
			next = z.gap(c, pos)
		}
		pos = next
	}
}

// record steps over the record at pos; it returns pos where none begins.
func (z *Zip) record(c *formats.Context, pos int64) int64 {
	switch sigAt(z.s, pos) {
	case sigLocal:
		return z.local(c, pos)
	case sigCentral:
		for _, d := range z.dirs {
			if d.at == pos {
				return pos + d.size
			}
		}
		h, err := z.centralAt(pos)
		if err != nil && h == nil {
			return pos
		}
		c.Addf(formats.RuleArchiveAmbiguous, z.s.At(pos), "a central record outside of the central directory")
		return pos + h.length
	case sigEnd64:
		b, err := readAt(z.s, pos, lenEnd64)
		n := uint64(0)
		if err == nil {
			n = binary.LittleEndian.Uint64(b[4:])
		}
		if n < lenEnd64-12 || n > uint64(z.s.Size-pos-12) {
			return pos
		}
		return pos + 12 + int64(n)
	case sigLocator64:
		return pos + lenLocator64
	case sigEnd:
		return z.endRecord(c, pos)
	}
	return pos
}

// endRecord steps over an end record and its comment; bytes behind it are a finding of their own in gap.
func (z *Zip) endRecord(c *formats.Context, pos int64) int64 {
	b, err := readAt(z.s, pos, lenEnd)
	if err != nil {
		return pos
	}
	after := pos + lenEnd + int64(binary.LittleEndian.Uint16(b[20:]))
	if after < z.s.Size {
		c.Addf(formats.RuleArchiveAmbiguous, z.s.At(after), "%d bytes behind the archive's end record", z.s.Size-after)
	} else if after > z.s.Size {
		c.Addf(formats.RuleArchiveMalformed, z.s.At(pos), "the end record's comment runs past the end of the file")
	}
	return after
}

// local steps over a local header, its data and its descriptor.
func (z *Zip) local(c *formats.Context, pos int64) int64 {
	known := z.centralFor(pos)
	if known == nil && !takeMember(c, z.s.At(pos)) { // others are counted already
		return z.s.Size
	}
	h, err := readLocal(z.s, pos)
	if h == nil {
		c.Addf(formats.RuleArchiveMalformed, z.s.At(pos), "local header: %v", err)
		return pos
	}
	if err != nil {
		c.Addf(formats.RuleArchiveMalformed, z.s.At(pos), "local header: %v", err)
	}
	e := &entry{header: h, at: pos, start: pos + h.length}
	switch {
	case h.flags&flagDescriptor == 0 || h.packed != 0:
	case known != nil:
		h.packed = known.packed // the walk goes on where the directory says, and the descriptor must agree
	default:
		h.packed = uint64(z.scanFor(e.start, z.s.Size, sigDescriptor, sigLocal, sigCentral) - e.start)
	}
	left := uint64(z.s.Size - e.start)
	if h.packed > left {
		c.Addf(formats.RuleArchiveMalformed, z.s.At(pos), "member of %d bytes, the file has %d left", h.packed, left)
	}
	e.end = e.start + int64(min(h.packed, left))
	if h.flags&flagDescriptor != 0 {
		e.end += z.descriptor(c, e, known)
	}
	z.locals[pos] = e
	return e.end
}

// centralFor finds a central record whose local header lies at pos.
func (z *Zip) centralFor(pos int64) *entry {
	i := sort.Search(len(z.central), func(i int) bool { return z.central[i].at >= pos })
	if i < len(z.central) && z.central[i].at == pos {
		return z.central[i]
	}
	return nil
}

// descriptor returns the length of the data descriptor behind e's data: with or without its signature, with sizes of 4
// or 8 bytes; the one that agrees with what the records say. An empty member's fits both.
func (z *Zip) descriptor(c *formats.Context, e, known *entry) int64 {
	want := e.header
	if known != nil {
		want = known.header
	}
	widths := []int64{4, 8}
	if e.zip64 {
		widths = []int64{8, 4}
	}
	for _, sig := range []int64{4, 0} {
		for _, width := range widths {
			n := sig + 4 + 2*width
			b, err := readAt(z.s, e.end, int(n))
			if err != nil || sig > 0 && binary.LittleEndian.Uint32(b) != sigDescriptor {
				continue
			}
			crc, packed, size := descriptorFields(b[sig:], width)
			if packed != e.packed {
				continue
			}
			if known == nil {
				e.crc, e.size = crc, size
				return n
			}
			if crc == want.crc && size == want.size {
				return n
			}
		}
	}
	c.Addf(formats.RuleArchiveAmbiguous, z.s.At(e.end), "the data descriptor of %q is missing or says something else than the directory", e.name)
	return 0
}

func descriptorFields(b []byte, width int64) (crc uint32, packed, size uint64) {
	le := binary.LittleEndian
	if width == 8 {
		return le.Uint32(b), le.Uint64(b[4:]), le.Uint64(b[12:])
	}
	return le.Uint32(b), uint64(le.Uint32(b[4:])), uint64(le.Uint32(b[8:]))
}

// gap reports bytes at pos that belong to no record, and returns where records go on.
func (z *Zip) gap(c *formats.Context, pos int64) int64 {
	stop := z.s.Size
	i := sort.Search(len(z.central), func(i int) bool { return z.central[i].at > pos })
	if i < len(z.central) {
		stop = min(stop, z.central[i].at)
	}
	for _, d := range z.dirs {
		if d.at > pos {
			stop = min(stop, d.at)
		}
	}
	for _, e := range z.ends {
		if e.at > pos {
			stop = min(stop, e.before, e.at)
		}
	}
	next := z.scanFor(pos+1, max(stop, pos+1), sigLocal)
	c.Addf(formats.RuleArchiveAmbiguous, z.s.At(pos), "%d bytes that belong to no member", next-pos)
	return next
}

// scanFor finds the first of some signatures in [from, to), or to.
func (z *Zip) scanFor(from, to int64, sigs ...uint32) int64 {
	const chunk = 256 << 10
	for pos := from; pos < to && z.scanned < maxScan; pos += chunk - 3 {
		n := min(chunk, to-pos)
		b, err := readAt(z.s, pos, int(n))
		if err != nil {
			return to
		}
		z.scanned += n
		if i := firstSignature(b, sigs); i >= 0 {
			return pos + int64(i)
		}
	}
	return to
}

func firstSignature(b []byte, sigs []uint32) int {
	for off := 0; ; off++ {
		i := bytes.Index(b[off:], []byte("PK"))
		if i < 0 || off+i+4 > len(b) {
			return -1
		}
		off += i
		for _, sig := range sigs {
			if binary.LittleEndian.Uint32(b[off:]) == sig {
				return off
			}
		}
	}
}
