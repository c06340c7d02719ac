package jail

import (
	"errors"
	"testing"
)

func TestParseRecord(t *testing.T) {
	const head = `6,1,2,-;audit: type=1326 audit(1795331336.280:874): auid=4294967295 uid=65534 gid=65534 ses=4294967295 `
	for s, want := range map[string]struct {
		pid  int
		name string
	}{
		head + `pid=30 comm="trustfs-worker" exe="/x" sig=31 arch=c000003e syscall=56 compat=0 ip=0x48 code=0x80000000`: {30, "clone"},
		head + `pid=31 comm=616220 exe="/x" sig=31 arch=40000003 syscall=20 compat=1 ip=0x48 code=0x80000000`:           {31, "i386 getpid"},
		head + `pid=32 comm="w" exe="/x" sig=31 arch=c000003e syscall=1073741863 compat=0 ip=0x48 code=0x80000000`:      {32, "x32 getpid"},
		head + `pid=33 comm="w" exe="/x" sig=31 arch=c000003e syscall=9999 compat=0 ip=0x48 code=0x80000000`:            {33, "call 9999"},
		head + `pid=34 comm="w" exe="/x" sig=31 arch=12 syscall=1 compat=0 ip=0x48 code=0x80000000`:                     {34, "call 1"},
	} {
		if pid, name, ok := parseRecord(s); !ok || pid != want.pid || name != want.name {
			t.Errorf("%s\ngives %d %q %v, expected %+v", s, pid, name, ok, want)
		}
	}
	for _, s := range []string{"", "6,1,2,-;something else", head, head + `pid=99999999999999999999 comm="w" exe="" sig=31 arch=c000003e syscall=1 compat=0`} {
		if pid, name, ok := parseRecord(s); ok {
			t.Errorf("%q gives %d %q", s, pid, name)
		}
	}
}

func TestViolationIsNamed(t *testing.T) {
	p := newTestPool(t, nil)
	if p.log.fd < 0 {
		t.Skip("MISSING: a readable /dev/kmsg, from which the system call's name comes")
	}
	_, err := p.Run(t.Context(), testJob(t, "attack", target{Attack: "socket AF_INET"}))
	we, ok := errors.AsType[*WorkerError](err)
	if !ok || we.Reason != ReasonViolation {
		t.Fatalf("%v, expected a violation", err)
	}
	if we.Syscall == "" {
		t.Skip("MISSING: audit records in the kernel log (auditd takes them, or they are rate-limited)")
	}
	if we.Syscall != "socket" {
		t.Errorf("killed in %q, expected socket", we.Syscall)
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add(`audit: type=1326 a pid=30 comm="x" exe="/x" sig=31 arch=c000003e syscall=56 compat=0`)
	f.Add(`audit: type=1326 a pid=30 comm=00 exe="/x" sig=31 arch=ffffffff syscall=2147483647 compat=0`)
	f.Fuzz(func(t *testing.T, s string) {
		if pid, name, ok := parseRecord(s); ok && (pid < 0 || name == "") {
			t.Fatalf("%q gives %d %q", s, pid, name)
		}
	})
}
