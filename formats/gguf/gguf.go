// Package gguf checks GGUF files (versions 1 to 3, both byte orders) and looks for code in their chat templates.
//
// A file is a header with counts, key-value metadata, tensor descriptions, and aligned tensor bytes. Readers written in
// C trusted these numbers, and each of them has been an attack (CVE-2024-21825, CVE-2024-21836, CVE-2024-23496,
// CVE-2025-53630, CVE-2026-27940, CVE-2026-33298, CVE-2026-7482): every count, length, product and offset is checked
// here against the file's size before it is used. Specification: docs/gguf.md of github.com/ggml-org/ggml.
package gguf

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/cursor"
	"trustfs/formats/internal/jinja"
)

const (
	magic = "GGUF"
	// maxKey is the specification's bound on a key, in bytes.
	maxKey = 65535
	// maxKeyValues and maxTensors bound the maps kept against duplicates; real files have under 100 and 10,000.
	maxKeyValues = 100_000
	maxTensors   = 200_000
	// maxTemplate bounds a template kept whole; real ones have under 100 KiB.
	maxTemplate      = 4 << 20
	defaultAlignment = 32
)

// Inspector implements formats.Inspector.
type Inspector struct{}

// Name implements formats.Inspector.
func (Inspector) Name() string { return formats.FormatGGUF }

// Detect implements formats.Inspector.
func (Inspector) Detect(_ *formats.Context, s *formats.Source) bool {
	var b [4]byte
	if s.Size < int64(len(b)) {
		return false
	}
	_, err := s.R.ReadAt(b[:], 0)
	return (err == nil || err == io.EOF) && string(b[:]) == magic
}

// Inspect implements formats.Inspector. It reads the metadata and tensor descriptions, never the tensors.
func (Inspector) Inspect(c *formats.Context, s *formats.Source) {
	f := &file{c: c, s: s, Cursor: cursor.New(s.R, int64(len(magic)), s.Size), alignment: defaultAlignment}
	f.header()
	f.keyValues()
	f.tensorInfos()
	if err := f.Err(); err != nil {
		var e *cursor.Error
		if !errors.As(err, &e) || e.Err == nil { // failed reads are reported by the door
			c.Addf(formats.RuleFormatMalformed, s.Where, "%s: %v: is the download complete?", f.what, err)
		}
		return
	}
	f.layout()
}

// file is the state of one inspection; what names the part being read, for errors.
type file struct {
	*cursor.Cursor
	c    *formats.Context
	s    *formats.Source
	what string

	version          uint32
	tensors, kvs     uint64
	alignment        uint64
	infos            []info
	unsized, badSize bool // a tensor's extent is not known, or known to be wrong
}

func (f *file) malformed(format string, args ...any) {
	f.c.Addf(formats.RuleFormatMalformed, f.s.At(f.Offset()), format, args...)
}

// header reads version and counts. A version that has only high bytes is one in the other byte order.
func (f *file) header() {
	f.what = "header"
	f.version = f.U32()
	if f.version&0xffff == 0 && f.version != 0 {
		f.Order = binary.BigEndian
		f.version >>= 24
		f.c.Fact("byte_order", "big")
	}
	if f.version < 1 || f.version > 3 {
		f.Fail("version %d: 1 to 3 are known", f.version)
		return
	}
	f.tensors, f.kvs = f.count(), f.count()
	// A description takes at least its lengths and numbers, so a count has a bound before anything is read.
	if f.tensors > uint64(f.Len())/24 || f.kvs > uint64(f.Len())/9 {
		f.Fail("%d tensors and %d keys do not fit into %d bytes", f.tensors, f.kvs, f.Len())
	} else if f.tensors > maxTensors || f.kvs > maxKeyValues {
		f.c.Exceeded(f.s.At(0), "%d tensors and %d keys: at most %d and %d are inspected", f.tensors, f.kvs, maxTensors, maxKeyValues)
		f.Fail("too many tensors or keys")
	}
}

