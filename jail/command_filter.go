//go:build !lean

package jail

import (
	"fmt"
	"strings"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// commandCalls is what a compiled program with files, threads and memory needs. Everything else answers EPERM: sockets,
// mounts, namespaces, tracing, keys, bpf, io_uring, userfaultfd, modules, clocks, and what later kernels invent.
const commandCalls = `
	read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile copy_file_range splice tee
	open openat openat2 close close_range creat stat fstat lstat newfstatat statx access faccessat faccessat2 readlink
	readlinkat getdents getdents64 getcwd chdir fchdir rename renameat renameat2 unlink unlinkat mkdir mkdirat rmdir link
	linkat symlink symlinkat chmod fchmod fchmodat truncate ftruncate fallocate fsync fdatasync sync_file_range utimensat
	getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
	umask dup dup2 dup3 pipe pipe2 fadvise64 readahead flock statfs fstatfs memfd_create
	mmap mprotect munmap mremap madvise mlock munlock msync brk mincore membarrier rseq pkey_alloc pkey_free pkey_mprotect
	poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
	timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4
	futex futex_waitv set_robust_list get_robust_list sched_yield sched_getaffinity sched_setaffinity sched_getparam
	sched_getscheduler sched_get_priority_max sched_get_priority_min getcpu nanosleep clock_nanosleep clock_gettime
	clock_getres gettimeofday time times getrusage alarm setitimer getitimer timer_create timer_settime timer_gettime
	timer_delete timer_getoverrun restart_syscall
	rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack pause kill tkill tgkill
	fork vfork execve exit exit_group wait4 waitid set_tid_address arch_prctl
	getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid setpgid setsid
	capget uname sysinfo getrlimit getpriority getrandom`

// terminalQueries are the ioctls that C libraries make on any descriptor; the last three are FIONCLEX, FIOCLEX, FIONBIO.
var terminalQueries = []uint64{unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCINQ, 0x5450, 0x5451, 0x5421}

// harmlessPrctls name threads and memory, or ask.
var harmlessPrctls = []uint64{unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_VMA, unix.PR_CAPBSET_READ, unix.PR_GET_DUMPABLE,
	unix.PR_GET_NO_NEW_PRIVS, unix.PR_GET_SECCOMP}

// newNamespaces are the clone flags that begin a namespace (time namespaces come from clone3 and unshare alone).
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS |
	unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP

// compileCommandFilter makes the seccomp program of a Command.
func compileCommandFilter() ([]byte, error) {
	f, err := libseccomp.NewFilter(libseccomp.ActErrno.SetReturnCode(int16(unix.EPERM)))
	if err != nil {
		return nil, fmt.Errorf("seccomp filter: %w", err)
	}
	defer f.Release()
	if err := f.SetBadArchAction(libseccomp.ActKillProcess); err != nil {
		return nil, fmt.Errorf("seccomp filter: %w", err)
	}
	for name := range strings.FieldsSeq(commandCalls) {
		if _, err := libseccomp.GetSyscallFromName(name); err != nil {
			continue // this libseccomp, or this architecture, does not know it: denied
		}
		if err := allow(f, name, libseccomp.ActAllow, nil); err != nil && !strings.Contains(err.Error(), "architecture") {
			return nil, err
		}
	}
	rules := []allowed{
		{name: "clone", conds: []libseccomp.ScmpCondition{masked(0, newNamespaces, 0)}},
		// Only questions about the program itself, never about another process, and never a raised limit.
		{name: "prlimit64", conds: []libseccomp.ScmpCondition{equal(0, 0), equal(2, 0)}},
		{name: "fcntl"},
	}
	for _, req := range terminalQueries {
		rules = append(rules, allowed{name: "ioctl", conds: []libseccomp.ScmpCondition{masked(1, low32, req)}})
	}
	for _, op := range harmlessPrctls {
		rules = append(rules, allowed{name: "prctl", conds: []libseccomp.ScmpCondition{masked(0, low32, op)}})
	}
	for _, r := range rules {
		if err := allow(f, r.name, libseccomp.ActAllow, r.conds); err != nil {
			return nil, err
		}
	}
	if err := allow(f, "clone3", libseccomp.ActErrno.SetReturnCode(int16(unix.ENOSYS)), nil); err != nil {
		return nil, err
	}
	return export(f)
}
