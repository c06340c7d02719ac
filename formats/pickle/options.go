package pickle

import "trustfs/opcodes"

// Options say how a loader reads the bytes. The zero value reads one stream from the beginning and convicts whatever
// follows it.
type Options struct {
	Start   int64 // offset in the Source at which the first stream begins
	Streams int   // streams that the loader reads one after another; 0 means 1
	// LeaveRest says that the caller looks at the bytes after the last stream itself. Otherwise they are searched for
	// further streams, and the rest is a pickle_trailing finding.
	LeaveRest bool
	// Storage, if set, is told of each persistent id that names a torch storage, once for each event.
	Storage func(Storage)
	// Handler, if set, sees each event after it was judged, with the machine to ask about its Values.
	Handler func(m *opcodes.Machine, e *opcodes.Event)

	array   bool // one stream that stands for one of joblib's arrays of objects: see stopped
	carried bool // what another stream carries as data: its own data is left alone
}

// A Storage is a torch storage as a persistent id names it.
type Storage struct {
	Class    string // "torch:FloatStorage"
	Key      string // the member's name below data/, or the key of the legacy format
	Location string // "cpu", "cuda:0"
	Numel    int64  // elements; -1 when it is no number
	Offset   int64  // of the opcode
}

// An Outcome says how the streams ended.
type Outcome struct {
	Streams int   // streams that some reader reads to STOP
	End     int64 // offset after the last of them
	// Err is why the stream after those does not load, when more were expected; it is a finding already.
	Err error
	// Joblib says that raw arrays of joblib lie between the opcodes.
	Joblib bool
}
