package opcodes

import "strings"

// Readings is a set of readers of pickles. They agree on every well-formed stream of a protocol they know.
type Readings uint8

// The readers. CPython's two implementations behave alike from 3.8 to 3.14 except where a comment in this package
// says otherwise; the two of Python 2 know protocols 0 to 2 and resolve names without renaming.
const (
	C3     Readings = 1 << iota // Modules/_pickle.c on bytes (loads): fenced marks, frames ignored
	CFile                       // the same on a file without peek, or a frame of 128 KiB: drops what a frame's end cuts off
	Py3                         // Lib/pickle.py, Python 3: frames honoured, unterminated lines and empty names accepted
	C2                          // Python 2.7 cPickle: pops reach below a mark
	Py2                         // Python 2.7 pickle.py: a mark is an object on the stack
	Joblib                      // Py3, and the handler says how many raw bytes follow a BUILD (Event.Skip)

	Python3 = C3 | CFile | Py3
	Python2 = C2 | Py2
	All     = Python3 | Python2 | Joblib

	pure3  = Py3 | Joblib              // run Lib/pickle.py of Python 3
	modern = C3 | CFile | Py3 | Joblib // know protocols up to 5
	inC    = C3 | CFile | C2
)

// String lists the readers: "c3+py3".
func (r Readings) String() string {
	var out []string
	for i, name := range [...]string{"c3", "cfile", "py3", "c2", "py2", "joblib"} {
		if r&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, "+")
}
