package archive

import (
	"errors"
	"io"
	"path"
	"strings"

	"trustfs/formats"
)

// A Stream inspects one single-file compression: what it decompresses to is inspected as a file of its own.
type Stream struct {
	format   string
	suffixes []string // of names, taken off for what is inside
	detect   func(s *formats.Source) bool
	open     func(s *formats.Source) (io.Reader, error)
}

// Streams are the compressions that model loaders undo by themselves (joblib all of these but zstd, MLflow and pandas
// gzip, bz2 and xz), and zstd.
var Streams = []Stream{
	{formats.FormatGzip, []string{".gz", ".gzip", ".tgz"}, magic(0, "\x1f\x8b\x08"), openGzip},
	{formats.FormatBzip2, []string{".bz2", ".tbz2"}, isBzip2, openBzip2},
	{formats.FormatXZ, []string{".xz", ".txz"}, magic(0, "\xfd7zXZ\x00"), openXZ},
	{formats.FormatXZ, []string{".lzma"}, isLZMA, openLZMA},
	{formats.FormatLZ4, []string{".lz4"}, magic(0, "\x04\x22\x4d\x18"), openLZ4},
	{formats.FormatZstd, []string{".zst", ".zstd"}, isZstd, openZstd},
	{formats.FormatZlib, []string{".z", ".zlib"}, isZlib, openZlib},
	{formats.FormatJoblib, []string{".z", ".gz"}, isZFile, openZFile},
}

// Name implements formats.Inspector.
func (t Stream) Name() string { return t.format }

// Detect implements formats.Inspector.
func (t Stream) Detect(_ *formats.Context, s *formats.Source) bool { return t.detect(s) }

// Inspect implements formats.Inspector. A stream that breaks counts up to where it breaks: loaders read on the fly.
func (t Stream) Inspect(c *formats.Context, s *formats.Source) {
	if !Enter(c, s) {
		return
	}
	where := join(s.Where, "("+t.format+")")
	d := newInflated(c, s, where, s.Size, func() (io.Reader, func() int64, error) {
		r, err := t.open(s)
		return r, nil, err
	})
	switch {
	case errors.Is(d.err, errBudget):
	case errors.Is(d.err, errDict):
		c.Exceeded(where, "dictionary: %v", d.err)
	case d.err != nil:
		c.Addf(formats.RuleArchiveMalformed, where, "after %d bytes: %v", d.size, d.err)
	}
	if d.size > 0 && !c.Stopped() {
		c.Nested(c, &formats.Source{R: d, Size: d.size, Names: t.names(s), Where: where, Depth: s.Depth + 1})
	}
}

// names are those of s without the compression's suffix, which is how extracted files are called.
func (t Stream) names(s *formats.Source) []string {
	var out []string
	for _, n := range s.Names {
		ext := path.Ext(n)
		for _, suffix := range t.suffixes {
			if strings.EqualFold(ext, suffix) {
				n = strings.TrimSuffix(n, ext)
				if strings.HasPrefix(suffix, ".t") {
					n += ".tar"
				}
				break
			}
		}
		out = append(out, n)
	}
	return out
}

func magic(off int64, want string) func(*formats.Source) bool {
	return func(s *formats.Source) bool {
		b, err := readAt(s, off, len(want))
		return err == nil && string(b) == want
	}
}

// opens says that a decompressor gives some bytes, or comes to its proper end before: the test for formats whose magic
// is too short to mean much. A pickle that does harm is longer than what is asked for here.
func opens(s *formats.Source, open func(*formats.Source) (io.Reader, error)) bool {
	r, err := open(s)
	if err != nil {
		return false
	}
	var b [16]byte
	_, err = io.ReadFull(r, b[:])
	return err == nil || err == io.EOF || err == io.ErrUnexpectedEOF && clean(r)
}

// clean tells a proper end from a cut one, which io.ReadFull makes the same error of.
func clean(r io.Reader) bool {
	var b [1]byte
	_, err := r.Read(b[:])
	return err == io.EOF
}
