package jail

import (
	"regexp"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A kernelLog finds in the kernel's log which system call killed a worker: the audit records of type 1326 that seccomp
// writes. It is a help to people only: the log may be closed to this user, go to auditd instead, or be rate-limited,
// and then the name is missing from the report.
type kernelLog struct {
	mu   sync.Mutex
	fd   int            // /dev/kmsg, not blocking; -1: not readable; guarded by mu
	seen map[int]string // by pid, until asked for; guarded by mu
}

// openKernelLog begins to read at the log's present end.
func openKernelLog() *kernelLog {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &kernelLog{fd: -1}
	}
	if _, err := unix.Seek(fd, 0, unix.SEEK_END); err != nil {
		unix.Close(fd)
		return &kernelLog{fd: -1}
	}
	return &kernelLog{fd: fd, seen: map[int]string{}}
}

func (k *kernelLog) close() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fd >= 0 {
		unix.Close(k.fd)
		k.fd = -1
	}
}

const (
	logPatience = 20 * time.Millisecond // the kernel writes audit records a moment after the death
	maxRecords  = 20_000                // read at one time; the log is a ring of about as many
	maxSeen     = 1024                  // deaths remembered that nobody asked for
)

// denied is the name of the system call that killed pid; empty where the log does not say.
func (k *kernelLog) denied(pid int) string {
	if k == nil {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fd < 0 {
		return ""
	}
	for end := time.Now().Add(logPatience); ; time.Sleep(2 * time.Millisecond) {
		k.read()
		if name, ok := k.seen[pid]; ok {
			delete(k.seen, pid)
			return name
		}
		if time.Now().After(end) {
			return ""
		}
	}
}

// read takes in what is new. Precondition: k.mu is held and k.fd is open. One read(2) gives one record, EAGAIN the
// end, EPIPE a record that was overwritten. See Documentation/ABI/testing/dev-kmsg.
func (k *kernelLog) read() {
	buf := make([]byte, 8<<10)
	for range maxRecords {
		n, err := unix.Read(k.fd, buf)
		switch {
		case err == unix.EPIPE || err == unix.EINTR:
			continue
		case err != nil || n == 0:
			return
		}
		if pid, name, ok := parseRecord(string(buf[:n])); ok {
			if len(k.seen) >= maxSeen {
				clear(k.seen)
			}
			k.seen[pid] = name
		}
	}
}

// record matches what kernel/auditsc.c (audit_seccomp) writes. The command's name is the worker's to choose; it stands
// before "exe=" in quotes or in hexadecimal, and cannot hold a quote.
var record = regexp.MustCompile(`audit: type=1326 .*? pid=(\d+) comm=(?:"[^"]*"|[0-9A-F]+) .* sig=31 arch=([0-9a-f]+) syscall=(\d+) compat=\d`)

func parseRecord(s string) (pid int, name string, ok bool) {
	m := record.FindStringSubmatch(s)
	if m == nil {
		return 0, "", false
	}
	pid, err1 := strconv.Atoi(m[1])
	arch, err2 := strconv.ParseUint(m[2], 16, 32)
	nr, err3 := strconv.ParseUint(m[3], 10, 31)
	if err1 != nil || err2 != nil || err3 != nil {
		return 0, "", false
	}
	return pid, callName(uint32(arch), int32(nr)), true
}
