package opcodes

import "fmt"

// A Budget bounds one Run over all its readings. A field that is zero or negative means DefaultBudget's.
type Budget struct {
	Opcodes     int64 // opcodes executed, over all readings
	Entries     int64 // stack, mark and memo entries alive at once
	StringBytes int64 // bytes of names and other strings kept or decoded
	Words       int64 // 8-byte words of containers and call results alive at once
}

// DefaultBudget admits every real model; beyond it a stream is refused by the budget's name.
func DefaultBudget() Budget {
	return Budget{Opcodes: 2_000_000_000, Entries: 64_000_000, StringBytes: 1 << 30, Words: 256 << 20}
}

// Options say how to run a stream.
type Options struct {
	// Start is the offset in the reader at which the stream begins; every offset reported is counted from the
	// reader's beginning.
	Start int64
	// Readings is the set of readers to simulate; zero means Python3 | Python2 (not Joblib).
	Readings Readings
	// SplitKeys says that the memo keys of text are no numbers, as in the run that cPickle gets after an EvReading with
	// SplitKeys: a caller who runs that group anew says so, or it would be split off again.
	SplitKeys bool
	Budget    Budget
	// Handler is called for each event in stream order, once for each reading that sees it differently. Nil is none.
	Handler func(m *Machine, e *Event)
	// Contents keeps what containers hold and what BUILD, SETITEM(S), APPEND(S) and ADDITEMS give to call results
	// (Machine.Attached), whole, within Budget.Words. Without it containers keep their first KeptItems, which is
	// enough to judge arguments, and memory does not grow with what is stored in them.
	Contents bool
	// Stops asks for EvStop.
	Stops bool

	plod    bool                // tests: without sprint
	window  int                 // tests: bytes of the window, if not windowSize
	collect func(*Machine) bool // tests: whether to collect now, if not when it is due
	tune    func(*arena)        // tests: a change of the arena's limits
}

// KeptItems is how many items (pairs, for a dict) of each container are kept without Options.Contents.
const KeptItems = 32

// An EventKind says what a reader did.
type EventKind uint8

// The kinds of events and the fields of Event that each sets, besides Op, Offset, End, Readings.
const (
	EvNone       EventKind = iota
	EvGlobal               // a name is resolved by GLOBAL, STACK_GLOBAL, INST: Global, Result
	EvDynamic              // STACK_GLOBAL of a name that exists only at run time: Object is the module, Args the name, Result
	EvCall                 // REDUCE, INST, OBJ, NEWOBJ, NEWOBJ_EX: Object is the callable, Args (a tuple, for REDUCE and NEWOBJ perhaps another iterable), KwArgs (NEWOBJ_EX), Result
	EvBuild                // BUILD on what is no plain container: Object, Args is the state; a handler may set Skip
	EvSetItems             // SETITEM(S) on what this stream did not make as a dict or list: Object, Args is a tuple of keys and values in turn
	EvAppends              // APPEND(S) on what is no list of this stream: Object, Args is a tuple of the items
	EvAddItems             // ADDITEMS on what is no set of this stream: Object, Args is a tuple of the items
	EvPersistent           // PERSID, BINPERSID: Args is the id, Result
	EvExtension            // EXT1, EXT2, EXT4: Code, Result
	EvBuffer               // NEXT_BUFFER: Result
	EvPopped               // a call's result is dropped by POP or POP_MARK: Object
	EvReading              // from Offset on, the stream is followed for Readings, who saw it differently: SplitKeys
	EvHeld                 // a name is put into a container or given to an object: Global, Object (the container, perhaps a call's result), Index in a tuple or -1
	EvStop                 // STOP, with Options.Stops: Object is what the readers give, Data where the file of one of Lib/pickle.py's kind stands
	EvChanged              // a container that Machine.Freeze was told of takes items, or a list or bytearray takes one at an index that nobody can tell: Object, Index (-1 for the latter)
)

var eventNames = [...]string{
	"none", "global", "dynamic", "call", "build", "setitems", "appends", "additems", "persistent", "extension",
	"buffer", "popped", "reading", "held", "stop", "changed",
}

func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return fmt.Sprintf("event(%d)", uint8(k))
}

