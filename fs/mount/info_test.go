package mount

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const table = `22 27 0:21 / /proc rw,relatime - proc proc rw
36 35 98:0 /mnt1 /mnt/a\040b rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue
42 27 0:39 / /mnt/x\134\011y ro,nosuid - fuse.trustfs trustfs ro,user_id=0
`
	got, err := parse(strings.NewReader(table))
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	want := []Info{
		{22, 27, "0:21", "/", "/proc", "proc", "proc", "rw"},
		{36, 35, "98:0", "/mnt1", "/mnt/a b", "ext3", "/dev/root", "rw,errors=continue"},
		{42, 27, "0:39", "/", "/mnt/x\\\ty", "fuse.trustfs", "trustfs", "ro,user_id=0"},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	for _, bad := range []string{"x", "1 2 3 - a b c", "x 27 0:1 / / rw - a b c", "1 2 0:1 / / rw a b c"} {
		if _, err := parse(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{"": "", `a`: "a", `\040`: " ", `\`: `\`, `\04`: `\04`, `\999`: `\999`, `\134040`: `\040`, `a\012`: "a\n"} {
		if got := unescape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// This process's own table must be readable, and hold the root.
func TestList(t *testing.T) {
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Point == "/" {
			return
		}
	}
	t.Error("no mount at /")
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"22 27 0:21 / /proc rw,relatime - proc proc rw", `1 2 0:1 / /\040 rw shared:1 - a b c`, " - "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if info, err := parseLine(line); err == nil && (info.Device == "" && !strings.Contains(line, "  ")) {
			t.Errorf("%q parsed as %+v", line, info)
		}
	})
}