// count reads a count or length: 32 bits in version 1, 64 later.
func (f *file) count() uint64 {
	if f.version == 1 {
		return uint64(f.U32())
	}
	return f.U64()
}

// str reads a string of at most limit bytes; longer ones fail.
func (f *file) str(limit int) string { return string(f.Bytes(f.count(), limit)) }

// keyValues reads the metadata.
func (f *file) keyValues() {
	seen := make(map[string]bool)
	for i := uint64(0); i < f.kvs && f.Err() == nil; i++ {
		f.what = fmt.Sprintf("key %d of %d", i+1, f.kvs)
		key := f.str(maxKey)
		f.what = fmt.Sprintf("key %.80q", key)
		if seen[key] {
			f.malformed("the key %.80q occurs twice; readers differ in which they take", key)
		}
		seen[key] = true
		if kind := f.U32(); f.Err() == nil {
			f.value(key, kind)
		}
	}
}

// value reads a value that is no array element.
func (f *file) value(key string, kind uint32) {
	size, fixed := valueSizes[kind]
	switch {
	case kind == typeString:
		f.stringValue(key)
	case kind == typeArray:
		f.array(key)
	case !fixed:
		f.Fail("value of unknown type %d", kind)
	case key == "general.alignment":
		f.setAlignment(kind)
	case kind == typeBool:
		if b := f.U8(); b > 1 {
			f.malformed("%.80q is a boolean of value %d", key, b)
		}
	default:
		f.Skip(size)
	}
}

// setAlignment reads general.alignment, which must be an unsigned 32-bit power of two.
func (f *file) setAlignment(kind uint32) {
	v := f.U32()
	if kind != 4 || v < 8 || v > 1<<20 || v&(v-1) != 0 {
		f.Fail("general.alignment is %d of type %d: a power of two from 8 to 1048576 of type 4 is expected", v, kind)
		return
	}
	f.alignment = uint64(v)
}

// stringValue reads a string; templates are searched, names kept as facts, the rest passed over.
func (f *file) stringValue(key string) {
	n := f.count()
	switch {
	case strings.Contains(key, "template"):
		if n > maxTemplate && f.Err() == nil {
			f.c.Exceeded(f.s.Key(key), "a template of %d bytes: at most %d are inspected", n, maxTemplate)
		}
		f.template(key, string(f.Bytes(n, maxTemplate)))
	case (key == "general.architecture" || key == "general.name") && n < 200:
		f.c.Fact(key, strings.ToValidUTF8(string(f.Bytes(n, 200)), "\ufffd"))
	default:
		f.Skip(n)
	}
}

// template searches a chat template and records its digest, by which a policy can know it.
func (f *file) template(key, text string) {
	if f.Err() != nil {
		return
	}
	sum := sha256.Sum256([]byte(text))
	f.c.Fact(strings.TrimPrefix(key, "tokenizer.")+"_sha256", hex.EncodeToString(sum[:]))
	for _, hit := range jinja.Scan(text) {
		f.c.Addf(formats.RuleTemplate, f.s.Key(key), "%s", hit)
	}
}

// array passes over an array. Arrays in arrays are allowed by the specification, but no reader takes them.
func (f *file) array(key string) {
	kind, n := f.U32(), f.count()
	size, fixed := valueSizes[kind]
	switch {
	case f.Err() != nil:
	case kind == typeArray:
		f.Fail("an array of arrays")
	case kind == typeString:
		f.strings(key, n)
	case !fixed:
		f.Fail("an array of unknown type %d", kind)
	case n > uint64(f.Len())/size:
		f.Fail("an array of %d elements in %d bytes", n, f.Len())
	default:
		f.Skip(n * size)
	}
}

// strings passes over n strings, searching them if the key is a template's.
func (f *file) strings(key string, n uint64) {
	if f.Err() == nil && n > uint64(f.Len())/4 {
		f.Fail("an array of %d strings in %d bytes", n, f.Len())
	}
	for range n {
		if f.Err() != nil {
			return
		}
		if strings.Contains(key, "template") {
			f.stringValue(key)
		} else {
			f.Skip(f.count())
		}
	}
}
