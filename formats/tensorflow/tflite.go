package tensorflow

import (
	"errors"
	"io"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/codescan"
	"trustfs/formats/internal/cursor"
)

// TFLite inspects TensorFlow Lite models: which operators need foreign code, and whether the weights lie inside the file.
type TFLite struct{}

// Name implements formats.Inspector.
func (TFLite) Name() string { return formats.FormatTFLite }

const tfliteIdentifier = "TFL3"

// Detect implements formats.Inspector.
func (TFLite) Detect(_ *formats.Context, s *formats.Source) bool {
	var b [8]byte
	if s.Size < int64(len(b)) {
		return false
	}
	n, err := s.R.ReadAt(b[:], 0)
	return (err == nil || err == io.EOF) && n == len(b) && string(b[4:]) == tfliteIdentifier
}

// Fields of the tables walked here: tensorflow/lite/schema/schema.fbs.
const (
	modelOperatorCodes = 1
	modelDescription   = 3
	modelBuffers       = 4
	codeDeprecated     = 0
	codeCustom         = 1
	codeBuiltin        = 3
	bufferData         = 0
	bufferOffset       = 1
	bufferSize         = 2

	// builtinCustom is the operator code that stands for a name.
	builtinCustom = 32
)

// shipped are custom operators whose code stands in the TensorFlow Lite library itself (tensorflow/lite/kernels).
var shipped = set("TFLite_Detection_PostProcess Mfcc AudioSpectrogram NumericVerify ParseExample ParseExampleV2")

// Inspect implements formats.Inspector.
func (TFLite) Inspect(c *formats.Context, s *formats.Source) {
	f := newFlat(s.R, s.Size)
	m := table(f.ref(0))
	f.tables(m, modelOperatorCodes, func(t table) { operatorCode(c, s, f, t) })
	for _, hit := range codescan.Text(f.str(m, modelDescription, 1<<20)) {
		c.Addf(formats.RuleFormatMalformed, s.Key("description"), "the description holds code: %s", hit.What)
	}
	f.tables(m, modelBuffers, func(t table) { buffer(c, s, f, t) })
	err := f.Err()
	var e *cursor.Error
	if err != nil && !(errors.As(err, &e) && e.Err != nil) { // failed reads are reported by the door
		c.Addf(formats.RuleFormatMalformed, s.Where, "FlatBuffer: %v", err)
	}
}

// operatorCode judges an operator: a custom name needs code that registers it, a Flex name is an operator of TensorFlow.
func operatorCode(c *formats.Context, s *formats.Source, f flat, t table) {
	name := f.str(t, codeCustom, 1024)
	code := int64(0)
	if at := f.field(t, codeBuiltin); at != 0 {
		code = int64(int32(f.u32At(at)))
	}
	if at := f.field(t, codeDeprecated); at != 0 {
		f.MoveTo(at)
		code = max(code, int64(int8(f.U8())))
	}
	if f.Err() != nil || code != builtinCustom && name == "" {
		return
	}
	op, isFlex := strings.CutPrefix(name, "Flex")
	what, isFile := fileOps[op]
	switch {
	case isFlex && isFile:
		c.Addf(formats.RuleGraphFileAccess, s.At(int64(t)), "%s %s", op, what)
	case !shipped[name]:
		c.Addf(formats.RuleCustomOps, s.At(int64(t)), "the operator %.100q needs a library that defines it", name)
	}
}

// buffer checks that a tensor's bytes lie inside the file. Models beyond 2 GB keep them behind the FlatBuffer.
func buffer(c *formats.Context, s *formats.Source, f flat, t table) {
	f.vector(t, bufferData, 1)
	off, size := f.u64(t, bufferOffset), f.u64(t, bufferSize)
	if off > 1 && (off > uint64(s.Size) || size > uint64(s.Size)-off) {
		c.Addf(formats.RuleFormatMalformed, s.At(int64(t)), "a buffer of %d bytes at %d, outside the file", size, off)
	}
}

func (f flat) u64(t table, i int) uint64 {
	at := f.field(t, i)
	if at == 0 {
		return 0
	}
	f.MoveTo(at)
	return f.U64()
}
