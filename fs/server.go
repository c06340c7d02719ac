package fs

import (
	"errors"

	"trustfs/internal/beneath"
)

// A Server is a mounted tree. Its methods may be called from any goroutine.
type Server struct {
	opts    Options
	root    *beneath.Root
	treeID  string
	backing string
}

// Mount mounts and serves in the background. An error is one line that says what is wrong and what to do. ErrBusy is in
// its chain when trustfs already holds the place.
func Mount(o Options) (*Server, error) { return nil, errors.New("not yet") }

// ErrBusy says that a running trustfs holds the mountpoint or the tree.
var ErrBusy = errors.New("already served by trustfs")

// Root is the tree that is served, for whoever wants to look at files without the mount. The Server keeps it.
func (s *Server) Root() *beneath.Root { return s.root }

// TreeID names the tree in state and run directories: 16 hexadecimal digits, the same for the same real path.
func (s *Server) TreeID() string { return s.treeID }

// RunDir is Options.RunDir/<tree-id>, mode 0700, for the control socket; "" where Options named none.
func (s *Server) RunDir() string { return "" }

// Backing is where root reaches the real directory; "" where Options named no RunDir.
func (s *Server) Backing() string { return s.backing }

// Mountpoint is the absolute path of the mount.
func (s *Server) Mountpoint() string { return s.opts.Mountpoint }

// Wait returns when the mount is gone and its last reader with it.
func (s *Server) Wait() {}

// Unmount takes the mount off its place. busy says that readers still have files open: the mount has left the place, and
// goes on serving those readers until they close or the process ends.
func (s *Server) Unmount() (busy bool, err error) { return false, nil }

// Close unmounts, waits a little for readers (Options.Grace), and gives everything back. busy is Unmount's.
func (s *Server) Close() (busy bool, err error) { return false, nil }

// TreeID names the tree at dir without mounting it.
func TreeID(dir string) (string, error) { return "", nil }

// Guard puts an empty directory that nobody may read over a mountpoint whose service has stopped; below a mount of
// trustfs, if one is there. Unguard takes it off.
func Guard(mountpoint string) error { return nil }

// Unguard takes a guard off; it is no error if there is none.
func Unguard(mountpoint string) error { return nil }
