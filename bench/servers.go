package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/fs/mount"
)

// servers are the mounts of one group.
type servers struct {
	running []*exec.Cmd
	points  []string
}

// start runs a server and waits until it is mounted.
func (s *servers) start(point string, server *exec.Cmd) error {
	if err := os.MkdirAll(point, 0o755); err != nil {
		return err
	}
	if err := unix.Unmount(point, 0); err == nil {
		fmt.Fprintf(os.Stderr, "bench: %s was left mounted by a run that was cut off\n", point)
	}
	log, err := os.Create(point + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	server.Stderr = log
	if err := server.Start(); err != nil {
		return err
	}
	s.running, s.points = append(s.running, server), append(s.points, point)
	for range 200 {
		all, err := mount.List()
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.Point == point {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s: nothing was mounted within 10 s; see %s.log", point, point)
}

// close unmounts and waits for the servers.
func (s *servers) close() {
	for i, server := range s.running {
		if err := unix.Unmount(s.points[i], 0); err != nil && !errors.Is(err, unix.EINVAL) {
			fmt.Fprintf(os.Stderr, "bench: unmounting %s: %v\n", s.points[i], err)
			_ = server.Process.Signal(unix.SIGTERM)
		}
		_ = server.Wait()
	}
}

// daemon is the process that was started last.
func (s *servers) daemon() int { return s.running[len(s.running)-1].Process.Pid }
