package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/hanwen/go-fuse/v2/posixtest"
	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
)

// Everything that writes gives EROFS, on names that are there and on names that are not.
func TestWritesAreRefused(t *testing.T) {
	r := newRig(t)
	r.put("f", "content")
	r.put("d/g", "")
	f, d, fresh := r.in("f"), r.in("d"), r.in("new")
	open := func(path string, flags int) error {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o644)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
	for what, err := range map[string]error{
		"open O_WRONLY":       open(f, unix.O_WRONLY),
		"open O_RDWR":         open(f, unix.O_RDWR),
		"open O_TRUNC":        open(f, unix.O_RDONLY|unix.O_TRUNC),
		"open O_APPEND":       open(f, unix.O_WRONLY|unix.O_APPEND),
		"open O_CREAT":        open(fresh, unix.O_RDONLY|unix.O_CREAT),
		"open O_CREAT|O_EXCL": open(fresh, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL),
		"open O_TMPFILE":      open(d, unix.O_RDWR|unix.O_TMPFILE),
		"truncate":            unix.Truncate(f, 1),
		"mkdir":               unix.Mkdir(fresh, 0o755),
		"mknod":               unix.Mknod(fresh, unix.S_IFREG|0o644, 0),
		"mkfifo":              unix.Mkfifo(fresh, 0o644),
		"symlink":             unix.Symlink("x", fresh),
		"link":                unix.Link(f, fresh),
		"unlink":              unix.Unlink(f),
		"rmdir":               unix.Rmdir(d),
		"rename":              unix.Rename(f, fresh),
		"exchange":            unix.Renameat2(unix.AT_FDCWD, f, unix.AT_FDCWD, d, unix.RENAME_EXCHANGE),
		"chmod":               unix.Chmod(f, 0o600),
		"chown":               unix.Chown(f, 1, 1),
		"utimes":              unix.UtimesNanoAt(unix.AT_FDCWD, f, []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0),
		"setxattr":            unix.Setxattr(f, "user.x", []byte("y"), 0),
		"setxattr of ours":    unix.Setxattr(f, "user.trustfs.verdict", []byte("allow"), 0),
		"removexattr":         unix.Removexattr(f, "user.x"),
		"create in .trustfs":  open(r.in(".trustfs/new"), unix.O_WRONLY|unix.O_CREAT),
	} {
		wantErrno(t, what, err, unix.EROFS)
	}
	if err := open(f, unix.O_RDONLY|unix.O_CREAT); err != nil {
		t.Errorf("O_CREAT of what is there, for reading: %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(r.dir, "f")); string(got) != "content" {
		t.Errorf("the backing file is %q now", got)
	}
}

// suite says how each test of go-fuse's posixtest is met on a read-only mount: run as it is, by a test of our own that
// prepares in the backing directory, or by TestWritesAreRefused because writing is all it does.
var suite = map[string]string{
	"ReadDirConsistency": "run",
	"DirSeek":            "TestDirSeek", "DirectIO": "TestDirectIO", "FcntlFlockLocksFile": "TestLocks", "FcntlFlockSetLk": "TestLocks",
	"FdLeak": "close in helpers_test.go", "FileBasic": "TestAdmittedAndRefused", "FileLarge": "TestBigFile",
	"FstatDeleted": "TestRemovedWhileOpen", "NlinkZero": "TestRemovedWhileOpen", "LseekEnxioCheck": "TestLseek",
	"LseekHoleSeeksToEOF": "TestLseek", "OpenSymlinkRace": "TestOpenSymlinkRace", "ParallelFileOpen": "TestParallelOpens",
	"ReadDirBasic": "TestReadDir", "SymlinkReadlink": "TestLinksInTheTree", "XAttr": "TestForeignXattrs",
	"XAttrLarge":  "TestForeignXattrs",
	"AppendWrite": "writes", "Fallocate": "writes", "FallocateKeepSize": "writes", "Tmpfile": "writes", "Link": "writes", "LinkUnlinkRename": "writes", "MkdirRmdir": "writes",
	"OpenAt": "writes", "RenameOpenDir": "writes", "RenameOverwriteDestExist": "writes",
	"RenameOverwriteDestNoExist": "writes", "SetattrSymlink": "writes", "TruncateFile": "writes", "TruncateNoFile": "writes",
}

func TestPosixSuite(t *testing.T) {
	r := newRig(t)
	for i := range 100 {
		r.put(fmt.Sprint("file", i), "")
	}
	for name, f := range posixtest.All {
		how, ok := suite[name]
		if !ok {
			t.Errorf("posixtest.%s: nothing here says how a read-only mount meets it", name)
		}
		if how == "run" {
			t.Run(name, func(t *testing.T) { f(t, r.mnt) })
		}
	}
	t.Run("ReadDirConsistency", func(t *testing.T) { posixtest.ReadDirConsistency(t, r.mnt) })
}

func TestDirSeek(t *testing.T) {
	r := newRig(t)
	for i := range 300 {
		r.put(fmt.Sprintf("d/%03d", i), "")
	}
	fd, err := unix.Open(r.in("d"), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	whole, buf := drain(t, fd), make([]byte, 512)
	if len(whole) != 300 {
		t.Fatalf("listed %d names", len(whole))
	}
	if _, err := unix.Seek(fd, 0, unix.SEEK_SET); err != nil {
		t.Fatal(err)
	}
	n, err := unix.ReadDirent(fd, buf)
	if err != nil {
		t.Fatal(err)
	}
	_, _, first := unix.ParseDirent(buf[:n], -1, nil)
	at, err := unix.Seek(fd, 0, unix.SEEK_CUR)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if rest := drain(t, fd); !slices.Equal(append(slices.Clone(first), rest...), whole) {
			t.Errorf("from offset %d: %d names after %d of %d", at, len(rest), len(first), len(whole))
		}
		if _, err := unix.Seek(fd, at, unix.SEEK_SET); err != nil {
			t.Fatal(err)
		}
	}
}

func drain(t *testing.T, fd int) (names []string) {
	t.Helper()
	buf := make([]byte, 4096)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return names
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

func TestDirectIO(t *testing.T) {
	r := newRig(t)
	content := strings.Repeat("bye", 4096*50)
	r.put("f", content)
	fd, err := unix.Open(r.in("f"), unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096*150)
	if n, err := unix.Pread(fd, buf, 0); n != len(content) || err != nil || string(buf[:n]) != content {
		t.Errorf("read %d of %d bytes, %v", n, len(content), err)
	}
	if n, err := unix.Pread(fd, buf[:4096], 4096); n != 4096 || err != nil || string(buf[:n]) != content[4096:8192] {
		t.Errorf("read %d bytes in the middle, %v", n, err)
	}
}

func TestLocks(t *testing.T) {
	r := newRig(t)
	r.put("f", "x")
	fd, err := unix.Open(r.in("f"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	other, err := unix.Open(r.in("f"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(other)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("flock: %v", err)
	}
	wantErrno(t, "a second flock", unix.Flock(other, unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
	if err := unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &unix.Flock_t{Type: unix.F_RDLCK}); err != nil {
		t.Errorf("fcntl: %v", err)
	}
}

func TestBigFile(t *testing.T) {
	r := newRig(t)
	path := r.put("big", "")
	const far = 5<<30 + 12345
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("over four GiB"), far); err != nil {
		t.Fatal(err)
	}
	// Hashing 5 GiB of holes is not what is tested here.
	r.gate.hold(func(context.Context, gatekeeper.Subject) error { return errors.New("not judged in this test") })
	var st unix.Stat_t
	if err := unix.Stat(r.in("big"), &st); err != nil || st.Size != far+13 {
		t.Errorf("size %d, %v", st.Size, err)
	}
	_, err = readFileRaw(r.in("big"))
	wantErrno(t, "open of what could not be judged", err, unix.EACCES)
	if !strings.Contains(r.log.String(), "not judged in this test") {
		t.Error("the operator is not told why")
	}
}

func TestParallelOpens(t *testing.T) {
	r := newRig(t)
	r.put("f", strings.Repeat("x", 1<<20))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 20 {
				if b, err := readFileRaw(r.in("f")); err != nil || len(b) != 1<<20 {
					t.Errorf("%d bytes, %v", len(b), err)
				}
			}
		})
	}
	wg.Wait()
}

// The name is a file and a link out of the tree in turn; whatever the opener gets, it is never what the link names.
func TestOpenSymlinkRace(t *testing.T) {
	r := newRig(t)
	path := r.put("f", "inside")
	secret := filepath.Join(filepath.Dir(r.dir), "secret")
	if err := os.WriteFile(secret, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Symlink(secret, path+".tmp")
			_ = os.Rename(path+".tmp", path)
			_ = os.WriteFile(path+".tmp", []byte("inside"), 0o644)
			_ = os.Rename(path+".tmp", path)
		}
	})
	seen := map[error]int{}
	for i := 0; i < 2000 || i < 500_000 && (seen[nil] == 0 || seen[unix.EACCES] == 0); i++ {
		b, err := readFileRaw(r.in("f"))
		if err == nil && string(b) != "inside" {
			t.Errorf("read %q", b)
		}
		seen[err]++
	}
	t.Log("outcomes: ", seen)
	close(stop)
	wg.Wait()
	if seen[nil] == 0 || seen[unix.EACCES] == 0 {
		t.Errorf("the race did not happen: %v", seen)
	}
}

