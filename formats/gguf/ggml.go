package gguf

import (
	"io"

	"trustfs/formats"
)

// GGML knows the predecessors of GGUF, which some programs still read. Their layout behind the signature is each
// program's own, so it is not inspected, and the finding says so.
type GGML struct{}

// Name implements formats.Inspector.
func (GGML) Name() string { return formats.FormatGGML }

// legacy are the signatures ggml, ggmf, ggjt, ggla and ggsn, as little-endian numbers are written.
var legacy = map[string]bool{"lmgg": true, "fmgg": true, "tjgg": true, "algg": true, "nsgg": true}

// Detect implements formats.Inspector.
func (GGML) Detect(_ *formats.Context, s *formats.Source) bool {
	var b [4]byte
	n, err := s.R.ReadAt(b[:], 0)
	return n == len(b) && (err == nil || err == io.EOF) && legacy[string(b[:])]
}

// Inspect implements formats.Inspector.
func (GGML) Inspect(c *formats.Context, s *formats.Source) {
	c.Addf(formats.RuleFormatUnknown, s.At(0), "a ggml file from before GGUF, whose layout is its program's own: not inspected; convert it to GGUF")
}
