// Package lean tells the two programs apart that are built of cmd/trustfs. Built with the tag "lean" it is bin/trustfs,
// which starts in a quarter of the time because OPA, Sigstore's libraries and the readers of bills of materials are not in
// it; built without, bin/trustfs-engine, which has everything. What needs the missing parts ends in ErrBeyond there, and
// the command hands over to the engine before anything is printed.
//
// So the tag can only ever make a judgement impossible, never another one: there is one implementation, with holes.
package lean

import (
	"errors"
	"fmt"
)

// ErrBeyond says that the lean program cannot go on. An error that is ErrBeyond must end the judgement and reach the
// command as it is: taken for a fault of what was read, it would make another verdict than the engine's.
var ErrBeyond = errors.New("beyond the lean program")

// Lacks is nil in the engine, and an ErrBeyond in the lean program. It stands before what is left out of that.
func Lacks(what string) error {
	if !Build {
		return nil
	}
	return Beyond(what)
}

// Beyond is an ErrBeyond that says what is left out.
func Beyond(what string) error { return fmt.Errorf("%w: %s", ErrBeyond, what) }
