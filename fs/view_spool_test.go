package fs

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/formats"
	"trustfs/gatekeeper"
	"trustfs/gatekeeper/spool"
	"trustfs/integrity"
	"trustfs/provenance"
	"trustfs/views"
)

// A packer is a clerk that inflates, in this process.
type packer struct {
	clerk
	inflations atomic.Int32
	ended      atomic.Int32  // of these, by their contexts
	wait       chan struct{} // inflations wait for it after their first bytes, if set
	fail       error         // and end with it, if set
}

func (p *packer) Inflate(ctx context.Context, f *os.File, m *integrity.Manifest, members []views.Member, w io.Writer) error {
	p.inflations.Add(1)
	p.mu.Lock()
	wait, fail := p.wait, p.fail
	p.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			p.ended.Add(1)
			return ctx.Err()
		}
	}
	if fail != nil {
		_, _ = w.Write([]byte("some bytes that must not be seen"))
		return fail
	}
	return views.Inflate(w, integrity.NewReader(f, m), members, formats.Budget{})
}

func (p *packer) failing(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

// spoolRig is a rig whose gate inflates into at most max bytes.
func spoolRig(t *testing.T, max int64) (*rig, *packer, string) {
	t.Helper()
	p := &packer{}
	dir := filepath.Join(t.TempDir(), "spool")
	r := newRig(t, func(o *Options) {
		examiner, err := provenance.New(provenance.Options{Root: o.Dir})
		if err != nil {
			t.Fatal(err)
		}
		gate, err := gatekeeper.New(gatekeeper.Config{Profile: gatekeeper.ProfileContent, MaxScore: 20, Analyst: p, Viewer: p,
			Examiner: examiner, Log: slog.New(o.Log.Handler())})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gate.Close)
		room := spool.New(dir, max)
		t.Cleanup(room.Close)
		gate.UseSpool(room)
		o.Gate, o.Views = gate, ViewsBeside
	})
	return r, p, dir
}

// packedFile is a torch file whose members were deflated, and its view.
func packedFile(t *testing.T, start float32) (source, view string) {
	t.Helper()
	plain := torchFile(start)
	r, err := zip.NewReader(bytes.NewReader(plain), int64(len(plain)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		member, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate})
		if err == nil {
			_, err = io.Copy(member, in)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String(), wantView(t, plain)
}

// spoolFiles are this process's descriptors of what was inflated in dir: the files have no names.
func spoolFiles(dir string) (paths []string) {
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, e := range fds {
		path := "/proc/self/fd/" + e.Name()
		if to, err := os.Readlink(path); err == nil && strings.HasPrefix(to, dir+"/") {
			paths = append(paths, path)
		}
	}
	return paths
}

func TestViewOfACompressedSource(t *testing.T) {
	r, p, dir := spoolRig(t, 1<<20)
	source, want := packedFile(t, 0)
	r.put("a.pt", source)
	st := statOf(t, r.in("a.safetensors"))
	if st.Size != int64(len(want)) || p.inflations.Load() != 0 || len(spoolFiles(dir)) != 0 {
		t.Errorf("%d bytes, expected %d; inflated %d times for a look", st.Size, len(want), p.inflations.Load())
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if b, err := os.ReadFile(r.in("a.safetensors")); err != nil || string(b) != want {
				t.Errorf("%d bytes, %v", len(b), err)
			}
		})
	}
	wg.Wait()
	if got := r.read("a.safetensors"); got != want || p.inflations.Load() != 1 {
		t.Errorf("%d bytes, inflated %d times", len(got), p.inflations.Load())
	}
	r.put("copy.pt", source) // the same bytes elsewhere
	if got := r.read("copy.safetensors"); got != want || p.inflations.Load() != 1 || len(spoolFiles(dir)) != 1 {
		t.Errorf("%d bytes, inflated %d times, %d files", len(got), p.inflations.Load(), len(spoolFiles(dir)))
	}
	buf := make([]byte, 64)
	sum, err := integrity.Build(t.Context(), strings.NewReader(want), int64(len(want)), nil)
	if n, err2 := unix.Getxattr(r.in("a.safetensors"), "user.trustfs.sha256", buf); err != nil || err2 != nil || string(buf[:n]) != sum.Digest.String() {
		t.Errorf("the digest: %q, %v", buf[:max(n, 0)], err2)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("names in the spool: %v, %v", names, err)
	}
}

