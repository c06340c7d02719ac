package archive

import (
	"errors"
	"hash/crc32"
	"io"
	"path"

	"trustfs/formats"
)

// maxChecked is up to which size a stored member's CRC is computed. Python's zipfile refuses a wrong one and torch reads
// on, so a wrong CRC is worth a finding on what can hold a program; a gigabyte of tensors is read for more than that.
const maxChecked = 4 << 20

// Source opens a member to be read. ok is false if there is nothing to inspect: the reason is then a finding.
// Findings about the data itself (wrong CRC or size, broken compression) are added on the way.
func (z *Zip) Source(c *formats.Context, m *Member) (src *formats.Source, ok bool) {
	where := join(z.s.Where, m.Name)
	src = &formats.Source{Names: []string{path.Base(m.Name), m.Name}, Where: where, Depth: z.s.Depth + 1}
	if m.Flags&flagsUnread != 0 {
		c.Addf(formats.RuleArchiveEncrypted, where, "flags %#x say the member is encrypted: it cannot be inspected, some readers ignore them", m.Flags&flagsUnread)
	}
	if m.Method == methodStored {
		n := min(max(m.Packed, m.Size), max(0, z.s.Size-m.Start))
		if m.Packed != m.Size && m.Flags&flagsUnread == 0 {
			c.Addf(formats.RuleArchiveMalformed, where, "stored member of %d bytes that should hold %d", m.Packed, m.Size)
		}
		src.R, src.Size = io.NewSectionReader(z.s.R, m.Start, n), n
		if n <= maxChecked && m.Packed == m.Size {
			checkStored(c, src, m)
		}
		return src, true
	}
	open := func() (io.Reader, func() int64, error) {
		return decompressor(m.Method, m.Flags, m.Size, io.NewSectionReader(z.s.R, m.Start, m.Packed))
	}
	d := newInflated(c, z.s, where, m.Packed, open)
	z.checkInflated(c, where, m, d)
	src.R, src.Size = d, d.size
	return src, d.size > 0
}

func checkStored(c *formats.Context, src *formats.Source, m *Member) {
	h := crc32.NewIEEE()
	_, err := io.Copy(h, io.NewSectionReader(src.R, 0, src.Size))
	if err == nil && h.Sum32() != m.CRC && m.Flags&flagsUnread == 0 {
		wrongCRC(c, src.Where, h.Sum32(), m.CRC)
	}
}

func wrongCRC(c *formats.Context, where string, is, stated uint32) {
	c.Addf(formats.RuleArchiveAmbiguous, where, "CRC %08x, the archive says %08x: zipfile refuses this member and torch loads it", is, stated)
}

func (z *Zip) checkInflated(c *formats.Context, where string, m *Member, d *Inflated) {
	if m.Flags&flagsUnread != 0 || errors.Is(d.err, errBudget) {
		return
	}
	var method errMethod
	switch {
	case errors.Is(d.err, errDict):
		c.Exceeded(where, "dictionary: %v", d.err)
	case errors.As(d.err, &method):
		c.Addf(formats.RuleArchiveMalformed, where, "%v", d.err)
	case d.err != nil:
		c.Addf(formats.RuleArchiveMalformed, where, "after %d bytes: %v", d.size, d.err)
	case d.size != m.Size:
		c.Addf(formats.RuleArchiveMalformed, where, "member inflates to %d bytes, the archive says %d", d.size, m.Size)
	case d.crc != m.CRC:
		wrongCRC(c, where, d.crc, m.CRC)
	case d.used >= 0 && d.used != m.Packed:
		c.Addf(formats.RuleArchiveAmbiguous, where, "the compressed data ends after %d of %d bytes", d.used, m.Packed)
	}
}

// Plain says that a member's bytes lie in the file as they are: stored, neither encrypted nor of two sizes.
func (m *Member) Plain() bool {
	return m.Method == methodStored && m.Packed == m.Size && m.Flags&flagsUnread == 0
}

// Raw gives a plain member's bytes in place, with nothing checked and nothing counted.
func (z *Zip) Raw(m *Member) *formats.Source {
	return &formats.Source{
		R: io.NewSectionReader(z.s.R, m.Start, m.Packed), Size: m.Packed,
		Names: []string{path.Base(m.Name), m.Name}, Where: join(z.s.Where, m.Name), Depth: z.s.Depth + 1,
	}
}

// Where is a member's position in findings.
func (z *Zip) Where(m *Member) string { return join(z.s.Where, m.Name) }
