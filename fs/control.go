package fs

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
)

// The names of what exists only in the mount. The directory is hidden from the listing of the root, so that cp -a, tar and
// find do not meet it; whoever asks for it by name gets it.
const (
	controlName  = ".trustfs"
	reportsName  = "report"
	statusName   = "status.json"
	reportSuffix = ".json"
)

// The inode numbers of what has no file behind it are the top of the range, where no filesystem counts.
const (
	controlIno = ^uint64(0) - 1
	statusIno  = ^uint64(0) - 2
)

// controlNode is the directory .trustfs.
func (t *tree) controlNode() *node {
	return t.synthetic(kindControl, controlIno, unix.S_IFDIR|0o555)
}

func (t *tree) synthetic(k kind, ino uint64, mode uint32) *node {
	attr := fuse.Attr{Ino: ino, Mode: mode, Nlink: 1, Owner: t.owner, Blksize: 4096}
	attr.SetTimes(&t.started, &t.started, &t.started)
	return &node{key: nodeKey{path: controlName, kind: k, id: integrity.Identity{Ino: ino}}, attr: attr}
}

// findControl finds an entry of .trustfs.
func (t *tree) findControl(name string) (*node, error) {
	switch name {
	case statusName:
		return t.synthetic(kindStatus, statusIno, unix.S_IFREG|0o400), nil
	case reportsName:
		st, err := statx(t.root.File())
		if err != nil {
			return nil, err
		}
		return describe("", kindReports, st), nil
	}
	return nil, unix.ENOENT
}

// findReport finds an entry of .trustfs/report or of a folder in it. Folders keep the tree's owners, modes and ACLs, and
// reports those of their files: who may not read a model, or not reach it, learns nothing of it here, and cannot have it
// judged.
func (t *tree) findReport(parent *node, name string) (*node, error) {
	if parent.key.path == "" && (name == controlName || name == controlName+reportSuffix) {
		return nil, unix.ENOENT
	}
	if file, ok := strings.CutSuffix(name, reportSuffix); ok && plainName(file) {
		st, err := t.child(parent, file)
		switch {
		case err == nil && kindOf(st.Mode) == kindFile:
			return describe(join(parent.key.path, file), kindReport, st), nil
		case err == nil && kindOf(st.Mode) == kindLink:
			return describe(join(parent.key.path, file), kindReportLink, st), nil
		case err != nil && !isErr(err, unix.ENOENT):
			return nil, err
		}
	}
	st, err := t.child(parent, name)
	if isErr(err, unix.ENOENT) {
		return t.findViewReport(parent, name)
	}
	if err != nil {
		return nil, err
	}
	switch kindOf(st.Mode) {
	case kindDir:
		return describe(join(parent.key.path, name), kindReports, st), nil
	case kindLink:
		return describe(join(parent.key.path, name), kindLink, st), nil
	}
	return nil, unix.ENOENT
}

// report gives the whole report of the file that n is about, refused or not. Asking judges as an open does.
func (t *tree) report(who asker, n *node) ([]byte, error) {
	r, err := t.reportFor(who, n)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return append(data, '\n'), nil
}

func (t *tree) reportFor(who asker, n *node) (*gatekeeper.Report, error) {
	if n.key.source != "" {
		return t.viewReport(who, n)
	}
	f, j, err := t.judgeNode(who, n)
	if err != nil {
		return nil, err
	}
	f.Close()
	return reportOf(j)
}

// reportOf is the report of a judgement that must have one.
func reportOf(j *gatekeeper.Judgement) (*gatekeeper.Report, error) {
	if j == nil || j.Report == nil {
		return nil, fmt.Errorf("the judgement has no report")
	}
	return j.Report, nil
}
