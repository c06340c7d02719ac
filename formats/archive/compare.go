package archive

import (
	"fmt"
	"strings"

	"trustfs/formats"
)

// compare holds every central record against the local header it points to, and collects the members of both readings.
func (z *Zip) compare(c *formats.Context) {
	seen := map[Member]bool{}
	add := func(h *header, at, start int64, central bool) {
		for _, name := range []string{h.name, h.altName} {
			m := Member{
				Name: name, Method: h.method, Flags: h.flags, CRC: h.crc, Header: at, Start: start, Central: central,
				Packed: int64(min(h.packed, uint64(max(0, z.s.Size-start)))), Size: int64(min(h.size, 1<<62)), mode: h.mode,
			}
			key := m
			key.Central, key.Flags, key.CRC, key.mode, key.Size = false, m.Flags&flagsUnread, 0, 0, 0
			if (name != "" || h.altName == "") && !seen[key] {
				seen[key] = true
				z.Members = append(z.Members, &m)
			}
			if h.altName == "" {
				break
			}
		}
	}
	claimed := map[int64]bool{}
	for i, e := range z.central {
		l := z.localOf(c, e)
		if l == nil {
			continue
		}
		claimed[e.at] = true
		if (e.folder || strings.HasSuffix(e.name, "/")) && e.size > 0 {
			c.Addf(formats.RuleArchiveAmbiguous, z.s.At(e.at), "member %q of %d bytes is marked as a folder: torch gives what happens to lie in memory for it", e.name, e.size)
		}
		z.overlap(c, i, e, l)
		add(e.header, e.at, l.start, true)
		if z.differ(c, e, l) {
			add(l.header, l.at, l.start, false)
		}
	}
	for _, at := range sortedKeys(z.locals) {
		if l := z.locals[at]; !claimed[at] {
			c.Addf(formats.RuleArchiveAmbiguous, z.s.At(at), "member %q is in no central directory: only streaming readers see it", l.name)
			add(l.header, at, l.start, false)
		}
	}
}

// localOf finds the local header of a central record, also where the walk did not come by.
func (z *Zip) localOf(c *formats.Context, e *entry) *entry {
	if l := z.locals[e.at]; l != nil {
		return l
	}
	h, err := readLocal(z.s, e.at)
	if h == nil {
		c.Addf(formats.RuleArchiveMalformed, z.s.At(e.at), "the directory puts member %q here: %v", e.name, err)
		return nil
	}
	c.Addf(formats.RuleArchiveAmbiguous, z.s.At(e.at), "member %q begins inside the bytes of another record", e.name)
	l := &entry{header: h, at: e.at, start: e.at + h.length}
	if h.flags&flagDescriptor != 0 && h.packed == 0 {
		h.packed = e.packed
	}
	return l
}

// overlap reports members of one directory that share bytes with the next one or with the directory (overlapping
// members are how a small archive becomes a bomb, and how one byte range becomes two members).
func (z *Zip) overlap(c *formats.Context, i int, e, l *entry) {
	left := uint64(max(0, z.s.Size-l.start))
	if e.packed > left {
		c.Addf(formats.RuleArchiveMalformed, z.s.At(e.at), "member %q of %d bytes, the file has %d left", e.name, e.packed, left)
		return
	}
	stop := l.start + int64(e.packed)
	for _, d := range z.dirs {
		if e.at < d.at && stop > d.at {
			c.Addf(formats.RuleArchiveAmbiguous, z.s.At(e.at), "member %q runs into the central directory", e.name)
		}
	}
	for _, n := range z.central[i+1:] {
		if n.dir != e.dir {
			continue
		}
		if n.at < stop || n.at == e.at {
			c.Addf(formats.RuleArchiveAmbiguous, z.s.At(e.at), "members %q and %q overlap", e.name, n.name)
		}
		break
	}
}

// differ compares a central record with its local header. A descriptor leaves the local sizes and the CRC at zero, which
// is no difference.
func (z *Zip) differ(c *formats.Context, e, l *entry) bool {
	different := false
	note := func(what string, central, local any) {
		different = true
		c.Addf(formats.RuleArchiveAmbiguous, z.s.At(e.at), "%s of member %q: the directory says %v, its local header %v", what, e.name, central, local)
	}
	if e.name != l.name {
		note("name", fmt.Sprintf("%q", e.name), fmt.Sprintf("%q", l.name))
	}
	if e.altName != "" || l.altName != "" {
		c.Addf(formats.RuleArchiveAmbiguous, z.s.At(e.at), "member %q is %q to some readers", e.name, e.altName+l.altName)
		different = different || l.altName != e.altName
	}
	if e.method != l.method {
		note("method", e.method, l.method)
	}
	if (e.flags^l.flags)&flagsUnread != 0 {
		note("encryption flags", fmt.Sprintf("%#x", e.flags&flagsUnread), fmt.Sprintf("%#x", l.flags&flagsUnread))
	}
	if (e.flags^l.flags)&flagUTF8 != 0 && !ascii([]byte(e.name)) {
		note("encoding of the name", e.flags&flagUTF8 != 0, l.flags&flagUTF8 != 0)
	}
	open := l.flags&flagDescriptor != 0
	if e.packed != l.packed {
		note("compressed size", e.packed, l.packed)
	}
	if e.size != l.size && !(open && l.size == 0) {
		note("size", e.size, l.size)
	}
	if e.crc != l.crc && !(open && l.crc == 0) {
		note("CRC", fmt.Sprintf("%08x", e.crc), fmt.Sprintf("%08x", l.crc))
	}
	return different
}
