package main

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

var resources = []attack{
	{name: "allocate 2 GiB", stops: "lim", try: func(*target) error {
		return sys(unix.SYS_MMAP, 0, 2<<30, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	}},
	{name: "allocate on the heap until the end", stops: "lim", slow: true, try: func(*target) error {
		var all [][]byte
		for range 512 {
			all = append(all, make([]byte, 2<<20))
		}
		runtime.KeepAlive(all)
		return nil
	}},
	{name: "burn more CPU time than allowed", stops: "lim", slow: true, try: func(*target) error {
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
	{name: "start 500 threads", stops: "lim", slow: true, try: func(*target) error {
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
	{name: "write a file that grows", stops: "lim sec", try: func(t *target) error {
		fd, err := unix.Open(t.Secret, unix.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = unix.Pwrite(fd, make([]byte, 10), 1<<20)
		return err
	}},
	{name: "leave a core dump", stops: "lim sec", try: func(*target) error {
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
