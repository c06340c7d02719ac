package fs

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"trustfs/fs/mount"
	"trustfs/internal/beneath"
)

// A Server is a mounted tree. Its methods may be called from any goroutine.
type Server struct {
	opts    Options
	tree    *tree
	root    *beneath.Root
	treeID  string
	run     *runDir
	point   string // the mountpoint without links
	mountID int

	gone     chan struct{} // closed when the kernel has dropped the mount and everything is given back
	giveUp   sync.Once
	returned sync.Once
	unmounts sync.Mutex // one Unmount at a time
	off      bool       // guarded by unmounts: the mount has left its place
}

// ErrBusy says that a running trustfs holds the mountpoint or the tree.
var ErrBusy = errors.New("already served by trustfs")

// Mount mounts and serves in the background. An error is one line that says what is wrong and what to do. ErrBusy is in
// its chain when trustfs already holds the place. Until the mount answers, nothing is visible at the mountpoint; from then
// on the directory beneath never is.
func Mount(o Options) (*Server, error) {
	o, err := o.normalize()
	if err != nil {
		return nil, err
	}
	dir, point, err := places(o)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, treeID: idOfPath(dir.Path), point: point.Path, gone: make(chan struct{})}
	if s.run, err = claim(o.RunDir, s.treeID, s.point); err != nil {
		return nil, err
	}
	if err := s.open(dir, linkNames(o, dir, point)); err != nil {
		s.run.release()
		return nil, err
	}
	if err := s.serve(point); err != nil {
		s.giveBack()
		return nil, err
	}
	return s, nil
}

// places looks at both ends of the mount, and says what cannot be mounted.
func places(o Options) (dir, point mount.Place, err error) {
	if dir, err = mount.Look(o.Dir); err != nil {
		return dir, point, err
	}
	if point, err = mount.Look(o.Mountpoint); err != nil {
		return dir, point, err
	}
	for _, p := range []mount.Place{point, dir} {
		if p.State == mount.Serving || p.State == mount.Stale && !p.AtTop {
			return dir, point, fmt.Errorf("%s: %w at %s; unmount that first (trustfs unmount %[3]s)", p.Path, ErrBusy, p.Mount.Point)
		}
	}
	if dir.State != mount.Free && dir.Path != point.Path {
		return dir, point, fmt.Errorf("%s: a guard or the mount of a daemon that is gone stands over it (umount %[1]s)", dir.Path)
	}
	return dir, point, nil
}

// linkNames are the absolute names by which a link in the tree may mean the tree.
func linkNames(o Options, dir, point mount.Place) linkRules {
	return newLinkRules(o.Dir, dir.Path, o.Mountpoint, point.Path)
}

// open takes the root descriptor, before anything is mounted over it, and shows it at the run directory.
func (s *Server) open(dir mount.Place, links linkRules) error {
	root, err := mount.Root(dir, s.run.backing())
	if err != nil {
		return err
	}
	s.root = beneath.New(root)
	if s.tree, err = newTree(s.root, s.opts, links); err != nil {
		root.Close()
	}
	return err
}

// Root is the tree that is served, for whoever wants to look at files without the mount. The Server keeps it.
func (s *Server) Root() *beneath.Root { return s.root }

// TreeID names the tree in state and run directories: 16 hexadecimal digits, the same for the same real path.
func (s *Server) TreeID() string { return s.treeID }

// RunDir is Options.RunDir/<tree-id>, mode 0700, for the control socket; "" where Options named none.
func (s *Server) RunDir() string { return s.run.path() }

// Backing is where root reaches the real directory; "" where Options named no RunDir.
func (s *Server) Backing() string { return s.run.backing() }

// Mountpoint is the absolute path of the mount, without links.
func (s *Server) Mountpoint() string { return s.point }

// OpenFiles counts what readers have open in the mount.
func (s *Server) OpenFiles() int { return s.tree.handles.open() }

// Wait returns when the mount is gone and its last reader with it.
func (s *Server) Wait() { <-s.gone }

// Unmount takes the mount off its place. busy says that readers still have files open: the mount has left the place, and
// goes on serving those readers until they close or the process ends.
func (s *Server) Unmount() (busy bool, err error) {
	s.unmounts.Lock()
	defer s.unmounts.Unlock()
	select {
	case <-s.gone:
		return false, nil
	default:
	}
	if s.off {
		return s.OpenFiles() > 0, nil
	}
	if s.opts.Guard {
		if err := mount.Guard(s.point); err != nil {
			return false, err
		}
	}
	if busy, err = s.detach(); err != nil && s.guarded() {
		busy, err = true, nil // an older kernel: the guard lies on top, and the mount stays beneath until the process ends
	}
	s.off = err == nil
	return busy, err
}

// guarded says whether a guard is what readers see.
func (s *Server) guarded() bool {
	p, err := mount.Look(s.point)
	return err == nil && p.State == mount.Guarded
}

// detach uses the kernel's call as root, and fusermount as a user.
func (s *Server) detach() (busy bool, err error) {
	if os.Geteuid() != 0 {
		return fusermountDetach(s.point)
	}
	return mount.Detach(s.point, s.mountID)
}

// Close unmounts, waits a little for readers (Options.Grace), and gives everything back. busy says that readers were still
// there at the end: what they have open ends with the process.
func (s *Server) Close() (busy bool, err error) {
	if busy, err = s.Unmount(); err != nil {
		return busy, err
	}
	if !busy {
		s.giveUp.Do(func() { close(s.tree.done) })
		<-s.gone
		return false, nil
	}
	select {
	case <-s.gone:
		return false, nil
	case <-time.After(s.opts.Grace):
		s.giveUp.Do(func() { close(s.tree.done) })
		s.run.release() // the process ends before the last reader does, and the way to the real directory must not stay
		return true, nil
	}
}

// giveBack returns what the mount has held.
func (s *Server) giveBack() {
	s.returned.Do(func() {
		s.tree.handles.closeAll()
		s.root.Close()
		s.run.release()
	})
}
