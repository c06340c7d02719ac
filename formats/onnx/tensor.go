package onnx

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/pbwire"
)

// Field numbers of TensorProto and SparseTensorProto.
const (
	tensorDims         = 1
	tensorType         = 2
	tensorName         = 8
	tensorRaw          = 9
	tensorExternal     = 13
	tensorDataLocation = 14

	sparseValues  = 1
	sparseIndices = 2

	maxDims = 64
)

// elementBits are the sizes of TensorProto.DataType's elements; strings have none.
var elementBits = map[uint64]uint64{
	1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
	17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2,
}

const typeString = 8

// dtypeNames are the names for facts, by DataType.
var dtypeNames = strings.Fields("UNDEFINED FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64 " +
	"COMPLEX64 COMPLEX128 BFLOAT16 FLOAT8E4M3FN FLOAT8E4M3FNUZ FLOAT8E5M2 FLOAT8E5M2FNUZ UINT4 INT4 FLOAT4E2M1 FLOAT8E8M0 UINT2 INT2")

func (m *model) sparse(s pbwire.Span) error {
	return m.r.Fields(s, func(f pbwire.Field) error {
		if f.IsBytes() && (f.Num == sparseValues || f.Num == sparseIndices) {
			return m.tensor(f.Span)
		}
		return nil
	})
}

// tensorInfo is what a tensor says of itself.
type tensorInfo struct {
	name     string
	kind     uint64
	dims     []uint64
	raw      *pbwire.Span
	external bool
}

// tensor checks a tensor's type, dimensions and data, and where the data is if elsewhere.
func (m *model) tensor(s pbwire.Span) error {
	var t tensorInfo
	var entries []pbwire.Span
	err := m.r.Fields(s, func(f pbwire.Field) error {
		switch {
		case f.Num == tensorDims && f.IsBytes():
			return m.packed(f.Span, &t)
		case f.Num == tensorDims:
			t.dim(f.Value)
		case f.Num == tensorType && !f.IsBytes():
			t.kind = f.Value
		case f.Num == tensorName && f.IsBytes():
			t.name = m.r.Head(f.Span, maxName)
		case f.Num == tensorRaw && f.IsBytes():
			raw := f.Span
			t.raw = &raw
		case f.Num == tensorExternal && f.IsBytes() && len(entries) < 100:
			entries = append(entries, f.Span)
		case f.Num == tensorDataLocation && !f.IsBytes():
			t.external = t.external || f.Value != 0
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.check(s, t)
	if t.external || len(entries) > 0 {
		return m.external(t, entries)
	}
	return nil
}

func (t *tensorInfo) dim(v uint64) {
	if len(t.dims) <= maxDims {
		t.dims = append(t.dims, v)
	}
}

func (m *model) packed(s pbwire.Span, t *tensorInfo) error {
	b, err := m.r.Bytes(s, 10*maxDims)
	if err != nil {
		return err
	}
	for len(b) > 0 {
		v, n := pbwire.ConsumeVarint(b)
		if n <= 0 {
			return &pbwire.Error{Offset: s.From, Msg: "broken dimensions"}
		}
		t.dim(v)
		b = b[n:]
	}
	return nil
}

// check holds the dimensions against the data.
func (m *model) check(s pbwire.Span, t tensorInfo) {
	facts := &m.c.Result.Facts
	facts.Tensors++
	width, ok := elementBits[t.kind]
	if !ok && t.kind != typeString {
		m.add(formats.RuleDtypeUnsafe, s, "tensor %.80q has the unknown data type %d", t.name, t.kind)
		return
	}
	m.c.Dtype(dtypeNames[t.kind])
	elements, fits := product(t.dims)
	hi, size := bits.Mul64(elements, max(width, 1))
	if !fits || hi != 0 || size > math.MaxInt64-7 || len(t.dims) > maxDims {
		m.add(formats.RuleFormatMalformed, s, "tensor %.80q: the dimensions are negative or overflow", t.name)
		return
	}
	facts.Parameters += min(int64(elements), math.MaxInt64-facts.Parameters)
	if want := int64(size+7) / 8; t.raw != nil && !t.external && t.kind != typeString && t.raw.Len() != want {
		m.add(formats.RuleFormatMalformed, s, "tensor %.80q: dimensions of %d bytes, data of %d", t.name, want, t.raw.Len())
	}
}

func product(dims []uint64) (n uint64, ok bool) {
	n = 1
	for _, d := range dims {
		hi, lo := bits.Mul64(n, d)
		if hi != 0 || lo > math.MaxInt64 || d > math.MaxInt64 {
			return 0, false
		}
		n = lo
	}
	return n, true
}

// external judges where a tensor's data lies: readers set any key as an attribute of their object, so only the four
// that are defined pass, and the location must be a plain file name.
func (m *model) external(t tensorInfo, entries []pbwire.Span) error {
	seen := map[string]bool{}
	for _, s := range entries {
		var key, value string
		err := m.r.Fields(s, func(f pbwire.Field) error {
			if f.IsBytes() && f.Num == entryKey {
				key = m.r.Head(f.Span, maxName)
			}
			if f.IsBytes() && f.Num == entryValue {
				value = m.r.Head(f.Span, 4096)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if why := m.externalEntry(key, value); why != "" || seen[key] {
			m.add(formats.RuleExternalData, s, "tensor %.80q: %s %.200q %s", t.name, key, value, why)
		}
		seen[key] = true
	}
	if !seen["location"] {
		m.c.Addf(formats.RuleExternalData, m.s.Where, "tensor %.80q: external data without a location", t.name)
	}
	return nil
}

func (m *model) externalEntry(key, value string) (why string) {
	switch key {
	case "location":
		if value == "" || value == "." || strings.ContainsAny(value, "/\\:\x00") || strings.HasPrefix(value, "..") || strings.HasPrefix(value, "~") {
			return "is not a plain file name"
		}
		m.c.Fact("external_data "+value, "named")
	case "offset", "length":
		if n, err := strconv.ParseUint(value, 10, 63); err != nil || strconv.FormatUint(n, 10) != value {
			return "is not a number"
		}
	case "checksum":
	default:
		return "is not a key of external data"
	}
	return ""
}
