package globals

// A Use says what a stream may do with an allowed name. The zero value admits nothing.
type Use int

// The uses, from least to most.
const (
	UseNone  Use = iota
	UseValue     // resolved and stored, never called
	UseArgs      // called with the arguments that the entry's Rule admits, and otherwise a value
	UseCall      // called with any arguments
)

// String is the spelling of the data files, without a rule.
func (u Use) String() string {
	switch u {
	case UseValue:
		return "value"
	case UseArgs:
		return "args"
	case UseCall:
		return "call"
	}
	return "none"
}

// A Rule names a judgement of a call by its arguments. The judgements themselves stand with the pickle inspector, which
// knows the values.
type Rule string

// The rules that presets may name. "Plain" means None, booleans, numbers, strings, bytes and containers of such.
const (
	RuleNew             Rule = "new"              // made without arguments: __init__ runs with none, or not at all, and BUILD fills it
	RuleBlank           Rule = "blank"            // made by NEWOBJ or copyreg alone, as pickle does it: a call would run __init__
	RuleShared          Rule = "shared"           // plain arguments; the result is shared by the process and must not be mutated
	RuleType            Rule = "type"             // type(x) of one argument
	RuleGetattr         Rule = "getattr"          // a public attribute of an allowed class, or an instance's forward
	RulePartial         Rule = "partial"          // the function is an allowed name, in the call and in the state
	RuleReconstructor   Rule = "reconstructor"    // an allowed class and a builtin base
	RuleNewobj          Rule = "newobj"           // an allowed class, called with what follows
	RuleEncode          Rule = "encode"           // a text to a plain character encoding
	RuleDefaultdict     Rule = "defaultdict"      // the factory is None or a builtin container or number type
	RuleClass           Rule = "class"            // the first argument is a class of the same preset, and so is every name among them
	RulePyx             Rule = "pyx"              // class, and a state of Cython's: None or a tuple whose last field may be a dict of attributes
	RuleBytes           Rule = "bytes"            // what has the bytes; a number would be a size
	RuleDtype           Rule = "dtype"            // a type string; its state may not claim raw bytes for objects
	RuleUfunc           Rule = "ufunc"            // (module, name) of a listed NumPy function
	RuleBitgen          Rule = "bitgen"           // NumPy bit generators, by name or listed class
	RuleSideFile        Rule = "side-file"        // made empty; its state names a file in the same folder
	RuleNested          Rule = "nested"           // bytes that are a model of their own, inspected as such
	RuleParameterState  Rule = "parameter-state"  // a from-tensor whose fourth argument sets attributes
	RuleFromTypeV2      Rule = "from-type-v2"     // calls its first argument: judged as that call
	RuleWrapperSubclass Rule = "wrapper-subclass" // the class is an allowed tensor class
	RuleFromTensor      Rule = "from-tensor"      // the first argument is a rebuilt tensor or array
	RuleFromStorage     Rule = "from-storage"     // the first argument is a storage
	RuleTensors         Rule = "tensors"          // every argument is a rebuilt tensor or None
	RuleScalar          Rule = "scalar"           // of a dtype without objects: for object it returns what it is given
	RuleSame            Rule = "same"             // returns its first argument, which is a literal or container of the stream
)

var knownRules = map[Rule]bool{
	RuleNew: true, RuleBlank: true, RuleShared: true, RuleType: true, RuleGetattr: true, RulePartial: true, RuleReconstructor: true,
	RuleNewobj: true, RuleEncode: true, RuleDefaultdict: true, RuleClass: true, RulePyx: true, RuleBytes: true, RuleDtype: true, RuleUfunc: true,
	RuleBitgen: true, RuleSideFile: true, RuleNested: true, RuleFromTypeV2: true, RuleWrapperSubclass: true,
	RuleFromTensor: true, RuleParameterState: true, RuleFromStorage: true, RuleTensors: true, RuleScalar: true, RuleSame: true,
}

// An Entry is one line of a data file.
type Entry struct {
	Module string // in Python 3's spelling
	Name   string // qualified name; "*" in the dangerous list: the module and everything below it
	Use    Use    // UseNone in the dangerous list
	Rule   Rule   // with UseArgs
	Reason string
	Preset string // the preset that holds it; "" in the dangerous list
	Line   int
}

// UseText is the use as the data files spell it: "call", "value" or "args:RULE".
func (e Entry) UseText() string {
	if e.Use == UseArgs {
		return "args:" + string(e.Rule)
	}
	return e.Use.String()
}
