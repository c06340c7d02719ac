package jail

import (
	"testing"
	"unsafe"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// denyNamespaces makes this process a host that gives no namespaces, as many containers are: clone with a namespace flag
// answers EPERM from now on.
func denyNamespaces(t *testing.T) {
	t.Helper()
	f, err := libseccomp.NewFilter(libseccomp.ActAllow)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	eperm := libseccomp.ActErrno.SetReturnCode(int16(unix.EPERM))
	if err := allow(f, "clone", eperm, []libseccomp.ScmpCondition{masked(0, unix.CLONE_NEWUSER, unix.CLONE_NEWUSER)}); err != nil {
		t.Fatal(err)
	}
	if err := allow(f, "clone3", libseccomp.ActErrno.SetReturnCode(int16(unix.ENOSYS)), nil); err != nil {
		t.Fatal(err)
	}
	prog, err := export(f)
	if err != nil {
		t.Fatal(err)
	}
	// Without no_new_privs, which would keep the workers from becoming nobody: root may load filters.
	fprog := unix.SockFprog{Len: uint16(len(prog) / 8), Filter: (*unix.SockFilter)(unsafe.Pointer(&prog[0]))}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		t.Skipf("MISSING: the right to load a filter (%v), with which this test plays a container", errno)
	}
}
