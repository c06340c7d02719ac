package archive

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/bodgit/sevenzip"

	"trustfs/formats"
)

// SevenZip inspects 7z archives, which model hubs accept and most scanners do not open (nullifAI).
type SevenZip struct{}

// Name implements formats.Inspector.
func (SevenZip) Name() string { return formats.Format7z }

// Detect implements formats.Inspector.
func (SevenZip) Detect(_ *formats.Context, s *formats.Source) bool {
	return magic(0, "7z\xbc\xaf\x27\x1c")(s)
}

// Inspect implements formats.Inspector.
func (t SevenZip) Inspect(c *formats.Context, s *formats.Source) {
	if !Enter(c, s) {
		return
	}
	r, err := open7z(s)
	if err != nil {
		rule := formats.RuleArchiveMalformed
		if read := new(sevenzip.ReadError); errors.As(err, &read) && read.Encrypted {
			rule = formats.RuleArchiveEncrypted
		}
		c.Addf(rule, s.Where, "7z: %v", err)
		return
	}
	seen := map[string]bool{}
	for _, f := range r.File {
		if c.Stopped() {
			return
		}
		if !takeMember(c, s.Where) {
			return
		}
		where := join(s.Where, f.Name)
		if why := Escapes(f.Name); why != "" {
			c.Addf(formats.RuleArchiveTraversal, where, "member %q: %s", f.Name, why)
		}
		if seen[f.Name] {
			c.Addf(formats.RuleArchiveAmbiguous, where, "member %q occurs twice; the last one extracted stays", f.Name)
		}
		seen[f.Name] = true
		t.member(c, s, f, where)
	}
}

func (SevenZip) member(c *formats.Context, s *formats.Source, f *sevenzip.File, where string) {
	if strings.HasSuffix(f.Name, "/") && f.UncompressedSize == 0 {
		return
	}
	d := newInflated(c, s, where, s.Size, func() (r io.Reader, used func() int64, err error) {
		defer recovered(&err)
		r, err = f.Open()
		if err != nil {
			return nil, nil, err
		}
		return &guarded{r: r}, nil, nil
	})
	switch read := new(sevenzip.ReadError); {
	case errors.Is(d.err, errBudget):
	case errors.As(d.err, &read) && read.Encrypted:
		c.Addf(formats.RuleArchiveEncrypted, where, "encrypted: it cannot be inspected")
	case d.err != nil:
		c.Addf(formats.RuleArchiveMalformed, where, "after %d bytes: %v", d.size, d.err)
	case uint64(d.size) != f.UncompressedSize || f.CRC32 != 0 && d.crc != f.CRC32:
		c.Addf(formats.RuleArchiveMalformed, where, "%d bytes of CRC %08x, the archive says %d of %08x", d.size, d.crc, f.UncompressedSize, f.CRC32)
	}
	src := &formats.Source{R: d, Size: d.size, Names: []string{path.Base(f.Name), f.Name}, Where: where, Depth: s.Depth + 1}
	if f.Attributes&0xf0000000 == 0xa0000000 {
		checkLink(c, src, f.Name)
	}
	if d.size > 0 && !c.Stopped() {
		c.Nested(c, src)
	}
}

// open7z and guarded turn a panic of the library into an error: it was not written for hostile archives.
func open7z(s *formats.Source) (r *sevenzip.Reader, err error) {
	defer recovered(&err)
	return sevenzip.NewReader(s.R, s.Size)
}

type guarded struct{ r io.Reader }

func (g *guarded) Read(p []byte) (n int, err error) {
	defer recovered(&err)
	return g.r.Read(p)
}

func (g *guarded) Close() (err error) {
	defer recovered(&err)
	if c, ok := g.r.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("the archive breaks the reader: %v", v)
	}
}
