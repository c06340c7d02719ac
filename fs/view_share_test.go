package fs

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A holder is a process of another user that has a file open.
type holder struct {
	t     *testing.T
	input io.WriteCloser
	lines *bufio.Scanner
	cmd   *exec.Cmd
}

func holdAs(t *testing.T, uid, path string) *holder {
	t.Helper()
	h := &holder{t: t, cmd: exec.Command("setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--",
		"sh", "-c", `exec 3<"$1" && echo open && read line`, "sh", path)}
	out, err := h.cmd.StdoutPipe()
	if err == nil {
		h.input, err = h.cmd.StdinPipe()
	}
	if err == nil {
		err = h.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	h.lines = bufio.NewScanner(out)
	if h.lines.Scan(); h.lines.Text() != "open" {
		t.Fatalf("user %s cannot open %s", uid, path)
	}
	t.Cleanup(h.close)
	return h
}

func (h *holder) close() {
	h.input.Close()
	_ = h.cmd.Wait()
}

// One user who holds what he can get leaves half of the room to the others, whether he was the first to open it or not.
func TestOneReaderKeepsNobodyOut(t *testing.T) {
	r, p, _ := spoolRig(t, 1_500_000) // four of about 361,000 bytes; half of it is room for two
	var want [5]string
	for i := range want {
		var source string
		source, want[i] = packedFile(t, float32(i))
		r.put(string(rune('a'+i))+".pt", source)
	}
	a := holdAs(t, nobody, r.in("a.safetensors"))
	holdAs(t, nobody, r.in("b.safetensors"))
	out, err := asUser(nobody, "", "cat", r.in("c.safetensors"))
	if err == nil || !strings.Contains(out, "No space left on device") {
		t.Errorf("a third: %v, %d bytes", err, len(out))
	}
	if log := r.log.String(); !strings.Contains(log, "msg=view.no_room path=c.safetensors") || !strings.Contains(log, "for user "+nobody) {
		t.Errorf("the log does not say why: %s", log)
	}
	const other = "54321"
	c := holdAs(t, other, r.in("c.safetensors"))
	if out, err := asUser(other, "", "cat", r.in("d.safetensors")); err != nil || out != want[3] {
		t.Errorf("the other user's second: %d bytes, %v", len(out), err)
	}
	// What both have open counts for both: the second of them outlasts the first.
	c.close()
	eventually(t, "the other has closed what it had", func() bool { return r.srv.tree.handles.open() == 2 })
	shared := holdAs(t, other, r.in("a.safetensors"))
	a.close()
	eventually(t, "the first has closed what he shared", func() bool { return r.srv.tree.handles.open() == 2 })
	if out, err := asUser(nobody, "", "cat", r.in("c.safetensors")); err != nil || out != want[2] {
		t.Errorf("what another user holds counts for the first: %d bytes, %v", len(out), err)
	}
	if out, err := asUser(other, "", "cat", r.in("a.safetensors")); err != nil || out != want[0] {
		t.Errorf("what is left to the other: %d bytes, %v", len(out), err)
	}
	shared.close()
	if got := r.read("e.safetensors"); got != want[4] || p.analyses() != 5 {
		t.Errorf("%d bytes, judged %d times", len(got), p.analyses())
	}
}

// An inflation ends with the last who wanted it, however he went, and leaves nothing.
func TestInflationEndsWithItsOpener(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGKILL, unix.SIGTERM} {
		r, p, dir := spoolRig(t, 1<<20)
		p.mu.Lock()
		p.wait = make(chan struct{})
		p.mu.Unlock()
		source, want := packedFile(t, 0)
		r.put("a.pt", source)
		first := startChild(t, "open", r.in("a.safetensors"))
		eventually(t, "the inflation begins", func() bool { return p.inflations.Load() == 1 })
		second := startChild(t, "open", r.in("a.safetensors"))
		second.tid(t)
		eventually(t, "another waits", func() bool { return r.waitingForWork() == 1 })
		for i, c := range []*child{first, second} {
			if err := c.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = c.cmd.Wait()
			if i == 0 && len(spoolFiles(dir)) != 1 {
				t.Errorf("%v: it ended while somebody waits", sig)
			}
		}
		eventually(t, "the inflation ends", func() bool { return p.ended.Load() == 1 })
		eventually(t, "nothing is left", func() bool { running, _ := r.inQueue(); return len(spoolFiles(dir)) == 0 && running == 0 })
		close(p.wait)
		if got := r.read("a.safetensors"); got != want || p.inflations.Load() != 2 {
			t.Errorf("%v: %d bytes, inflated %d times", sig, len(got), p.inflations.Load())
		}
	}
}

// waitingForWork counts those who wait for what runs already.
func (r *rig) waitingForWork() (n int) {
	u := &r.srv.tree.underWay
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, run := range u.runs {
		n += run.waiting
	}
	return n
}

// Without a folder to inflate into, what is not compressed is shown as ever, and what is compressed says what is wrong.
func TestSpoolFolderOfAnother(t *testing.T) {
	r, _, dir := spoolRig(t, 1<<20)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	source, want := packedFile(t, 0)
	plain := string(torchFile(1))
	r.put("a.pt", source)
	r.put("b.pt", plain)
	_, err := readFileRaw(r.in("a.safetensors"))
	wantErrno(t, "a view that is inflated", err, unix.EACCES)
	if !strings.Contains(r.log.String(), "with mode 0755; expected uid 0 and 0700") {
		t.Errorf("the log does not say why: %s", r.log)
	}
	if got := r.read("b.safetensors"); got != wantView(t, torchFile(1)) {
		t.Errorf("a view of stored members: %d bytes", len(got))
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := r.read("a.safetensors"); got != want {
		t.Errorf("afterwards: %d bytes", len(got))
	}
}
