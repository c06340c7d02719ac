package fs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
)

// evil is what the test gate refuses to find in the first bytes of a file.
const evil = "EVIL"

// A testGate judges by the first bytes, with the real integrity package, and remembers by identity and path as the real
// gate does.
type testGate struct {
	before func(ctx context.Context, s gatekeeper.Subject) error       // called ahead of each judgement, if set
	record func(s gatekeeper.Subject, m *integrity.Manifest) (ok bool) // called for what is admitted, if set

	mu         sync.Mutex
	known      map[gateKey]*gatekeeper.Judgement
	judged     []string
	asked      int
	tampered   []string
	traversals []string
	digests    map[integrity.Digest]bool // admitted
}

type gateKey struct {
	id   integrity.Identity
	path string
}

func newTestGate() *testGate {
	return &testGate{known: map[gateKey]*gatekeeper.Judgement{}, digests: map[integrity.Digest]bool{}}
}

func (g *testGate) Judge(ctx context.Context, s gatekeeper.Subject) (*gatekeeper.Judgement, error) {
	id, err := integrity.IdentityOf(int(s.File.Fd()))
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.asked++
	j, before := g.known[gateKey{id, s.Path}], g.before
	g.mu.Unlock()
	if j != nil {
		return j, nil
	}
	if before != nil {
		if err := before(ctx, s); err != nil {
			return nil, err
		}
	}
	return g.judge(ctx, s)
}

// judge passes over the file until it holds still, as the real gate does.
func (g *testGate) judge(ctx context.Context, s gatekeeper.Subject) (*gatekeeper.Judgement, error) {
	for range 5 {
		id, err := integrity.IdentityOf(int(s.File.Fd()))
		if err != nil {
			return nil, err
		}
		m, err := integrity.Build(ctx, s.File, id.Size, nil)
		after, _ := integrity.IdentityOf(int(s.File.Fd()))
		if errors.Is(err, integrity.ErrChanged) || after != id {
			continue
		}
		if err != nil {
			return nil, err
		}
		return g.keep(s, id, m), nil
	}
	return &gatekeeper.Judgement{Report: &gatekeeper.Report{Path: s.Path, Reasons: []string{"busy"}}}, nil
}

func (g *testGate) keep(s gatekeeper.Subject, id integrity.Identity, m *integrity.Manifest) *gatekeeper.Judgement {
	r := &gatekeeper.Report{Path: s.Path, Size: id.Size, SHA256: m.Digest.String(), Verdict: gatekeeper.Allow, Level: gatekeeper.Safe}
	head := make([]byte, len(evil))
	if _, err := integrity.NewReader(s.File, m).ReadAt(head, 0); id.Size >= int64(len(evil)) && (err != nil || bytes.Equal(head, []byte(evil))) {
		r.Verdict, r.Score, r.Level, r.Reasons = gatekeeper.Deny, 165, gatekeeper.Critical, []string{"it is evil", "score 165 > 20"}
	}
	if g.record != nil && r.Verdict == gatekeeper.Allow && !g.record(s, m) {
		r.Verdict, r.Reasons = gatekeeper.Deny, []string{"it changed again"}
	}
	j := &gatekeeper.Judgement{Report: r, Identity: id, Manifest: m}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known[gateKey{id, s.Path}] = j
	g.judged = append(g.judged, s.Path)
	if r.Verdict == gatekeeper.Allow {
		g.digests[m.Digest] = true
	}
	return j
}

func (g *testGate) Tampered(path string, id integrity.Identity, err *integrity.TamperError) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.known, gateKey{id, path})
	g.tampered = append(g.tampered, path+" "+err.Expected+" "+err.Actual)
}

func (g *testGate) Traversal(path, target string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.traversals = append(g.traversals, path+" -> "+target)
}

func (g *testGate) judgements() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.judged...)
}

// hold sets what is called ahead of each judgement.
func (g *testGate) hold(f func(context.Context, gatekeeper.Subject) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before = f
}

// told gives what the gate was told of.
func (g *testGate) told() (tampered, traversals []string, asked int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.tampered), slices.Clone(g.traversals), g.asked
}

