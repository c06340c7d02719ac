package fs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/fs/mount"
)

func overItself(o *Options) {
	o.Mountpoint = ""
	o.RunDir = filepath.Join(filepath.Dir(o.Dir), "run")
}

func TestOverItself(t *testing.T) {
	r := newRig(t, overItself)
	if r.srv.Mountpoint() != r.dir {
		t.Fatal("mounted elsewhere:", r.srv.Mountpoint())
	}
	backing := r.srv.Backing()
	if err := os.WriteFile(filepath.Join(backing, "m"), []byte("weights"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := r.read("m"); got != "weights" {
		t.Errorf("read %q", got)
	}
	if err := os.WriteFile(r.in("x"), nil, 0o644); !errors.Is(err, unix.EROFS) {
		t.Errorf("writing through the mount: %v", err)
	}
	if st, err := os.Stat(r.srv.RunDir()); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("run directory: %v, %v", st.Mode(), err)
	}
	if out, err := asNobody("ls", backing); err == nil {
		t.Errorf("nobody reaches the real directory: %q", out)
	}
	if busy, err := r.srv.Close(); busy || err != nil {
		t.Fatal(busy, err)
	}
	if got := r.read("m"); got != "weights" {
		t.Errorf("read %q from the bare directory", got)
	}
	if entries, err := os.ReadDir(backing); err != nil || len(entries) != 0 {
		t.Errorf("the way to the real directory is left: %v, %v", entries, err)
	}
}

func TestWhatCannotBeMounted(t *testing.T) {
	r := newRig(t)
	file := r.put("file", "")
	base := filepath.Dir(r.dir)
	other := filepath.Join(base, "other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	gate := newTestGate()
	for what, c := range map[string]struct {
		o    Options
		want string
	}{
		"no gate":                 {Options{Dir: r.dir}, "no gate"},
		"no directory":            {Options{Gate: gate}, "no directory"},
		"missing":                 {Options{Gate: gate, Dir: base + "/absent"}, "no such file"},
		"a file":                  {Options{Gate: gate, Dir: file}, "not a directory"},
		"missing mountpoint":      {Options{Gate: gate, Dir: r.dir, Mountpoint: base + "/absent"}, "no such file"},
		"file as mountpoint":      {Options{Gate: gate, Dir: r.dir, Mountpoint: file}, "not a directory"},
		"a mount of ours":         {Options{Gate: gate, Dir: other, Mountpoint: r.mnt}, "already served by trustfs"},
		"a mount of ours as tree": {Options{Gate: gate, Dir: r.mnt, Mountpoint: other}, "already served by trustfs"},
		"contradiction":           {Options{Gate: gate, Dir: r.dir, OwnerOnly: true, AllowOther: true}, "contradict"},
	} {
		s, err := Mount(c.o)
		if err == nil {
			_, _ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", what, err, c.want)
		}
	}
}

func TestTreeIsServedOnce(t *testing.T) {
	run := t.TempDir()
	r := newRig(t, func(o *Options) { o.RunDir = run })
	second := filepath.Join(filepath.Dir(r.dir), "second")
	if err := os.Mkdir(second, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Mount(Options{Dir: r.dir, Mountpoint: second, Gate: newTestGate(), RunDir: run})
	if !errors.Is(err, ErrBusy) {
		t.Errorf("a second mount of the tree: %v", err)
	}
	id, err := TreeID(r.dir + "/../models/")
	if err != nil || id != r.srv.TreeID() || len(id) != 16 {
		t.Errorf("tree id %q, %v, want %q", id, err, r.srv.TreeID())
	}
}

func TestBusyUnmountIsLazy(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Grace = 10 * time.Millisecond })
	r.put("m", strings.Repeat("x", 1<<20))
	fd, err := unix.Open(r.in("m"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	busy, err := r.srv.Close()
	if !busy || err != nil {
		t.Errorf("busy %v, %v", busy, err)
	}
	if names := r.names(""); len(names) != 0 {
		t.Errorf("still there: %v", names)
	}
	buf := make([]byte, 1<<20)
	if n, err := unix.Pread(fd, buf, 0); n != 1<<20 || err != nil {
		t.Errorf("the open file: %d bytes, %v", n, err)
	}
	unix.Close(fd)
	r.srv.Wait()
}

// A daemon that ends while a reader has a file open leaves no way to the real directory, and the next one's stays.
func TestBusyCloseLeavesNoBacking(t *testing.T) {
	r := newRig(t, overItself, func(o *Options) { o.Grace = 10 * time.Millisecond })
	backing := r.srv.Backing()
	if err := os.WriteFile(filepath.Join(backing, "m"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(r.in("m"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if busy, err := r.srv.Close(); !busy || err != nil {
		t.Fatalf("busy %v, %v", busy, err)
	}
	if at := mountsAt(t, backing); len(at) != 0 {
		t.Errorf("left: %+v", at)
	}
	next, err := Mount(Options{Dir: r.dir, Gate: newTestGate(), RunDir: r.srv.opts.RunDir})
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	r.srv.Wait()
	if at := mountsAt(t, backing); len(at) != 1 {
		t.Errorf("the end of the daemon before took the way of the next one: %+v", at)
	}
	if busy, err := next.Close(); busy || err != nil {
		t.Error(busy, err)
	}
}

// Unmounting what a killed daemon has left takes its way to the real directory off too; a living daemon keeps its own.
func TestUnmountClearsUpAfterTheDead(t *testing.T) {
	needMount(t)
	base := t.TempDir()
	run := filepath.Join(base, "run")
	backings := map[string]string{}
	children := map[string]*child{}
	for _, name := range []string{"dead", "living"} {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		backings[name] = filepath.Join(run, idOfPath(dir), "backing")
		t.Cleanup(func() { _, _ = Unmount(dir); _ = mount.Unbind(backings[name]) })
		children[name] = startChild(t, "serve", dir, run)
		if got := children[name].line(); got != "serving" {
			t.Fatal("the child says ", got)
		}
		if len(mountsAt(t, backings[name])) != 1 {
			t.Fatal("no way to the real directory")
		}
	}
	if err := children["dead"].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = children["dead"].cmd.Wait()
	if busy, err := unmount(filepath.Join(base, "dead"), run); busy || err != nil {
		t.Fatal(busy, err)
	}
	for name, want := range map[string]int{"dead": 0, "living": 1} {
		if at := mountsAt(t, backings[name]); len(at) != want {
			t.Errorf("%s: %d ways to the real directory, want %d", name, len(at), want)
		}
	}
	if cleared, err := clearUp(run, filepath.Join(base, "living")); cleared || err != nil {
		t.Errorf("a living daemon's way was taken: %v, %v", cleared, err)
	}
	if _, err := unmount(filepath.Join(base, "dead"), run); err == nil {
		t.Error("unmounted nothing without saying so")
	}
}

func TestOldMountCall(t *testing.T) {
	r := newRig(t, func(o *Options) { o.oldMount = true })
	r.put("m", "weights")
	if got := r.read("m"); got != "weights" {
		t.Errorf("read %q", got)
	}
}

func TestUnmountByOthers(t *testing.T) {
	r := newRig(t, overItself)
	if busy, err := Unmount(r.mnt); busy || err != nil {
		t.Fatal(busy, err)
	}
	r.srv.Wait()
	if _, err := Unmount(r.mnt); err == nil {
		t.Error("unmounted nothing without saying so")
	}
}

func TestReadAheadIsRaised(t *testing.T) {
	r := newRig(t)
	all, err := mount.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Point == r.mnt {
			got, err := os.ReadFile("/sys/class/bdi/" + m.Device + "/read_ahead_kb")
			if err != nil || strings.TrimSpace(string(got)) != "1024" {
				t.Errorf("read-ahead %q, %v", got, err)
			}
		}
	}
}

// A filesystem that is mounted in the tree is not entered: its owner may not be the tree's, nor answer.
func TestMountsInTheTreeAreNotCrossed(t *testing.T) {
	r := newRig(t)
	r.put("inner/beneath", "")
	inner := filepath.Join(r.dir, "inner")
	if err := unix.Mount("trustfs-test", inner, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(inner, unix.MNT_DETACH) })
	r.put("inner/m", "x")
	for _, name := range []string{"inner", "inner/m", "inner/beneath"} {
		_, err := readFileRaw(r.in(name))
		wantErrno(t, name, err, unix.EACCES)
	}
	if got := r.names(""); len(got) != 1 || got[0] != "inner" {
		t.Errorf("listed %q", got)
	}
}

// A watch looks at a directory in a loop, as a waiting reader does, and counts what it must never see.
type watch struct {
	raw, looks atomic.Int64
	stop       chan struct{}
	done       chan struct{}
}

// watchFor looks for an entry that only the raw directory shows.
func watchFor(path string) *watch {
	w := &watch{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.stop:
				return
			default:
			}
			if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
				w.raw.Add(1)
				unix.Close(fd)
			}
			w.looks.Add(1)
		}
	}()
	return w
}

func (w *watch) end(t *testing.T, what string) {
	t.Helper()
	close(w.stop)
	<-w.done
	if w.raw.Load() > 0 || w.looks.Load() < 100 {
		t.Errorf("%s: the raw directory was seen %d times in %d looks", what, w.raw.Load(), w.looks.Load())
	}
}

// A daemon is killed while it serves over the directory itself; the next one takes its place beneath, and a reader that
// looks all the time never sees the raw directory. So too with a guard between, and once more without a run directory.
func TestStaleMountIsHealed(t *testing.T) {
	needMount(t)
	t.Run("private", func(t *testing.T) { healed(t, t.TempDir(), true) })
	t.Run("shared", func(t *testing.T) { // as all mounts are where systemd runs
		base := tmpfs(t)
		if err := unix.Mount("", base, "", unix.MS_SHARED, ""); err != nil {
			t.Fatal(err)
		}
		healed(t, base, true)
	})
	t.Run("on top", func(t *testing.T) { // as before Linux 6.5
		mount.ForceOnTop.Store(true)
		defer mount.ForceOnTop.Store(false)
		healed(t, t.TempDir(), false)
	})
}

func healed(t *testing.T, base string, guard bool) {
	dir, run := filepath.Join(base, "models"), filepath.Join(base, "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "evil"), []byte(evil), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "good"), []byte("good"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = Unmount(dir); _ = mount.Unbind(filepath.Join(run, idOfPath(dir), "backing")) })
	for round, runDir := range []string{run, run, ""} {
		c := startChild(t, "serve", dir, runDir)
		if got := c.line(); got != "serving" {
			t.Fatalf("round %d: the child says %q", round, got)
		}
		w := watchFor(filepath.Join(dir, "evil"))
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.cmd.Wait()
		_, err := os.Stat(filepath.Join(dir, "good"))
		wantErrno(t, "stat after the daemon was killed", err, unix.ENOTCONN)
		s, err := Mount(Options{Dir: dir, Gate: newTestGate(), RunDir: runDir, Guard: guard})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if b, err := readFileRaw(filepath.Join(dir, "good")); err != nil || string(b) != "good" {
			t.Errorf("round %d: healed mount gives %q, %v", round, b, err)
		}
		if busy, err := s.Close(); err != nil {
			t.Errorf("round %d: closing: %v, %v", round, busy, err)
		}
		w.end(t, "round "+string(rune('0'+round)))
	}
	if left := mountsAt(t, dir); guard && (len(left) != 1 || left[0].Source != mount.GuardSource) {
		t.Errorf("left in the place: %+v, want one guard", left)
	}
	if _, err := Unmount(dir); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "good")); err != nil || string(b) != "good" {
		t.Errorf("the bare directory gives %q, %v", b, err)
	}
}

func mountsAt(t *testing.T, path string) (at []mount.Info) {
	t.Helper()
	all, err := mount.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Point == path {
			at = append(at, m)
		}
	}
	return at
}

