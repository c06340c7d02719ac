package archive

import (
	"bytes"
	"encoding/binary"

	"trustfs/formats"
)

// tailWindow is how far from the end readers look for the end record: its 22 bytes and a comment of 65535.
const tailWindow = lenEnd + 65535

// Bounds of how many end records and directories are followed. An honest archive has one of each; past these the
// archive is refused for its ambiguity alone.
const (
	maxEnds        = 8
	maxDirectories = 8
)

// An end is one reading of an end-of-central-directory record.
type end struct {
	at     int64  // of the record
	after  int64  // where its comment ends
	before int64  // where the directory must end: at the zip64 record if there is one, else at the record
	offset uint64 // of the directory, as stated
	size   uint64
	count  uint64
	zip64  bool
}

// findEnds finds the end records that some reader would take: the last one (Python, miniz), and any before it whose
// comment ends with the file (Java). An end record with neither is that of an archive stored inside this one.
func findEnds(s *formats.Source) []end {
	n := min(s.Size, tailWindow)
	tail, err := readAt(s, s.Size-n, int(n))
	if err != nil {
		return nil
	}
	base := s.Size - n
	sig := binary.LittleEndian.AppendUint32(nil, sigEnd)
	if !bytes.Contains(tail, sig) { // of nearly all files, and forwards it is looked for much faster
		return nil
	}
	var found []end
	for i := len(tail); i > 0 && len(found) < maxEnds; {
		i = bytes.LastIndex(tail[:i], sig)
		if i < 0 {
			break
		}
		if len(tail)-i < lenEnd {
			continue
		}
		last := len(found) == 0
		if comment := int(binary.LittleEndian.Uint16(tail[i+20:])); !last && i+lenEnd+comment != len(tail) {
			continue
		}
		found = append(found, readEnd(s, base+int64(i), tail[i:])...)
	}
	return found
}

// readEnd reads the end record at the beginning of b: as it stands, and as each way to find a zip64 record widens it.
// miniz goes where the locator points, Python takes what lies right in front of the locator.
func readEnd(s *formats.Source, at int64, b []byte) []end {
	le := binary.LittleEndian
	e := end{
		at: at, after: at + lenEnd + int64(le.Uint16(b[20:])), before: at,
		count: uint64(le.Uint16(b[10:])), size: uint64(le.Uint32(b[12:])), offset: uint64(le.Uint32(b[16:])),
	}
	locator, err := readAt(s, at-lenLocator64, lenLocator64)
	if err != nil || le.Uint32(locator) != sigLocator64 {
		return []end{e}
	}
	var out []end
	pointed, adjacent := le.Uint64(locator[8:]), at-lenLocator64-lenEnd64
	if pointed < uint64(s.Size) {
		out = append(out, widen(s, e, int64(pointed))...)
	}
	if adjacent != int64(pointed) {
		out = append(out, widen(s, e, adjacent)...)
	}
	// Go's reader follows the zip64 record only where a field of the plain one is saturated, so an unsaturated record
	// that says something else is a reading of its own.
	saturated := e.count == 0xffff || e.size == max32 || e.offset == max32
	if len(out) == 0 || !saturated && (out[0].offset != e.offset || out[0].size != e.size || out[0].count != e.count) {
		out = append(out, e)
	}
	return out
}

// widen reads the zip64 end record at off.
func widen(s *formats.Source, e end, off int64) []end {
	b, err := readAt(s, off, lenEnd64)
	le := binary.LittleEndian
	if err != nil || le.Uint32(b) != sigEnd64 {
		return nil
	}
	e.before, e.zip64 = off, true
	e.count, e.size, e.offset = le.Uint64(b[32:]), le.Uint64(b[40:]), le.Uint64(b[48:])
	return []end{e}
}

// A directory is one place where a reader would look for the central directory.
type directory struct {
	at    int64
	size  int64
	count uint64
	base  int64 // added to the offsets of local headers: what lies in front of the archive, for readers that correct; negative if bytes are missing
}

// directories lists the places an end record leads to: where it says (miniz, and torch by it), and right before the end
// record, with offsets moved by what is then found in front (Python's zipfile, Go, Info-ZIP).
func (e end) directories(s *formats.Source) []directory {
	var out []directory
	add := func(at, base int64) {
		if at < 0 || at > s.Size {
			return
		}
		if sigAt(s, at) == sigCentral || e.count == 0 && e.size == 0 {
			out = append(out, directory{at: at, size: int64(min(e.size, uint64(s.Size-at))), count: e.count, base: base})
		}
	}
	if e.offset <= uint64(s.Size) {
		add(int64(e.offset), 0)
	}
	if e.size <= uint64(e.before) {
		at := e.before - int64(e.size)
		if uint64(at) != e.offset && e.offset < 1<<62 {
			add(at, at-int64(e.offset)) // less than nothing in front, for bytes that were cut out: Python goes along
		}
	}
	return out
}
