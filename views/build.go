package views

import (
	"io"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/opcodes"
)

// Build makes the Plan of a view of the size bytes of r. It runs in the jail: r is hostile. What a safetensors file cannot
// show, and what is broken, is a *LimitError that says which tensor and why; nothing is shown in part.
func Build(r io.ReaderAt, size int64) (*Plan, error) {
	head := make([]byte, min(size, 64))
	if err := readFull(r, head, 0); err != nil {
		return nil, err
	}
	s := &formats.Source{R: r, Size: size}
	for _, k := range kinds {
		if k.detect(head, s) {
			return k.build(r, size)
		}
	}
	return nil, limit("", "the file is no pickle, no torch file and no numpy file")
}

// kinds are the sources of views, the most particular first.
var kinds = []struct {
	detect func(head []byte, s *formats.Source) bool
	build  func(r io.ReaderAt, size int64) (*Plan, error)
}{
	{isZip, zipFile},
	{isLegacy, torchLegacy},
	{isTar, torchTar},
	{begins("\x93NUMPY"), npyFile},
	{isPickle, pickleFile},
	{isMsgpack, flaxFile},
	{isPackedFile, packedFile},
	{isOldPickle, pickleFile},
}

func begins(magic string) func([]byte, *formats.Source) bool {
	return func(head []byte, _ *formats.Source) bool {
		return len(head) >= len(magic) && string(head[:len(magic)]) == magic
	}
}

// isZip wants the archive to begin at the file's first byte, as torch does.
func isZip(head []byte, s *formats.Source) bool {
	return begins("PK\x03\x04")(head, s) && archive.IsZip(s)
}

// isPickle wants a pickle's header.
func isPickle(head []byte, _ *formats.Source) bool {
	return len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5
}

// isMsgpack wants a map at the top: what flax.serialization writes.
func isMsgpack(head []byte, _ *formats.Source) bool {
	return len(head) > 1 && (head[0]&0xf0 == 0x80 && head[0] != 0x80 || head[0] == 0xde || head[0] == 0xdf)
}

func zipFile(r io.ReaderAt, size int64) (*Plan, error) {
	z, err := openZip(&formats.Source{R: r, Size: size})
	if err != nil {
		return nil, err
	}
	if z.holdsArrays() {
		return npzFile(z)
	}
	return torchZip(z)
}

// pickleFile shows the arrays of a plain pickle, or of joblib's, whose raw bytes lie between the opcodes.
func pickleFile(r io.ReaderAt, size int64) (*Plan, error) {
	var members []Member
	tensors, _, err := interpret(stream{r: r, size: size, readings: opcodes.Joblib, joblib: true, members: &members}, "")
	if err != nil {
		return nil, err
	}
	return lay(tensors, members)
}
