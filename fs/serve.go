package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"trustfs/fs/mount"
)

// fuseOptions is the mount as the kernel is to see it.
func (s *Server) fuseOptions() *fuse.MountOptions {
	return &fuse.MountOptions{
		AllowOther: s.allowOther(),
		FsName:     "trustfs", Name: "trustfs",
		MaxWrite: mount.MaxRead, MaxReadAhead: mount.MaxRead, MaxBackground: 24,
		// ACLs: default_permissions alone lets in a group member whom the ACL of the backing file denies.
		EnableAcl: true,
		// Versions never change, so the kernel need not look whether to drop their pages.
		ExplicitDataCacheControl: true,
		// A listing must not look up, or the kernel would ask about every file.
		DisableReadDirPlus: true,
		// What is spliced is not private memory.
		DisableSplice: true,
		// Every open asks, and every byte is checked here.
		DisabledCapabilities: fuse.CAP_NO_OPEN_SUPPORT | fuse.CAP_PASSTHROUGH | fuse.CAP_OVER_IO_URING,
		PanicHandler:         s.tree.onPanic,
		Logger:               slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn),
		// For fusermount and mount(2), which serve makes use of where it must.
		Options:          []string{"ro", "nosuid", "nodev", "noexec", "default_permissions"},
		DirectMountFlags: unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC,
	}
}

func (s *Server) allowOther() bool {
	return !s.opts.OwnerOnly && (s.opts.AllowOther || os.Geteuid() == 0)
}

// serve answers requests first and is attached second, so that nobody meets a mount that does not answer.
func (s *Server) serve(point mount.Place) error {
	attach, err := s.prepare(point)
	if err != nil {
		return err
	}
	if err := attach(); err != nil {
		<-s.gone
		return err
	}
	if s.mountID, err = mount.ID(s.point); err != nil {
		return err
	}
	if err := mount.ReadAhead(s.mountID, mount.MaxRead); err != nil {
		s.opts.Log.Warn("read-ahead stays at the kernel's default; cold reads are slower", "error", err.Error())
	}
	return nil
}

// prepare starts the server, and gives what makes it visible.
func (s *Server) prepare(point mount.Place) (attach func() error, err error) {
	if os.Geteuid() != 0 || s.opts.oldMount {
		return s.prepareOld(point)
	}
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/fuse: %w (is the fuse module loaded?)", err)
	}
	m, err := mount.Fuse(device, "trustfs", s.allowOther())
	if err != nil {
		unix.Close(device)
		if errors.Is(err, unix.ENOSYS) {
			return s.prepareOld(point)
		}
		return nil, fmt.Errorf("mounting on %s: %w", s.point, err)
	}
	server, err := fuse.NewServer(s.tree, fmt.Sprintf("/dev/fd/%d", device), s.fuseOptions())
	if err != nil {
		m.Close()
		return nil, err
	}
	s.start(server)
	settlePoll(int(m.Fd()))
	return func() error {
		defer m.Close()
		return mount.Attach(m, point)
	}, nil
}

// settlePoll has the kernel ask once whether files here can be polled, and learn that they cannot, as go-fuse's WaitMount
// does by path. A Go program asks at each open, from inside its scheduler; were the first to ask this very process (a test,
// a tool that mounts and reads), it would wait for itself. go-fuse answers for the name by itself.
func settlePoll(mount int) {
	fd, err := unix.Openat(mount, ".go-fuse-epoll-hack", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
}

// prepareOld mounts with fusermount (a user) or mount(2) (a kernel before 5.2). What stands in the place must go first.
func (s *Server) prepareOld(point mount.Place) (func() error, error) {
	if point.State != mount.Free {
		return nil, fmt.Errorf("%s: the mount of a daemon that is gone stands there (fusermount3 -u %[1]s)", s.point)
	}
	o := s.fuseOptions()
	if os.Geteuid() == 0 {
		o.DirectMountStrict = true
		o.Options = []string{"default_permissions"}
	}
	server, err := fuse.NewServer(s.tree, s.point, o)
	if err != nil {
		return nil, fmt.Errorf("mounting on %s: %w", s.point, err)
	}
	s.start(server)
	return server.WaitMount, nil
}

// start serves until the kernel drops the mount, and then gives everything back.
func (s *Server) start(server *fuse.Server) {
	go func() {
		defer close(s.gone)
		server.Serve()
		s.giveUp.Do(func() { close(s.tree.done) })
		s.giveBack()
	}()
}

// fusermountDetach unmounts as a user may.
func fusermountDetach(point string) (busy bool, err error) {
	if exec.Command("fusermount3", "-u", "--", point).Run() == nil {
		return false, nil
	}
	out, err := exec.Command("fusermount3", "-u", "-z", "--", point).CombinedOutput()
	if err != nil {
		return true, fmt.Errorf("unmounting %s: %w: %s", point, err, out)
	}
	return true, nil
}
