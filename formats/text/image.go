package text

import (
	"bytes"

	"trustfs/formats"
)

// Images accepts pictures by their signatures, so that a model card's figures are documents. Nothing in them is run;
// what else is hidden in the same bytes is for the other inspectors to find, and then a polyglot.
type Images struct{}

// Name implements formats.Inspector.
func (Images) Name() string { return formats.FormatDocument }

var imageSignatures = [][]byte{
	[]byte("\x89PNG\r\n\x1a\n"), []byte("\xff\xd8\xff"), []byte("GIF87a"), []byte("GIF89a"),
}

// Detect implements formats.Inspector.
func (Images) Detect(_ *formats.Context, s *formats.Source) bool {
	head := readHead(s)
	for _, sig := range imageSignatures {
		if bytes.HasPrefix(head, sig) {
			return true
		}
	}
	return len(head) >= 12 && bytes.HasPrefix(head, []byte("RIFF")) && string(head[8:12]) == "WEBP"
}

// Inspect implements formats.Inspector.
func (Images) Inspect(*formats.Context, *formats.Source) {}
