package archive

import (
	"cmp"
	"encoding/binary"
	"slices"

	"trustfs/formats"
)

// A Member is one member of a zip archive in one reading. A name or a header that several records describe differently
// gives several Members.
type Member struct {
	Name    string
	Method  uint16
	Flags   uint16
	CRC     uint32
	Packed  int64 // compressed bytes present in the file
	Size    int64 // stated size
	Header  int64 // offset of the local header
	Start   int64 // offset of the data
	Central bool  // of the central directory's reading; otherwise what only the local header says

	mode uint32 // Unix file mode, 0 if the record has none
}

// Dir says that a member is a folder: a name that ends in a slash, without bytes.
func (m *Member) Dir() bool {
	return m.Packed == 0 && len(m.Name) > 0 && m.Name[len(m.Name)-1] == '/'
}

// A Zip is a zip archive with the members of all its readings, ordered by the offset of their data.
type Zip struct {
	Members []*Member

	s       *formats.Source
	dirs    []directory
	ends    []end
	central []*entry         // of all directories, by the offset of their local headers
	locals  map[int64]*entry // what the walk found, by offset
	scanned int64            // bytes searched for signatures outside of records
}

// An entry is a record with its place: of the local header, for central records too.
type entry struct {
	*header
	at    int64
	start int64 // of the data; local records
	end   int64 // behind data and descriptor; local records
	dir   int   // which directory; central records
}

// IsZip says whether some reader would take s for a zip archive: it begins with a local header or an (empty archive's)
// end record, or an end record near its end leads to a central directory.
func IsZip(s *formats.Source) bool {
	switch sigAt(s, 0) {
	case sigLocal, sigEnd:
		return true
	}
	for _, e := range findEnds(s) {
		for _, d := range e.directories(s) {
			if sigAt(s, d.at) == sigCentral { // whatever the count says: zipfile does not look at it
				// The end of a tar may hold a stored zip archive, which is then inspected as the tar's member.
				return !IsTar(s) || e.at >= tarEnd(s)
			}
		}
	}
	return false
}

// ReadZip reads the archive in every way that a reader would, and adds a finding for each disagreement. It reads records
// only, no members' data.
func ReadZip(c *formats.Context, s *formats.Source) *Zip {
	s = paged(s)
	z := &Zip{s: s, locals: map[int64]*entry{}}
	z.findDirectories(c)
	for i, d := range z.dirs {
		z.readDirectory(c, i, d)
	}
	slices.SortStableFunc(z.central, func(a, b *entry) int { return cmp.Compare(a.at, b.at) })
	if !c.Stopped() {
		z.walk(c)
	}
	if !c.Stopped() {
		z.compare(c)
	}
	z.checkNames(c)
	slices.SortStableFunc(z.Members, func(a, b *Member) int { return cmp.Compare(a.Start, b.Start) })
	return z
}

func (z *Zip) findDirectories(c *formats.Context) {
	z.ends = findEnds(z.s)
	places := map[int64]bool{}
	for _, e := range z.ends {
		for _, d := range e.directories(z.s) {
			if len(z.dirs) < maxDirectories && !slices.Contains(z.dirs, d) {
				z.dirs = append(z.dirs, d)
			}
			places[e.at] = true
		}
		if e.offset > uint64(z.s.Size) || e.size > uint64(z.s.Size) {
			c.Addf(formats.RuleArchiveMalformed, z.s.At(e.at), "the end record puts a directory of %d bytes at %d, outside of the file",
				e.size, e.offset)
		}
	}
	switch {
	case len(z.dirs) == 0:
		c.Addf(formats.RuleArchiveMalformed, z.s.At(z.s.Size), "no central directory: the archive is cut or its end record is wrong")
	case len(places) > 1:
		c.Addf(formats.RuleArchiveAmbiguous, z.s.Where, "%d end records lead to a central directory; readers differ in which they take", len(places))
	case len(z.dirs) > 1:
		c.Addf(formats.RuleArchiveAmbiguous, z.s.Where, "the end record leads different readers to %d central directories", len(z.dirs))
	}
	for _, d := range z.dirs {
		if d.base != 0 {
			c.Addf(formats.RuleArchiveAmbiguous, z.s.At(0), "the directory lies %d bytes from where the end record says: only some readers correct for what is in front", d.base)
		}
	}
}

// readDirectory reads the records of one central directory: as many as its size holds, and on where the count says more.
func (z *Zip) readDirectory(c *formats.Context, index int, d directory) {
	pos, n := d.at, uint64(0)
	for ; sigAt(z.s, pos) == sigCentral; n++ {
		if pos >= d.at+d.size && n >= d.count {
			break
		}
		if !takeMember(c, z.s.At(pos)) {
			return
		}
		h, err := z.centralAt(pos)
		if err != nil {
			c.Addf(formats.RuleArchiveMalformed, z.s.At(pos), "central directory: %v", err)
			if h == nil {
				return
			}
		}
		e := &entry{header: h, at: int64(min(h.offset, uint64(z.s.Size))) + d.base, dir: index}
		z.central = append(z.central, e)
		pos += h.length
	}
	if pos != d.at+d.size || n != d.count {
		c.Addf(formats.RuleArchiveAmbiguous, z.s.At(d.at), "central directory of %d records in %d bytes; the end record says %d in %d",
			n, pos-d.at, d.count, d.size)
	}
	z.dirs[index].size = pos - d.at
}

// centralAt reads the central record at pos. Directories of many records are read a record at a time, so that a
// directory costs the memory of its members and not of its bytes.
func (z *Zip) centralAt(pos int64) (*header, error) {
	fixed, err := readAt(z.s, pos, lenCentral)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	n := lenCentral + int(le.Uint16(fixed[28:])) + int(le.Uint16(fixed[30:])) + int(le.Uint16(fixed[32:]))
	b, err := readAt(z.s, pos, int(min(int64(n), z.s.Size-pos))) // zipfile takes a last record that is cut
	if err != nil {
		return nil, err
	}
	return readCentral(b, pos)
}
