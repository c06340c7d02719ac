// Package opcodes runs pickles without running anything they name: an exact simulation of the pickle machine of
// protocols 0 to 5 whose values are symbols. It says which names a Python would import, which calls it would make with
// which arguments, and what it would change, each with its offset. It knows no lists and no scores, allocates within a
// budget, never recurses on nesting depth, and imports only the standard library.
//
// Readers of pickles disagree about broken streams: CPython's C unpickler, its pure-Python twin (which joblib and dill
// use), Python 2's pickle and cPickle. Each of them is a Readings bit. A run carries every reading that still agrees
// about the whole state; where some would fail they are dropped with their reason, and where two would go on with
// different states the stream is run again for the others, so that the events are the union of what any of them does.
//
// Values are 8 bytes: literals are the offset of the opcode that made them and are read again when somebody asks;
// containers and call results have a slot of 8 bytes in an arena, which a collector keeps to what stack and memo still
// reach. What they hold lies beside it, moves, and is forgotten far from the top of the stack when much is alive, so that
// an entry of stack or memo costs at most 24 bytes. Opcodes that streams mostly consist of are executed by one loop
// (sprint); everything that is out of the ordinary is left to step, which knows every case.
package opcodes