// Before Linux 6.5 a guard can only lie on top: the mount beneath ends with the process, and readers see the guard at once.
func TestGuardOnTop(t *testing.T) {
	r := newRig(t, overItself, func(o *Options) { o.Guard, o.Grace = true, time.Millisecond })
	mount.ForceOnTop.Store(true)
	defer mount.ForceOnTop.Store(false)
	if busy, err := r.srv.Close(); !busy || err != nil {
		t.Errorf("busy %v, %v", busy, err)
	}
	if names := r.names(""); len(names) != 0 {
		t.Errorf("readers see %v", names)
	}
	if _, err := Unmount(r.mnt); err != nil {
		t.Fatal(err)
	}
	r.srv.Wait()
}

func TestGuard(t *testing.T) {
	needMount(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "m"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Unguard(dir) })
	for range 2 { // the second time there is one already
		if err := Guard(dir); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("root sees %v, %v", entries, err)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if out, err := asNobody("ls", dir); err == nil {
		t.Errorf("nobody sees %q", out)
	}
	if len(mountsAt(t, dir)) != 1 {
		t.Error("two guards")
	}
	if err := Unguard(dir); err != nil {
		t.Fatal(err)
	}
	if err := Unguard(dir); err != nil {
		t.Errorf("no guard to take off: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "m")); err != nil {
		t.Error(err)
	}
}