// Inflated bytes that are changed on the disk give EIO, and the next open inflates afresh. The source is not blamed.
func TestSpoolChangedOnTheDisk(t *testing.T) {
	r, p, dir := spoolRig(t, 1<<20)
	source, want := packedFile(t, 0)
	r.put("a.pt", source)
	f, err := os.Open(r.in("a.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files := spoolFiles(dir)
	if len(files) != 1 {
		t.Fatalf("%d files are inflated", len(files))
	}
	part := make([]byte, 1000)
	disk, err := os.OpenFile(files[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disk.WriteAt([]byte("changed"), 200_000); err != nil {
		t.Fatal(err)
	}
	disk.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	_, err = f.ReadAt(part, 200_000)
	wantErrno(t, "a read of what was changed, past the page cache", err, unix.EIO)
	if !strings.Contains(r.log.String(), "msg=model.tampered path=a.safetensors") {
		t.Errorf("the log does not say it: %s", r.log)
	}
	eventually(t, "the view, inflated afresh", func() bool {
		b, err := readFileRaw(r.in("a.safetensors"))
		return err == nil && string(b) == want
	})
	if p.inflations.Load() != 2 || p.analyses() != 1 {
		t.Errorf("inflated %d times, judged %d times", p.inflations.Load(), p.analyses())
	}
}

// What is open stays while others make room for one another; what does not fit is refused, and nothing is shown of it.
func TestSpoolWithoutRoom(t *testing.T) {
	r, p, dir := spoolRig(t, 800_000) // two of about 361,000 bytes
	var want [3]string
	for i := range want {
		var source string
		source, want[i] = packedFile(t, float32(i))
		r.put(string(rune('a'+i))+".pt", source)
	}
	first, err := os.Open(r.in("a.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for _, name := range []string{"b", "c", "b"} { // each as soon as the kernel has told of the close before it
		eventually(t, name+" has room and reads as it should", func() bool {
			b, err := readFileRaw(r.in(name + ".safetensors"))
			return err == nil && string(b) == want[name[0]-'a']
		})
	}
	var second *os.File
	eventually(t, "c has room again", func() bool {
		second, err = os.Open(r.in("c.safetensors"))
		return err == nil
	})
	_, err = readFileRaw(r.in("b.safetensors"))
	wantErrno(t, "a third while two are open", err, unix.ENOSPC)
	if log := r.log.String(); !strings.Contains(log, "are held by open views; close some of them, or raise views-spool") || !strings.Contains(log, "msg=view.no_room path=b.safetensors") {
		t.Errorf("the log does not say why: %s", log)
	}
	_, err = unix.Getxattr(r.in("b.safetensors"), "user.trustfs.sha256", make([]byte, 64))
	wantErrno(t, "its digest", err, unix.ENOSPC)
	if got, err := io.ReadAll(first); err != nil || string(got) != want[0] {
		t.Errorf("what was open all the time: %d bytes, %v", len(got), err)
	}
	second.Close()
	eventually(t, "there is room again", func() bool {
		b, err := readFileRaw(r.in("b.safetensors"))
		return err == nil && string(b) == want[1]
	})
	if n := len(spoolFiles(dir)); n != 2 || p.inflations.Load() != 6 {
		t.Errorf("%d files, inflated %d times", n, p.inflations.Load())
	}
}

// A worker that dies while it inflates refuses that open; nothing of it stays, and the next one succeeds.
func TestInflationThatFails(t *testing.T) {
	r, p, dir := spoolRig(t, 1<<20)
	source, want := packedFile(t, 0)
	r.put("a.pt", source)
	p.failing(errors.New("jailed worker (inflate): killed by SIGKILL"))
	_, err := readFileRaw(r.in("a.safetensors"))
	wantErrno(t, "the open", err, unix.EACCES)
	if !strings.Contains(r.log.String(), "killed by SIGKILL") || len(spoolFiles(dir)) != 0 {
		t.Errorf("%d files left; log: %s", len(spoolFiles(dir)), r.log)
	}
	p.failing(nil)
	if got := r.read("a.safetensors"); got != want {
		t.Error("the next open reads something else")
	}
	// A source that does not hold what it says is refused once, and has no view from then on.
	source, _ = packedFile(t, 1)
	r.put("b.pt", source)
	p.failing(&gatekeeper.NoViewError{Reason: "no view: CRC mismatch"})
	_, err = readFileRaw(r.in("b.safetensors"))
	wantErrno(t, "a source that lies", err, unix.EACCES)
	if !strings.Contains(r.log.String(), "msg=view.none path=b.safetensors") {
		t.Errorf("the log: %s", r.log)
	}
}

// A signal ends the wait for an inflation, which goes on as long as the one who waited may come again.
func TestInterruptedInflation(t *testing.T) {
	r, p, dir := spoolRig(t, 1<<20)
	p.mu.Lock()
	p.wait = make(chan struct{})
	p.mu.Unlock()
	source, want := packedFile(t, 0)
	r.put("a.pt", source)
	reader := startChild(t, "open-and-stay", r.in("a.safetensors"))
	tid := reader.tid(t)
	eventually(t, "the inflation begins", func() bool { return p.inflations.Load() == 1 })
	if err := unix.Tgkill(reader.cmd.Process.Pid, tid, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got := reader.line(); got != "result: interrupted system call" {
		t.Errorf("the reader got %q", got)
	}
	time.Sleep(3 * pendingPoll)
	if n := p.ended.Load(); n != 0 {
		t.Errorf("%d inflations ended with the wait", n)
	}
	close(p.wait)
	if got := r.read("a.safetensors"); got != want || p.inflations.Load() != 1 {
		t.Errorf("%d bytes, inflated %d times", len(got), p.inflations.Load())
	}
	eventually(t, "nobody holds the content", func() bool { return len(spoolFiles(dir)) == 1 })
}

// A source that is written while it is inflated gives EIO, and the next open the view of what it has become.
func TestSourceWrittenWhileItIsInflated(t *testing.T) {
	r, p, dir := spoolRig(t, 1<<20)
	hold := make(chan struct{})
	p.mu.Lock()
	p.wait = hold
	p.mu.Unlock()
	source, _ := packedFile(t, 0)
	path := r.put("a.pt", source)
	opened := make(chan error, 1)
	go func() { _, err := readFileRaw(r.in("a.safetensors")); opened <- err }()
	eventually(t, "the inflation begins", func() bool { return p.inflations.Load() == 1 })
	other, want := packedFile(t, 1)
	if err := os.WriteFile(path, []byte(other), 0o644); err != nil {
		t.Fatal(err)
	}
	close(hold)
	wantErrno(t, "the open", <-opened, unix.EIO)
	if !strings.Contains(r.log.String(), "msg=model.tampered path=a.pt ") || len(spoolFiles(dir)) != 0 {
		t.Errorf("%d files are left; log: %s", len(spoolFiles(dir)), r.log)
	}
	eventually(t, "the view of the new source", func() bool {
		b, err := readFileRaw(r.in("a.safetensors"))
		return err == nil && string(b) == want
	})
}

// A tensor that has to be gathered is gathered from what was inflated.
func TestGatheredFromTheSpool(t *testing.T) {
	r, _, _ := spoolRig(t, 1<<20)
	fortran := "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"
	fortran += strings.Repeat(" ", 127-len(fortran)) + "\n"
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	m, err := w.CreateHeader(&zip.FileHeader{Name: "x.npy", Method: zip.Deflate})
	if err == nil {
		_, err = io.WriteString(m, fortran+"AAAAaaaaBBBBbbbbCCCCcccc")
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	r.put("x.npz", out.String())
	if got := r.read("x.safetensors"); !strings.HasSuffix(got, "AAAABBBBCCCCaaaabbbbcccc") {
		t.Errorf("%q", got)
	}
}

// A file that no longer has room anywhere: its report says so by not being there, and its source stays readable.
func TestTooLargeForTheSpool(t *testing.T) {
	r, p, _ := spoolRig(t, 1000)
	source, _ := packedFile(t, 0)
	r.put("a.pt", source)
	_, err := os.Stat(r.in("a.safetensors"))
	wantErrno(t, "a view that fits nowhere", err, unix.ENOENT)
	if !strings.Contains(r.log.String(), "views-spool allows 1000") || p.inflations.Load() != 0 {
		t.Errorf("the log: %s", r.log)
	}
	if r.read("a.pt") != source {
		t.Error("the source differs")
	}
}

// Where a signature is required, a view without one is refused at the first look, and its report says why.
func TestViewWithoutARequiredSignature(t *testing.T) {
	p := &packer{}
	r := newRig(t, func(o *Options) {
		examiner, err := provenance.New(provenance.Options{Root: o.Dir})
		if err != nil {
			t.Fatal(err)
		}
		gate, err := gatekeeper.New(gatekeeper.Config{MaxScore: 20, Analyst: p, Viewer: p, Examiner: examiner, Log: slog.New(o.Log.Handler()),
			Require: provenance.Requirements{Signature: true}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gate.Close)
		o.Gate, o.Views = gate, ViewsBeside
	})
	r.put("a.pt", string(torchFile(0)))
	_, err := os.Stat(r.in("a.safetensors"))
	wantErrno(t, "a look", err, unix.EACCES)
	var report gatekeeper.Report
	if err := json.Unmarshal([]byte(r.read(".trustfs/report/a.safetensors.json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Verdict != gatekeeper.Deny || report.Facts.ViewOf != "a.pt" || !strings.Contains(strings.Join(report.Reasons, ""), "signature") {
		t.Errorf("%+v", report)
	}
}
