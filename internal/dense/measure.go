package dense

import (
	"os"
	"syscall"
	"time"
)

// Processor is the processor time that this process has used so far, its own and the kernel's for it. Unlike a clock's
// it stays the same when others keep the machine busy.
func Processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Resident is the most memory, in bytes, that this process has had resident at once.
func Resident() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss << 10
}

// Create writes a stream of the shape to a new file, which the caller closes and removes.
func (s *Shape) Create(path string, size int64) (f *os.File, length, entries int64, err error) {
	if f, err = os.Create(path); err != nil {
		return nil, 0, 0, err
	}
	if entries, err = s.Write(f, size); err == nil {
		length, err = f.Seek(0, 1)
	}
	if err != nil {
		f.Close()
		return nil, 0, 0, err
	}
	return f, length, entries, nil
}
