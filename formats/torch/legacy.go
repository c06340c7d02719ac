package torch

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/pickle"
)

// legacyStreams are the pickles at the beginning of a file of torch.save before 1.6 (or with
// _use_new_zipfile_serialization=False): magic number, protocol version, system information, the object, the keys of the
// storages. The storages follow, each as its number of elements in 8 bytes and the elements (torch/serialization.py).
const legacyStreams = 5

// Legacy inspects the files of pickles and raw storages that torch wrote before it wrote zip archives, and still reads.
type Legacy struct{}

// Name implements formats.Inspector.
func (Legacy) Name() string { return formats.FormatPytorchLegacy }

// Detect implements formats.Inspector. A magic number that the pickle computes is not recognised here: such a file is a
// stack of pickles with something behind, and convicted as that.
func (Legacy) Detect(_ *formats.Context, s *formats.Source) bool { return IsLegacy(s) }

// IsLegacy says whether s begins with the magic number of torch's legacy files, so that what follows its pickles is
// accounted for by Legacy.
func IsLegacy(s *formats.Source) bool { return pickle.TorchLegacy(s) }

// Inspect implements formats.Inspector.
func (Legacy) Inspect(c *formats.Context, s *formats.Source) {
	r := newRefs(c, s)
	out := pickle.Inspect(c, s, pickle.Options{Streams: legacyStreams, LeaveRest: true, Storage: r.storage, Handler: r.handle})
	if c.Stopped() {
		return
	}
	pos := out.End
	if out.Streams == legacyStreams {
		end, err := r.walk(pos)
		if err != nil {
			c.Addf(formats.RuleFormatMalformed, s.At(end), "storages: %v", err)
		}
		pos = end
	}
	if pos < s.Size {
		c.Addf(formats.RulePickleTrailing, s.At(pos), "%d bytes that no pickle or storage accounts for", s.Size-pos)
		c.Nested(c, &formats.Source{R: io.NewSectionReader(s.R, pos, s.Size-pos), Size: s.Size - pos, Names: s.Names, Where: s.At(pos), Depth: s.Depth + 1})
	}
}

// walk steps over the storages from pos on: sorted by key, as torch.save writes and lists them. It returns where they end,
// or where they stop being what the pickle says.
func (r *refs) walk(pos int64) (int64, error) {
	keys := slices.Sorted(slices.Values(r.keys))
	for _, key := range keys {
		st := r.byKey[key]
		want, known := size(st)
		if !known {
			return pos, fmt.Errorf("storage %q: %d elements of %s are no number of bytes", key, st.Numel, st.Class)
		}
		var b [8]byte
		if n, _ := r.s.R.ReadAt(b[:], pos); n < len(b) {
			return pos, fmt.Errorf("storage %q is missing", key)
		}
		if n := int64(binary.LittleEndian.Uint64(b[:])); n != st.Numel {
			return pos, fmt.Errorf("storage %q has %d elements here, %d in the pickle", key, n, st.Numel)
		}
		if left := r.s.Size - pos - 8; want > uint64(left) {
			return pos, fmt.Errorf("storage %q of %d bytes, the file has %d left", key, want, left)
		}
		raw := &formats.Source{R: io.NewSectionReader(r.s.R, pos+8, int64(want)), Size: int64(want), Where: r.s.At(pos + 8), Depth: r.s.Depth + 1}
		if suspicious(raw) {
			archive.Probe(r.c, raw)
		}
		pos += 8 + int64(want)
	}
	return pos, nil
}
