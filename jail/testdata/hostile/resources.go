package main

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

var resources = []attack{
	{"allocate 2 GiB", "lim", func(*target) error {
		return sys(unix.SYS_MMAP, 0, 2<<30, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	}},
	{"allocate on the heap until the end", "lim", func(*target) error {
		var all [][]byte
		for range 512 {
			all = append(all, make([]byte, 2<<20))
		}
		runtime.KeepAlive(all)
		return nil
	}},
	{"burn more CPU time than allowed", "lim", func(*target) error {
		for {
			var used unix.Timespec
			for range 1000 {
				if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used); err != nil {
					return err
				}
			}
			if used.Nano() > 2*int64(time.Second) { // twice what is allowed
				break
			}
		}
		return nil
	}},
	{"start 500 threads", "lim", func(*target) error {
		block := make(chan struct{})
		for range 500 {
			go func() {
				runtime.LockOSThread()
				<-block
			}()
		}
		for range 100 {
			time.Sleep(5 * time.Millisecond)
		}
		return nil
	}},
	{"write a file that grows", "lim sec", func(t *target) error {
		fd, err := unix.Open(t.Secret, unix.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = unix.Pwrite(fd, make([]byte, 10), 1<<20)
		return err
	}},
	{"leave a core dump", "lim sec", func(*target) error {
		var l unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
			return err
		}
		if l.Max == 0 {
			return errors.New("RLIMIT_CORE is 0")
		}
		return nil
	}},
}
