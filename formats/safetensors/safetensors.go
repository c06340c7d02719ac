// Package safetensors checks a safetensors file against its specification and scans its metadata for code.
//
// A file is an 8-byte little-endian length N, N bytes of JSON that start with '{' and may end in spaces, and the tensors'
// bytes, which the header's offsets must cover exactly, without holes or overlaps, to the end of the file: a file that
// passes has no room for a second format. The rules are those of the format's README and of the reference reader's
// validation; https://github.com/huggingface/safetensors.
package safetensors

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/strictjson"
)

// MaxHeader is the reference reader's bound on the header, in bytes.
const MaxHeader = 100_000_000

const (
	lengthSize = 8
	maxTensors = 1_000_000
	// maxText bounds one metadata string; the reference reader's only bound is MaxHeader.
	maxText = 16 << 20
)

// Inspector implements formats.Inspector.
type Inspector struct{}

// Name implements formats.Inspector.
func (Inspector) Name() string { return formats.FormatSafetensors }

// Detect accepts a length that a header could have, followed by '{'. Under a .safetensors name any length counts, so
// that a lying one is reported as such.
func (Inspector) Detect(_ *formats.Context, s *formats.Source) bool {
	var b [lengthSize + 1]byte
	if s.Size < int64(len(b)) {
		return false
	}
	if _, err := s.R.ReadAt(b[:], 0); err != nil && err != io.EOF {
		return false
	}
	n := binary.LittleEndian.Uint64(b[:])
	plausible := n >= 2 && n <= uint64(s.Size-lengthSize)
	return b[lengthSize] == '{' && (plausible || named(s))
}

func named(s *formats.Source) bool {
	for _, n := range s.Names {
		if strings.HasSuffix(strings.ToLower(n), ".safetensors") {
			return true
		}
	}
	return false
}

// Inspect implements formats.Inspector. It reads the header only.
func (Inspector) Inspect(c *formats.Context, s *formats.Source) {
	var b [lengthSize]byte
	if _, err := s.R.ReadAt(b[:], 0); err != nil && err != io.EOF {
		return // the door reports failed reads
	}
	n := binary.LittleEndian.Uint64(b[:])
	limit := min(MaxHeader, uint64(max(c.Budget.HeaderBytes, 0)))
	switch {
	case n > limit:
		c.Addf(formats.RuleHeaderOversized, s.At(0), "the header claims %d bytes, readers accept %d", n, limit)
		c.Addf(formats.RuleFormatMalformed, s.At(0), "a header of %d bytes is not inspected; save the tensors in several files", n)
		return
	case n > uint64(s.Size-lengthSize):
		c.Addf(formats.RuleFormatMalformed, s.At(0), "the header claims %d bytes, the file holds %d after its length: is the download complete?", n, s.Size-lengthSize)
		return
	}
	h := &header{c: c, s: s, dataStart: lengthSize + int64(n)}
	h.read(io.NewSectionReader(s.R, lengthSize, int64(n)))
	h.layout()
	c.Result.Facts.Tensors += int64(len(h.extents))
}

// read parses the header's JSON.
func (h *header) read(r io.Reader) {
	d := strictjson.New(r, lengthSize, strictjson.Options{
		MaxDepth: 8, MaxString: maxText, MaxKeys: maxTensors + 1000, AllowDup: true, AllowRest: true,
	})
	t, err := d.Next()
	if err == nil && t.Kind == strictjson.ObjectStart {
		err = h.members(d)
	}
	if err == nil {
		err = h.padding(d)
	}
	if err != nil {
		h.broken = true
		h.report(err)
	}
}

// report turns a reading error into the finding for it.
func (h *header) report(err error) {
	var e *strictjson.Error
	switch {
	case !errors.As(err, &e):
		h.c.Addf(formats.RuleFormatMalformed, h.s.At(lengthSize), "%v", err)
	case e.Kind == strictjson.Read:
		// the door reports failed reads
	case e.Kind == strictjson.Limit:
		h.c.Exceeded(h.s.At(e.Offset), "header: %s", e.Msg)
	default:
		h.c.Addf(formats.RuleFormatMalformed, h.s.At(e.Offset), "header: %v", e)
	}
}

// padding checks that only spaces follow the JSON.
func (h *header) padding(d *strictjson.Decoder) error {
	at, rest := d.Offset(), d.Rest()
	buf := make([]byte, 4096)
	for {
		n, err := rest.Read(buf)
		for i, b := range buf[:n] {
			if b != ' ' {
				h.malformed(at+int64(i), "byte %#02x after the header's JSON: only spaces may follow", b)
				return nil
			}
		}
		at += int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &strictjson.Error{Kind: strictjson.Read, Offset: at, Err: err}
		}
	}
}

func (h *header) malformed(at int64, format string, args ...any) {
	h.c.Addf(formats.RuleFormatMalformed, h.s.At(at), format, args...)
}