// An Event is one thing that some reader does. It and its Values are valid during the callback; Values stay valid
// until the Run returns only if Options.Contents is set or Machine.Pin holds them.
type Event struct {
	Kind     EventKind
	Op       byte
	Offset   int64 // of the opcode
	End      int64 // after the opcode and its argument
	Readings Readings
	Global   *Global
	Object   Value
	Args     Value
	KwArgs   Value
	Result   Value
	Code     int32
	Index    int // of EvHeld and EvChanged
	// SplitKeys is Options.SplitKeys for the readings of EvReading.
	SplitKeys bool
	// Data is, for EvBuild, the offset at which a reader of Lib/pickle.py's kind has its file: after the opcode, or at
	// the end of the frame around it. joblib reads an array's raw bytes from there.
	Data int64
	// Skip may be set by the handler at EvBuild: so many raw bytes from Data on are no opcodes to a Joblib reader. The
	// other readings go on without skipping. A negative value ends the Joblib reading as malformed.
	Skip int64
}

// A Global is a name as some opcode gives it. One is kept for each different (module, name, flags): compare pointers.
type Global struct {
	ID     int
	Module string // as in the stream; surrogates as three bytes each (WTF-8)
	Name   string
	// Dotted says that the protocol (4 and later) walks the attributes of a dotted name; otherwise a dot is part of
	// one attribute's name.
	Dotted bool
	// Names holds every (module, name) that some reader resolves: the stream's own first, then the one that Python 3
	// makes of it below protocol 3 (Lib/_compat_pickle.py), then other decodings of 8-bit strings.
	Names []Name
}

// A Name is a module and the name in it.
type Name struct{ Module, Name string }

// String is the form of reports: "module:qualified.name".
func (n Name) String() string { return n.Module + ":" + n.Name }

// An Outcome says how a group of readers that agreed to the end came to it.
type Outcome struct {
	Readings Readings
	// Err is nil if STOP was reached with a value on the stack; otherwise a *Error.
	Err   error
	Value Value // the value at STOP, valid with Options.Contents
	// Offset is that of STOP, or of the opcode that broke.
	Offset int64
	// End is the offset after STOP. FileEnd is where the reader's file stands then: Lib/pickle.py has read the whole
	// frame, so it differs when a frame extends beyond STOP.
	End, FileEnd int64
}

// A Report says how each reader came to the end of the stream.
type Report struct {
	Outcomes []Outcome // by offset of their end, the furthest first
	Opcodes  int64     // executed, over all readings
	// Assumed is the offset of the first opcode whose success depends on what a call or name gives at run time, or -1:
	// before it the simulation is exact, from there on it covers what may happen.
	Assumed int64
	// MaxProto is the highest protocol that a PROTO opcode named.
	MaxProto int
	// Framed says that there was a FRAME.
	Framed bool
	// Machine answers questions about the Outcomes' Values (with Options.Contents).
	Machine *Machine
}

// Loads says that some reader of the set reaches STOP.
func (r *Report) Loads(set Readings) bool {
	for _, o := range r.Outcomes {
		if o.Err == nil && o.Readings&set != 0 {
			return true
		}
	}
	return false
}

// Err is nil if some reader of the set reaches STOP, and otherwise why the one that came furthest did not.
func (r *Report) Err(set Readings) error {
	var first error
	for _, o := range r.Outcomes {
		if o.Readings&set == 0 {
			continue
		}
		if o.Err == nil {
			return nil
		}
		if first == nil {
			first = o.Err
		}
	}
	return first
}

// Exceeded gives the error of the budget that ended the run, or of a failed read, or nil: then nothing is known
// about what follows, for any reader.
func (r *Report) Exceeded() *Error {
	for _, o := range r.Outcomes {
		if e, ok := o.Err.(*Error); ok && e.Kind != Malformed {
			return e
		}
	}
	return nil
}

// An ErrorKind says why a run ended before STOP.
type ErrorKind uint8

// The kinds of errors.
const (
	Malformed  ErrorKind = iota // the reader raises an exception here
	OverBudget                  // a field of Budget is used up
	ReadFailed                  // the io.ReaderAt failed
)

// An Error is the end of a reading before STOP.
type Error struct {
	Kind   ErrorKind
	Offset int64 // of the opcode
	Op     byte
	Msg    string
	Err    error // of the io.ReaderAt, for ReadFailed
}

func (e *Error) Error() string {
	name := OpName(e.Op)
	if name == "" {
		name = fmt.Sprintf("byte %#02x", e.Op)
	}
	s := fmt.Sprintf("pickle offset %d (%s): %s", e.Offset, name, e.Msg)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }
