package gatekeeper

import (
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/integrity"
	"trustfs/provenance"
	"trustfs/views"
)

// An entry is a cached verdict with what it depends on.
type entry struct {
	judgement *Judgement
	question  *Question // for a policy that refers to the opener
	epochs    epochs
	dirs      []dirStamp
	inputs    []provenance.InputID // every list and sidecar, absent ones too
	present   []provenance.InputID // those that the stamps of their folders do not cover
	evidence  *provenance.Evidence
	kept      bool          // in the cache: everything that the judgement needs was there
	answer    *views.Answer // of a view
	err       error         // of a view: why there is none
}

// A dirStamp is the identity of a folder whose entries the verdict depends on: lists and sidecars beside the file and above
// it, links in a snapshot. Making, removing or renaming an entry changes the folder's timestamps, so one statx covers the
// absence of every name in it.
type dirStamp struct {
	path string
	id   integrity.Identity
	racy bool
}

// racyWindow is how long after a change a second one may leave the timestamps as they are (kernels before 6.13 stamp once
// a tick).
const racyWindow = 2 * time.Second

func stampDir(tree Tree, dir string) (dirStamp, bool) {
	s, ok := tree.(interface {
		Stat(path string) (integrity.Identity, error)
	})
	if !ok {
		return dirStamp{}, false
	}
	id, err := s.Stat(dir)
	if err != nil {
		return dirStamp{}, false
	}
	return dirStamp{path: dir, id: id, racy: max(id.Mtime, id.Ctime) > time.Now().Add(-racyWindow).UnixNano()}, true
}

// stampDirs adds the stamps of the folders above each name, up to the root, to those that are there.
func stampDirs(stamps []dirStamp, tree Tree, names ...string) []dirStamp {
	if tree == nil {
		return stamps
	}
	for _, name := range names {
		for dir := path.Dir(name); ; dir = path.Dir(dir) {
			if !slices.ContainsFunc(stamps, func(s dirStamp) bool { return s.path == dir }) {
				if s, ok := stampDir(tree, dir); ok {
					stamps = append(stamps, s)
				}
			}
			if dir == "." || dir == "/" {
				break
			}
		}
	}
	return stamps
}

// uncovered are the inputs that the stamps say nothing about: those that are there (their content may change in place), and
// those outside the tree.
func uncovered(inputs []provenance.InputID, stamps []dirStamp) []provenance.InputID {
	var out []provenance.InputID
	for _, in := range inputs {
		// A dangling link may come to life while its folder stays as it is: only a plainly absent name is covered.
		known := in.Folder && slices.ContainsFunc(stamps, func(s dirStamp) bool { return s.path == path.Clean(in.Path) })
		covered := known || in.Absent && in.Plain && !in.Outside && slices.ContainsFunc(stamps, func(s dirStamp) bool { return s.path == path.Dir(in.Path) })
		if !covered {
			out = append(out, in)
		}
	}
	return out
}

// current says whether a cached verdict still depends on what it was made from, without reading anything.
func (g *Gate) current(e *entry, tree Tree) bool {
	if g.epochs() != e.epochs {
		return false
	}
	for _, s := range e.dirs {
		now, ok := stampDir(tree, s.path)
		if s.racy || !ok || now.id != s.id {
			return false
		}
	}
	return provenance.Current(provenanceTree(tree), e.present)
}

// epochs name the policy and the trust (keys, lists, configuration) that a verdict was reached under.
type epochs struct {
	policy uint64
	trust  string
	terms  uint64
}

func (g *Gate) epochs() (e epochs) {
	if g.cfg.Adviser != nil {
		e.policy = g.cfg.Adviser.Epoch()
	}
	if t, ok := g.cfg.Examiner.(interface{ Epoch() string }); ok {
		e.trust = t.Epoch()
	}
	e.terms = g.terms.Load().number // last: a look at the trust may change them
	return e
}

// remember keeps a verdict that was reached. A failure is not kept: the next open tries again.
func (g *Gate) remember(c *judging, failure error) *entry {
	e := &entry{judgement: &Judgement{Report: c.report, Identity: c.id, Manifest: c.manifest}, epochs: c.epochs}
	if c.evidence == nil || c.result == nil {
		return e
	}
	e.question, e.evidence = c.question(), c.evidence
	e.dirs, e.inputs = c.dirs, c.evidence.Inputs
	e.present = uncovered(e.inputs, e.dirs)
	if failure == nil {
		e.kept = true
		g.memory.keepVerdict(verdictKey{id: c.id, path: c.subject.Path}, e)
	}
	return e
}

// Tampered says that a reader met bytes that are not the judged ones: verdict and Manifest go, the next open judges afresh.
func (g *Gate) Tampered(name string, id integrity.Identity, err *integrity.TamperError) {
	g.memory.forget(verdictKey{id: id, path: name})
	g.log.Error("model.tampered", "path", name, "expected", err.Expected, "actual", err.Actual, "offset", err.Offset)
}

// Traversal says that a link led out of the tree.
func (g *Gate) Traversal(name, target string) {
	g.log.Warn("path.traversal", "path", name, "target", target)
}

// attributes asks for the owner and the mode of the file that is judged; nil if they cannot be had.
func attributes(fd int) *Attributes {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return nil
	}
	return &Attributes{UID: st.Uid, GID: st.Gid, Mode: st.Mode & 0o7777}
}
