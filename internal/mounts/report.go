package mounts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"trustfs/fs/mount"
	"trustfs/gatekeeper"
)

// ErrNone says that a path does not lie in a trustfs mount.
var ErrNone = errors.New("not in a trustfs mount")

// maxReport bounds a whole report that is read back, in bytes.
const maxReport = 64 << 20

// At gives the mount that a path lies in, through links, if it is a trustfs of root's or the user's; else ErrNone.
func At(name string) (*mount.Info, error) {
	p, m, err := open(name)
	if err != nil {
		return nil, err
	}
	p.Close()
	return m, nil
}

// open takes hold of the object at name without opening it, and finds its mount by the kernel's own number.
func open(name string) (*os.File, *mount.Info, error) {
	p, err := os.OpenFile(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	var st unix.Statx_t
	if err := unix.Statx(int(p.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_MNT_ID, &st); err != nil {
		p.Close()
		return nil, nil, fmt.Errorf("%s: statx: %w", name, err)
	}
	all, err := mount.List()
	if err != nil {
		p.Close()
		return nil, nil, err
	}
	for _, m := range all {
		if uint64(m.ID) == st.Mnt_id && ours(m) {
			return p, &m, nil
		}
	}
	p.Close()
	return nil, nil, ErrNone
}

// Report asks the mount that name lies in for its report; ErrNone outside of mounts. Asking judges the file, as an open
// would, and may take as long.
func Report(name string) (*gatekeeper.Report, error) {
	p, m, err := open(name)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	st, err := p.Stat()
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, fmt.Errorf("%s: is a folder; explain one file, or audit the folder", name)
	}
	text := make([]byte, 64<<10) // no attribute is longer
	n, err := unix.Getxattr(fmt.Sprintf("/proc/self/fd/%d", p.Fd()), "user.trustfs.report", text)
	if err != nil {
		return nil, fmt.Errorf("%s: asking the mount for its report: %w", name, err)
	}
	var head struct {
		Truncated bool `json:"truncated"`
	}
	if err := json.Unmarshal(text[:n], &head); err != nil {
		return nil, fmt.Errorf("%s: the mount's report: %w", name, err)
	}
	text = text[:n]
	if head.Truncated {
		if whole, err := wholeReport(p, m); err == nil {
			text = whole // else the short form must do: its reasons are all there
		}
	}
	var r gatekeeper.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: the mount's report: %w", name, err)
	}
	return &r, nil
}

// wholeReport reads .trustfs/report/<path>.json of the mount.
func wholeReport(p *os.File, m *mount.Info) ([]byte, error) {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", p.Fd()))
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(m.Point, name)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return nil, ErrNone
	}
	f, err := os.Open(filepath.Join(m.Point, ".trustfs", "report", rel+".json"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxReport+1))
	if err == nil && len(text) > maxReport {
		err = errors.New("longer than a report can be")
	}
	return text, err
}
