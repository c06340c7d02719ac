package fs

import (
	"context"

	"trustfs/gatekeeper"
	"trustfs/integrity"
)

// A Gate decides. *gatekeeper.Gate is one.
type Gate interface {
	// Judge gives the judgement of s.File, from a cache within microseconds if it can. An error means that nothing was
	// decided: ctx was done, or the file could not be judged. Either refuses.
	Judge(ctx context.Context, s gatekeeper.Subject) (*gatekeeper.Judgement, error)
	// Tampered is told that bytes served from path were not those judged. The Gate drops what it knows of that version.
	Tampered(path string, id integrity.Identity, err *integrity.TamperError)
	// Traversal is told that the link at path, with the given target, was refused because it leads out of the tree; of
	// the same once a minute.
	Traversal(path, target string)
}

// A Rememberer is a Gate that can say without work whether it knows the answer. Where a Gate is one, opens of judged files
// do not stand in the queue behind judgements that take minutes.
type Rememberer interface {
	Remembered(s gatekeeper.Subject) (*gatekeeper.Judgement, bool)
}

var (
	_ Gate       = (*gatekeeper.Gate)(nil)
	_ Rememberer = (*gatekeeper.Gate)(nil)
)