func TestLseek(t *testing.T) {
	r := newRig(t)
	path := r.put("f", "")
	if err := os.Truncate(path, 1<<20); err != nil { // all hole in the backing file
		t.Fatal(err)
	}
	fd, err := unix.Open(r.in("f"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, c := range []struct {
		off    int64
		whence int
		want   int64
		err    error
	}{
		{0, unix.SEEK_DATA, 0, nil}, {4096, unix.SEEK_DATA, 4096, nil}, {1 << 20, unix.SEEK_DATA, -1, unix.ENXIO},
		{0, unix.SEEK_HOLE, 1 << 20, nil}, {1<<20 - 1, unix.SEEK_HOLE, 1 << 20, nil}, {1 << 20, unix.SEEK_HOLE, -1, unix.ENXIO},
		{-5, unix.SEEK_END, 1<<20 - 5, nil}, {-5, unix.SEEK_SET, -1, unix.EINVAL},
	} {
		if got, err := unix.Seek(fd, c.off, c.whence); got != c.want && c.want >= 0 || err != c.err {
			t.Errorf("lseek(%d, %d) = %d, %v, want %d, %v", c.off, c.whence, got, err, c.want, c.err)
		}
	}
}

func TestStat(t *testing.T) {
	r := newRig(t)
	r.put("d/f", "12345")
	r.link("f", "d/l")
	for _, name := range []string{"", "d", "d/f", "d/l"} {
		var a, b unix.Statx_t
		const want = unix.STATX_BASIC_STATS | unix.STATX_BTIME
		if err := unix.Statx(unix.AT_FDCWD, filepath.Join(r.dir, name), unix.AT_SYMLINK_NOFOLLOW, want, &a); err != nil {
			t.Fatal(err)
		}
		if err := unix.Statx(unix.AT_FDCWD, r.in(name), unix.AT_SYMLINK_NOFOLLOW, want, &b); err != nil {
			t.Fatal(err)
		}
		if a.Mode != b.Mode || a.Size != b.Size || a.Ino != b.Ino && name != "" || a.Uid != b.Uid || a.Nlink != b.Nlink || a.Mtime != b.Mtime || a.Ctime != b.Ctime ||
			a.Btime != b.Btime || a.Blocks != b.Blocks {
			t.Errorf("%q: backing %+v\nmounted %+v", name, a, b)
		}
	}
	var st unix.Statfs_t
	if err := unix.Statfs(r.mnt, &st); err != nil || st.Blocks == 0 || st.Namelen == 0 || st.Flags&unix.ST_RDONLY == 0 {
		t.Errorf("statfs: %+v, %v", st, err)
	}
}

func TestReadDir(t *testing.T) {
	r := newRig(t)
	var want []string
	for i := range 1500 {
		name := fmt.Sprintf("many/file-with-a-rather-long-name-%04d", i)
		r.put(name, "")
		want = append(want, filepath.Base(name))
	}
	d, err := os.Open(r.in("many"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 2 { // the second time after going back
		var got []string
		for {
			names, err := d.Readdirnames(77)
			got = append(got, names...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("listed %d names, want %d", len(got), len(want))
		}
		r.put("many/zz-new", "")
		want = append(want, "zz-new")
		want = slices.Compact(want)
		if _, err := d.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.gate.judgements()) != 0 {
		t.Error("a listing judged")
	}
}

func TestStdlibSuite(t *testing.T) {
	r := newRig(t)
	r.put("a/b/c.txt", "text")
	r.put("a/model.pt", strings.Repeat("w", 300_000))
	r.put("top", "")
	if err := fstest.TestFS(os.DirFS(r.mnt), "a/b/c.txt", "a/model.pt", "top"); err != nil {
		t.Error(err)
	}
}

func TestNamesOfAnyBytes(t *testing.T) {
	r := newRig(t)
	names := []string{"\xff\xfe", "new\nline", "\x1b[31mred", "a b", strings.Repeat("n", 255), "ünï", "..x", ".hidden", `back\slash`}
	for _, name := range names {
		r.put(name, name)
		if got := r.read(name); got != name {
			t.Errorf("%q: read %q", name, got)
		}
	}
	_, err := readFileRaw(r.in(strings.Repeat("n", 256)))
	wantErrno(t, "a name too long", err, unix.ENAMETOOLONG)
}

func TestDirectoryNamedAsModel(t *testing.T) {
	r := newRig(t)
	r.put("x.pt/data.pkl", "d")
	if st, err := os.Stat(r.in("x.pt")); err != nil || !st.IsDir() {
		t.Errorf("%v, %v", st, err)
	}
	if got := r.read("x.pt/data.pkl"); got != "d" {
		t.Errorf("read %q", got)
	}
	_, err := readFileRaw(r.in("x.pt"))
	wantErrno(t, "read of a directory", err, unix.EISDIR)
}