// A rig is a directory with a mount of it.
type rig struct {
	t    *testing.T
	dir  string // the backing directory
	mnt  string
	gate *testGate
	srv  *Server
	log  *lockedBuffer
	fds  int // descriptors of /dev/fuse before the mount
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// needMount skips, loudly, where nothing can be mounted.
func needMount(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root: real mounts")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("SKIPPED: needs /dev/fuse: ", err)
	}
}

// newRig mounts a fresh directory elsewhere; change may alter the options first.
func newRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	needMount(t)
	return newRigIn(t, t.TempDir(), change...)
}

// newRigIn makes the directory in base.
func newRigIn(t *testing.T, base string, change ...func(*Options)) *rig {
	t.Helper()
	for _, d := range []string{base, filepath.Dir(base)} { // other users must get as far as the mount
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := &rig{t: t, dir: filepath.Join(base, "models"), mnt: filepath.Join(base, "mnt"), gate: newTestGate(), log: &lockedBuffer{},
		fds: len(openBelow("/dev/fuse"))}
	for _, d := range []string{r.dir, r.mnt} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{Dir: r.dir, Mountpoint: r.mnt, Gate: r.gate, Log: slog.New(slog.NewTextHandler(r.log, nil))}
	for _, f := range change {
		f(&o)
	}
	srv, err := Mount(o)
	if err != nil {
		t.Fatal(err)
	}
	r.srv, r.mnt = srv, srv.Mountpoint()
	t.Cleanup(r.close)
	return r
}

// tmpfs gives a directory on a filesystem whose timestamps do not see stores into mappings.
func tmpfs(t *testing.T) string {
	t.Helper()
	needMount(t)
	base := filepath.Join(t.TempDir(), "tmpfs")
	if err := os.Mkdir(base, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("trustfs-test", base, "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(base, 0); err != nil {
			t.Error("unmounting the tmpfs: ", err)
		}
	})
	return base
}

// close unmounts, and fails the test if anything is left: a reader, a mount, a descriptor of the backing directory.
func (r *rig) close() {
	busy, err := r.srv.Close()
	if err != nil || busy {
		r.t.Errorf("closing %s: busy %v, %v, %d files open", r.mnt, busy, err, r.srv.OpenFiles())
	}
	table, _ := os.ReadFile("/proc/self/mountinfo")
	if strings.Contains(string(table), " "+r.mnt+" ") {
		r.t.Errorf("%s is still mounted", r.mnt)
		_ = unix.Unmount(r.mnt, unix.MNT_DETACH)
	}
	left := openBelow(r.dir)
	for i := 0; len(left) > 0 && i < 100; i++ { // a judgement whose opener has gone may be ending
		time.Sleep(10 * time.Millisecond)
		left = openBelow(r.dir)
	}
	if len(left) > 0 {
		r.t.Errorf("descriptors left open: %v", left)
	}
	if now := len(openBelow("/dev/fuse")); !busy && now != r.fds {
		r.t.Errorf("%d descriptors of /dev/fuse, %d before", now, r.fds)
	}
	if r.t.Failed() {
		r.t.Logf("log:\n%s", r.log)
	}
}

// openBelow lists this process's descriptors of what lies in dir.
func openBelow(dir string) (left []string) {
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, e := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && (to == dir || strings.HasPrefix(to, dir+"/")) {
			left = append(left, to)
		}
	}
	return left
}

// put writes a backing file, and makes its folders.
func (r *rig) put(name, content string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
	return path
}

func (r *rig) in(name string) string { return filepath.Join(r.mnt, name) }

func (r *rig) read(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(r.in(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// wantErrno fails unless err is exactly that errno.
func wantErrno(t testing.TB, what string, err error, want unix.Errno) {
	t.Helper()
	got, _ := errors.AsType[unix.Errno](err)
	if got != want {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// eventually waits for something that has no event to wait for.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for range 500 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: not within five seconds", what)
}

// readFileRaw reads with plain system calls, and gives the first error.
func readFileRaw(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var all []byte
	buf := make([]byte, 1<<17)
	for {
		n, err := unix.Read(fd, buf)
		if n <= 0 || err != nil {
			return all, err
		}
		all = append(all, buf[:n]...)
	}
}
