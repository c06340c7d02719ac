package fs

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
)

const (
	// ownPrefix is where trustfs answers. The attributes can be read by name and are not listed, or cp -a and tar would
	// copy a verdict to where it means nothing; a backing file's own attributes of that name are masked.
	ownPrefix = "user.trustfs."
	// maxXattr is the most that Linux gives of one attribute, or of one list (xattr(7)).
	maxXattr = 64 << 10
)

// passes says which backing attributes show through the mount: the user's, and the ACLs, which the kernel needs to decide
// permissions. Not security.* (capabilities and labels belong to the host, not to a model) nor trusted.* (the administrator's
// marks, and trustfs's own seals; a copy of them would lie).
func passes(name string) bool {
	switch name {
	case "system.posix_acl_access", "system.posix_acl_default":
		return true
	}
	return strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, ownPrefix)
}

// passes says which of its source's attributes a view has: the ACL, by which the kernel decides.
func (n *node) passes(name string) bool {
	return passes(name) && (n.key.kind != kindView || strings.HasPrefix(name, "system."))
}

// GetXAttr gives one attribute.
func (t *tree) GetXAttr(cancel <-chan struct{}, h *fuse.InHeader, name string, dest []byte) (uint32, fuse.Status) {
	n := t.nodes.get(h.NodeId)
	if n == nil {
		return 0, stale
	}
	value, err := t.xattr(asker{cancel, h.Caller}, n, name)
	if err != nil {
		return 0, t.refuse("getxattr "+name, n.key.path, err)
	}
	return fill(dest, value)
}

// fill answers as xattr calls do: the size alone where no room is offered, ERANGE where it is too small.
func fill(dest, value []byte) (uint32, fuse.Status) {
	if len(value) > len(dest) {
		return uint32(len(value)), fuse.ERANGE
	}
	return uint32(copy(dest, value)), fuse.OK
}

func (t *tree) xattr(who asker, n *node, name string) ([]byte, error) {
	if own, ok := strings.CutPrefix(name, ownPrefix); ok {
		return t.verdictXattr(who, n, own)
	}
	if !n.passes(name) || n.key.kind == kindLink || n.key.kind == kindReportLink {
		return nil, unix.ENODATA
	}
	return t.backingXattr(n, func(path string, buf []byte) (int, error) { return unix.Getxattr(path, name, buf) })
}

// backingXattr asks the object behind n.
func (t *tree) backingXattr(n *node, ask func(path string, buf []byte) (int, error)) ([]byte, error) {
	if n.key.kind == kindControl || n.key.kind == kindStatus {
		return nil, unix.ENODATA
	}
	p, _, err := t.object(n)
	if v := n.held(err); v != nil {
		defer n.release(v)
		p, err = v.file, nil
	} else if err == nil {
		defer p.Close()
	}
	if err != nil {
		return nil, err
	}
	buf := make([]byte, maxXattr)
	// An O_PATH descriptor has no xattr calls; its entry in /proc leads to the very object, see open(2).
	size, err := ask("/proc/self/fd/"+strconv.Itoa(int(p.Fd())), buf)
	if err != nil {
		return nil, &os.PathError{Op: "xattr", Path: n.key.path, Err: err}
	}
	return buf[:size], nil
}

// verdictXattr answers user.trustfs.*: of files, refused ones too. Asking judges as an open does.
func (t *tree) verdictXattr(who asker, n *node, name string) ([]byte, error) {
	if n.key.kind == kindSpecial {
		return specialXattr(name)
	}
	if n.key.kind == kindView && ownNames[name] {
		return t.viewXattr(who, n, name)
	}
	if n.key.kind != kindFile || !ownNames[name] {
		return nil, unix.ENODATA
	}
	r, err := t.ownReport(who, n)
	if err != nil {
		return nil, err
	}
	return ownValue(r, name)
}

// ownReport is the report of the file that n stands for; of a version that is open, after its name has gone to another
// file, the one that its reader was admitted by.
func (t *tree) ownReport(who asker, n *node) (*gatekeeper.Report, error) {
	f, j, err := t.judgeNode(who, n)
	if v := n.held(err); v != nil {
		defer n.release(v)
		return reportOf(v.judgement)
	}
	if err != nil {
		return nil, err
	}
	f.Close()
	return reportOf(j)
}

var ownNames = map[string]bool{"verdict": true, "level": true, "score": true, "reasons": true, "sha256": true, "report": true}

// ownValue is one attribute of a report. Reasons come one a line.
func ownValue(r *gatekeeper.Report, name string) ([]byte, error) {
	switch name {
	case "verdict":
		return []byte(r.Verdict.String()), nil
	case "level":
		return []byte(r.Level), nil
	case "score":
		return strconv.AppendInt(nil, int64(r.Score), 10), nil
	case "reasons":
		reasons := strings.Join(r.Reasons, "\n")
		return []byte(reasons[:min(len(reasons), gatekeeper.MaxXattrReport)]), nil
	case "sha256":
		if r.SHA256 == "" {
			return nil, unix.ENODATA
		}
		return []byte(r.SHA256), nil
	case "report":
		return r.XattrJSON(), nil
	}
	return nil, fmt.Errorf("%s%s: no such attribute: %w", ownPrefix, name, unix.ENODATA)
}

// specialXattr answers for FIFOs, sockets and devices, which are refused without a judgement.
func specialXattr(name string) ([]byte, error) {
	switch name {
	case "verdict":
		return []byte(gatekeeper.Deny.String()), nil
	case "reasons":
		return []byte("not a regular file"), nil
	}
	return nil, unix.ENODATA
}

// ListXAttr lists what passes. Nothing is judged for it.
func (t *tree) ListXAttr(_ <-chan struct{}, h *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	n := t.nodes.get(h.NodeId)
	if n == nil {
		return 0, stale
	}
	if n.key.kind == kindLink || n.key.kind == kindReportLink || n.key.kind == kindControl || n.key.kind == kindStatus {
		return 0, fuse.OK
	}
	all, err := t.backingXattr(n, unix.Listxattr)
	if err != nil {
		return 0, t.refuse("listxattr", n.key.path, err)
	}
	var shown []byte
	for name := range strings.SplitSeq(string(all), "\x00") {
		if name != "" && n.passes(name) {
			shown = append(append(shown, name...), 0)
		}
	}
	return fill(dest, shown)
}
