package fs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
)

func getxattr(path, name string) (string, error) {
	buf := make([]byte, maxXattr)
	n, err := unix.Lgetxattr(path, name, buf)
	return string(buf[:max(n, 0)]), err
}

func TestVerdictXattrs(t *testing.T) {
	r := newRig(t)
	r.put("good.pt", "weights")
	path := r.put("d/evil.pt", evil)
	if err := unix.Setxattr(path, "user.trustfs.verdict", []byte("allow"), 0); err != nil {
		t.Skip("SKIPPED: the filesystem under the temporary directory has no user attributes: ", err)
	}
	for _, c := range []struct{ file, name, want string }{
		{"d/evil.pt", "verdict", "deny"}, {"d/evil.pt", "level", "CRITICAL"}, {"d/evil.pt", "score", "165"},
		{"d/evil.pt", "reasons", "it is evil\nscore 165 > 20"}, {"good.pt", "verdict", "allow"}, {"good.pt", "reasons", ""},
		{"good.pt", "sha256", "4bd4c00db55dca5cf2da25cbfbe37cf59a2dbd05ff9b2d1a8dd4a54b93a3ec6b"},
	} {
		got, err := getxattr(r.in(c.file), "user.trustfs."+c.name)
		if c.name == "sha256" {
			if len(got) != 64 {
				t.Errorf("%s %s: %q", c.file, c.name, got)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s %s: %q, %v, want %q", c.file, c.name, got, err, c.want)
		}
	}
	got, err := getxattr(r.in("d/evil.pt"), "user.trustfs.report")
	var report gatekeeper.Report
	if err != nil || json.Unmarshal([]byte(got), &report) != nil || report.Path != "d/evil.pt" || report.Score != 165 {
		t.Errorf("report: %q, %v", got, err)
	}
	for _, name := range []string{"user.trustfs.nonsense", "user.trustfs."} {
		_, err := getxattr(r.in("good.pt"), name)
		wantErrno(t, name, err, unix.ENODATA)
	}
	_, err = getxattr(r.in("d"), "user.trustfs.verdict")
	wantErrno(t, "verdict of a folder", err, unix.ENODATA)
	_, err = unix.Getxattr(r.in("good.pt"), "user.trustfs.verdict", make([]byte, 2))
	wantErrno(t, "no room", err, unix.ERANGE)
	if n, err := unix.Getxattr(r.in("good.pt"), "user.trustfs.verdict", nil); n != 5 || err != nil {
		t.Errorf("size: %d, %v", n, err)
	}
}

func TestForeignXattrs(t *testing.T) {
	r := newRig(t)
	path := r.put("f", "x")
	large := strings.Repeat("v", 2000)
	for name, value := range map[string]string{
		"user.mine": "m", "user.large": large, "user.trustfs.score": "0", "trusted.trustfs.seal": "s", "trusted.other": "o",
		"security.trustfstest": "c",
	} {
		if err := unix.Setxattr(path, name, []byte(value), 0); err != nil {
			t.Skip("SKIPPED: the filesystem under the temporary directory has no such attributes: ", name, err)
		}
	}
	buf := make([]byte, 4096)
	n, err := unix.Listxattr(r.in("f"), buf)
	list := strings.FieldsFunc(string(buf[:max(n, 0)]), func(c rune) bool { return c == 0 })
	slices.Sort(list)
	if err != nil || !slices.Equal(list, []string{"user.large", "user.mine"}) {
		t.Errorf("listed %q, %v", list, err)
	}
	if got, err := getxattr(r.in("f"), "user.mine"); got != "m" || err != nil {
		t.Errorf("user.mine: %q, %v", got, err)
	}
	if got, err := getxattr(r.in("f"), "user.large"); got != large || err != nil {
		t.Errorf("user.large: %d bytes, %v", len(got), err)
	}
	for _, name := range []string{"trusted.trustfs.seal", "trusted.other", "security.trustfstest", "security.capability", "user.none"} {
		_, err := getxattr(r.in("f"), name)
		wantErrno(t, name, err, unix.ENODATA)
	}
	if len(r.gate.judgements()) != 0 {
		t.Error("attributes that are not trustfs's own were judged for")
	}
}

func TestControlDirectory(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Status = func() []byte { return []byte(`{"ok":true}`) } })
	r.put("good.pt", "weights")
	r.put("d/evil.pt", evil)
	r.put("d/x.json", "{}")
	r.put(".trustfs/report/forged.json", "masked")
	r.link("d/evil.pt", "alias.pt")
	if err := unix.Mkfifo(filepath.Join(r.dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := r.names(""); !slices.Equal(got, []string{"alias.pt", "d", "good.pt", "pipe"}) {
		t.Errorf("root lists %v", got)
	}
	if got := r.names(".trustfs"); !slices.Equal(got, []string{"report", "status.json"}) {
		t.Errorf(".trustfs lists %v", got)
	}
	if got := r.names(".trustfs/report"); !slices.Equal(got, []string{"alias.pt.json", "d", "good.pt.json"}) {
		t.Errorf("reports list %v", got)
	}
	if got := r.names(".trustfs/report/d"); !slices.Equal(got, []string{"evil.pt.json", "x.json.json"}) {
		t.Errorf("reports of d list %v", got)
	}
	if len(r.gate.judgements()) != 0 {
		t.Error("a listing judged")
	}
	for name, path := range map[string]string{"d/evil.pt.json": "d/evil.pt", "alias.pt.json": "d/evil.pt", "good.pt.json": "good.pt",
		"d/x.json.json": "d/x.json"} {
		var report gatekeeper.Report
		b, err := readFileRaw(r.in(".trustfs/report/" + name))
		if err != nil || json.Unmarshal(b, &report) != nil || report.Path != path || report.SHA256 == "" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if got := r.read(".trustfs/status.json"); got != `{"ok":true}` {
		t.Errorf("status: %q", got)
	}
	for _, name := range []string{"forged.json", "absent.json", "pipe.json", ".trustfs", ".trustfs.json", "good.pt"} {
		_, err := readFileRaw(r.in(".trustfs/report/" + name))
		wantErrno(t, "report/"+name, err, unix.ENOENT)
	}
}

func (r *rig) names(dir string) (names []string) {
	r.t.Helper()
	entries, err := os.ReadDir(r.in(dir))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Reports carry the rights of what they are about: who may not read a file, or not reach it, is told nothing.
func TestReportsKeepRights(t *testing.T) {
	r := newRig(t)
	secret := r.put("open/secret.pt", "weights")
	r.put("closed/file.pt", "weights")
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(r.dir, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"open/secret.pt", ".trustfs/report/open/secret.pt.json", "closed/file.pt",
		".trustfs/report/closed/file.pt.json", ".trustfs/status.json"} {
		if out, err := asNobody("cat", r.in(name)); err == nil {
			t.Errorf("nobody reads %s: %q", name, out)
		}
	}
	if out, err := asNobody("getfattr", "-n", "user.trustfs.sha256", r.in("open/secret.pt")); err == nil {
		t.Errorf("nobody is told of a file that he may not read: %q", out)
	}
	if n := len(r.gate.judgements()); n != 0 {
		t.Errorf("nobody had %d files judged", n)
	}
	r.put("open/plain.pt", "weights")
	if out, err := asNobody("cat", r.in(".trustfs/report/open/plain.pt.json")); err != nil || !strings.Contains(out, `"allow"`) {
		t.Errorf("nobody cannot read the report of a file that he may read: %q, %v", out, err)
	}
}
