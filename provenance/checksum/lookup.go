package checksum

import (
	"path"

	"trustfs/integrity"
)

// A Result is what a list says of one name. The zero value is Unlisted.
type Result int

// The results of a look-up.
const (
	Unlisted Result = iota
	Match
	Mismatch
	OtherAlgorithm // listed, but only by a digest that is not SHA-256
)

// Lookup compares the entries for name, relative to the list's folder, with the digest that the bytes have. Every entry
// must agree: two that differ are a Mismatch, whichever of them is right. expected is the entry that decided, or for
// OtherAlgorithm its name.
func (l *List) Lookup(name string, actual integrity.Digest) (r Result, expected string) {
	name = path.Clean(name)
	for _, d := range l.entries[name] {
		if d != actual {
			return Mismatch, d.String()
		}
		r, expected = Match, d.String()
	}
	if alg, ok := l.other[name]; ok && r == Unlisted {
		return OtherAlgorithm, alg
	}
	return r, expected
}

// Names calls yield with each name that has a SHA-256, in no order.
func (l *List) Names(yield func(name string) bool) {
	for name := range l.entries {
		if !yield(name) {
			return
		}
	}
}
