package views

// A Dtype is an element type with its name in a safetensors header and its size.
type Dtype struct {
	Name string // as safetensors spells it: "F32"
	Size int64  // bytes an element
}

// The element types of safetensors that a source can hold. See the safetensors format's list of dtypes.
var (
	f64  = Dtype{"F64", 8}
	f32  = Dtype{"F32", 4}
	f16  = Dtype{"F16", 2}
	bf16 = Dtype{"BF16", 2}
	i64  = Dtype{"I64", 8}
	i32  = Dtype{"I32", 4}
	i16  = Dtype{"I16", 2}
	i8   = Dtype{"I8", 1}
	u64  = Dtype{"U64", 8}
	u32  = Dtype{"U32", 4}
	u16  = Dtype{"U16", 2}
	u8   = Dtype{"U8", 1}
	flag = Dtype{"BOOL", 1}
	c64  = Dtype{"C64", 8}
	e5m2 = Dtype{"F8_E5M2", 1}
	e4m3 = Dtype{"F8_E4M3", 1}
	e8m0 = Dtype{"F8_E8M0", 1}
)

var dtypes = map[string]Dtype{}

func init() {
	for _, d := range []Dtype{f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, flag, c64, e5m2, e4m3, e8m0} {
		dtypes[d.Name] = d
	}
}

// torchDtypes maps torch.<name>, and the element type of torch.<Name>Storage, to safetensors. What is not here (the
// quantised types, complex128, complex32, the fnuz floats, the sub-byte types) has no safetensors type: a limit, named.
var torchDtypes = map[string]Dtype{
	"float64": f64, "double": f64, "float32": f32, "float": f32, "float16": f16, "half": f16, "bfloat16": bf16,
	"int64": i64, "long": i64, "int32": i32, "int": i32, "int16": i16, "short": i16, "int8": i8, "uint8": u8,
	"uint16": u16, "uint32": u32, "uint64": u64, "bool": flag, "complex64": c64, "cfloat": c64,
	"float8_e5m2": e5m2, "float8_e4m3fn": e4m3, "float8_e8m0fnu": e8m0,
}

var storageDtypes = map[string]Dtype{
	"DoubleStorage": f64, "FloatStorage": f32, "HalfStorage": f16, "BFloat16Storage": bf16, "LongStorage": i64,
	"IntStorage": i32, "ShortStorage": i16, "CharStorage": i8, "ByteStorage": u8, "BoolStorage": flag,
	"ComplexFloatStorage": c64, "UntypedStorage": u8,
}
