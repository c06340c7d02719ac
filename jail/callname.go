//go:build !lean

package jail

import (
	"strconv"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

const x32Bit = 0x40000000

// callName is the name of a system call of another architecture too, with the architecture before it.
func callName(arch uint32, nr int32) string {
	archs := map[uint32]struct {
		arch   libseccomp.ScmpArch
		prefix string
	}{
		unix.AUDIT_ARCH_X86_64: {libseccomp.ArchAMD64, ""}, unix.AUDIT_ARCH_I386: {libseccomp.ArchX86, "i386 "},
		unix.AUDIT_ARCH_AARCH64: {libseccomp.ArchARM64, ""}, unix.AUDIT_ARCH_ARM: {libseccomp.ArchARM, "arm "},
	}
	a, known := archs[arch]
	if known && a.arch == libseccomp.ArchAMD64 && nr&x32Bit != 0 {
		a.prefix, nr = "x32 ", nr&^x32Bit
	}
	if known {
		if name, err := libseccomp.ScmpSyscall(nr).GetNameByArch(a.arch); err == nil {
			return a.prefix + name
		}
	}
	return a.prefix + "call " + strconv.Itoa(int(nr))
}
