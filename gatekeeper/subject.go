package gatekeeper

import (
	"os"

	"trustfs/integrity"
)

// A Tree gives access to what lies beside a file: lists, signatures, links. *beneath.Root is one.
type Tree interface {
	Open(path string) (*os.File, error)
	ReadDir(path string) ([]os.DirEntry, error)
	Readlink(path string) (string, error)
}

// A Subject is one file to judge.
type Subject struct {
	// File is the regular file, opened for reading once; it is judged and served through this descriptor. The caller keeps
	// it open until Judge has returned AND keeps ownership: a judgement that outlives an interrupted caller works on its
	// own duplicate.
	File *os.File
	// Path is the file's name below the tree's root, slash-separated, any bytes but NUL.
	Path string
	// Tree is where Path lies; nil judges on content and digest alone.
	Tree Tree
	// Opener is who asks, as far as FUSE tells; nil where nobody opens (audit).
	Opener *Opener
	// Progress, if not nil, is told the bytes hashed so far.
	Progress func(done int64)
}

// An Opener is who opens. UID and GID are boundaries; the executable is a hint, as FUSE gives only a thread id.
type Opener struct {
	UID, GID uint32
	PID      uint32 // a thread id; 0 from another pid namespace
}

// A Judgement is a verdict with what serving needs. It is immutable: a later judgement is another one.
type Judgement struct {
	Report   *Report
	Identity integrity.Identity  // of the version that was judged
	Manifest *integrity.Manifest // nil when the bytes could not be read whole; then the verdict is Deny
}

// Allowed says whether the file may be served. A nil Judgement is a denial.
func (j *Judgement) Allowed() bool {
	return j != nil && j.Report != nil && j.Manifest != nil && j.Report.Verdict == Allow
}
