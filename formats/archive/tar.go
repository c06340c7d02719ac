package archive

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"strings"

	"trustfs/formats"
)

const tarBlock = 512

// IsTar says whether s begins with a tar header: by the checksum, which the oldest tars have too.
func IsTar(s *formats.Source) bool {
	b, err := readAt(s, 0, tarBlock)
	return err == nil && tarHeader(b)
}

// tarHeader checks the checksum field: the sum of all bytes with the field itself as blanks, which some writers took
// over signed bytes.
func tarHeader(b []byte) bool {
	field := strings.Trim(string(b[148:156]), " \x00")
	if field == "" || b[0] == 0 {
		return false
	}
	want := int64(0)
	for _, d := range field {
		if d < '0' || d > '7' {
			return false
		}
		want = want<<3 | int64(d-'0')
	}
	unsigned, signed := int64(0), int64(0)
	for i, v := range b {
		if i >= 148 && i < 156 {
			v = ' '
		}
		unsigned += int64(v)
		signed += int64(int8(v))
	}
	return want == unsigned || want == signed
}

// tarEnd is where the members of the tar archive at the beginning of s end, by their headers alone.
func tarEnd(s *formats.Source) int64 {
	body := io.NewSectionReader(paged(s).R, 0, s.Size)
	r := tar.NewReader(body)
	for range 10_000 { // detection has to stay cheap; behind so many members the zip reading counts too
		if _, err := r.Next(); err != nil {
			break
		}
	}
	pos, _ := body.Seek(0, io.SeekCurrent)
	return pos
}

// Tar inspects tar archives (NeMo's, torch's oldest, model folders in transit), compressed or not: the compression is
// another inspector's. A flavor that accepts the archive judges members before any other inspector does.
type Tar struct {
	Flavors []TarFlavor
}

// Name implements formats.Inspector.
func (Tar) Name() string { return formats.FormatTar }

// Detect implements formats.Inspector.
func (Tar) Detect(_ *formats.Context, s *formats.Source) bool { return IsTar(s) }

// Inspect implements formats.Inspector. An archive may go on behind its end (concatenated tars; some readers ask to
// ignore zero blocks), so reading starts again at each header found there.
func (t Tar) Inspect(c *formats.Context, s *formats.Source) {
	if !Enter(c, s) {
		return
	}
	s = paged(s)
	readers := t.open(c, s)
	seen := map[string]bool{}
	defer func() { named(c, s, seen) }()
	for pos, part := int64(0), 0; !c.Stopped(); part++ {
		end := t.archive(c, s, pos, seen, readers)
		pos = nextTar(s, end)
		if pos < 0 {
			tail := afterZeros(s, end)
			if tail < s.Size && !c.Stopped() {
				c.Addf(formats.RuleArchiveAmbiguous, s.At(tail), "%d bytes behind the end of the tar archive", s.Size-tail)
				c.Nested(c, &formats.Source{R: io.NewSectionReader(s.R, tail, s.Size-tail), Size: s.Size - tail, Where: s.At(tail), Depth: s.Depth + 1})
			}
			return
		}
		c.Addf(formats.RuleArchiveAmbiguous, s.At(pos), "the tar archive goes on behind its end: readers differ in whether they follow")
		if part >= maxDirectories {
			c.Exceeded(s.At(pos), "members: more than %d tar archives in a row", maxDirectories)
		}
	}
}

// named refines the format by the members that a loader looks for: NeMo's configuration, and the four files of torch's
// oldest archives.
func named(c *formats.Context, s *formats.Source, seen map[string]bool) {
	switch {
	case seen["model_config.yaml"]:
		c.SetFormat(s, formats.FormatNemo)
	case seen["storages"] && seen["tensors"] && seen["pickle"]:
		c.SetFormat(s, formats.FormatPytorchTar)
	}
}

// archive inspects one tar archive from off on, and returns where it ends.
func (t Tar) archive(c *formats.Context, s *formats.Source, off int64, seen map[string]bool, readers []TarReader) int64 {
	body := io.NewSectionReader(s.R, off, s.Size-off)
	r := tar.NewReader(body)
	for !c.Stopped() {
		h, err := r.Next()
		pos, _ := body.Seek(0, io.SeekCurrent)
		at := off + pos
		if errors.Is(err, io.EOF) {
			return at
		}
		if err != nil {
			c.Addf(formats.RuleArchiveMalformed, s.At(at), "tar: %v", err)
			return min(max(at, off+tarBlock), s.Size)
		}
		if !takeMember(c, s.At(at)) {
			return s.Size
		}
		t.member(c, s, h, at, seen, readers)
	}
	return s.Size
}

// member judges one header and inspects its data, in place.
func (Tar) member(c *formats.Context, s *formats.Source, h *tar.Header, at int64, seen map[string]bool, readers []TarReader) {
	where := join(s.Where, h.Name)
	if why := Escapes(h.Name); why != "" {
		c.Addf(formats.RuleArchiveTraversal, where, "member %q: %s", h.Name, why)
	}
	if name := path.Clean(h.Name); seen[name] && h.Typeflag != tar.TypeDir {
		c.Addf(formats.RuleArchiveAmbiguous, where, "member %q occurs twice; the last one extracted stays", h.Name)
	} else {
		seen[name] = true
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, '\x00':
	case tar.TypeDir:
		return
	case tar.TypeSymlink:
		linkEscapes(c, where, h.Name, h.Linkname)
		return
	case tar.TypeLink:
		if why := Escapes(h.Linkname); why != "" {
			c.Addf(formats.RuleArchiveTraversal, where, "hard link to %q: %s", h.Linkname, why)
		}
		return
	case tar.TypeXGlobalHeader:
		return
	default:
		c.Addf(formats.RuleArchiveMalformed, where, "member of type %q: no model has devices, pipes, sparse or unknown members", h.Typeflag)
	}
	for _, key := range sortedKeys(h.PAXRecords) {
		if strings.HasPrefix(key, "GNU.sparse.") {
			c.Addf(formats.RuleArchiveMalformed, where, "sparse member: its bytes in the archive are not those of the file")
			break
		}
	}
	n := min(h.Size, s.Size-at)
	if h.Size > n {
		c.Addf(formats.RuleArchiveMalformed, where, "member of %d bytes, the file has %d left", h.Size, n)
	}
	if n <= 0 {
		return
	}
	in := &formats.Source{R: io.NewSectionReader(s.R, at, n), Size: n, Names: []string{path.Base(h.Name), h.Name}, Where: where, Depth: s.Depth + 1}
	for _, r := range readers {
		if r.Member(c, in, h.Name) {
			return
		}
	}
	c.Nested(c, in)
}

// nextTar finds a tar header in the blocks behind off, or -1. Only the first MiB is searched: writers pad to 10 KiB.
func nextTar(s *formats.Source, off int64) int64 {
	start := (afterZeros(s, off)) / tarBlock * tarBlock
	for pos := start; pos <= s.Size-tarBlock && pos < start+(1<<20); pos += tarBlock {
		if b, err := readAt(s, pos, tarBlock); err == nil && pos >= off && tarHeader(b) {
			return pos
		}
	}
	return -1
}
