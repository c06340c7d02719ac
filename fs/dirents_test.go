package fs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"trustfs/testdata/gen"
)

// listed reads a directory with the system call, and gives the inode numbers by name.
func listed(t *testing.T, dir string) map[string]uint64 {
	t.Helper()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all := map[string]uint64{}
	buf := make([]byte, 1<<16)
	for {
		n, err := unix.Getdents(int(d.Fd()), buf)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return all
		}
		for rest := buf[:n]; len(rest) > 0; {
			length := int(rest[16]) | int(rest[17])<<8
			name, _, _ := strings.Cut(string(rest[19:length]), "\x00")
			if name == "." || name == ".." {
				name = "/" + name
			}
			all[name] = uint64(rest[0]) | uint64(rest[1])<<8 | uint64(rest[2])<<16 | uint64(rest[3])<<24 |
				uint64(rest[4])<<32 | uint64(rest[5])<<40 | uint64(rest[6])<<48 | uint64(rest[7])<<56
			rest = rest[length:]
		}
	}
}

// What a listing says of inode numbers must be what lstat says, of views, reports and special files too.
func TestListedInodes(t *testing.T) {
	r, _, _ := viewRig(t, ViewsBeside, "")
	r.put("d/a.pt", string(torchFile(0)))
	r.put("d/\xff\xfe\nodd", "x")
	r.put("d/e/deep", "x")
	r.link("a.pt", "d/link")
	if err := unix.Mkfifo(filepath.Join(r.dir, "d/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	for dir, entries := range map[string]int{
		"": 1, "d": 6, "d/e": 1, ".trustfs": 2, ".trustfs/report": 1, ".trustfs/report/d": 5,
	} {
		got := listed(t, r.in(dir))
		if len(got) != entries+2 {
			t.Errorf("%q: %d entries, want %d: %v", dir, len(got), entries+2, got)
		}
		for name, ino := range got {
			var st unix.Stat_t
			if name == "/.." && dir == "" {
				name = "/." // the mount does not tell what lies around it
			}
			if err := unix.Lstat(filepath.Join(r.in(dir), strings.TrimPrefix(name, "/")), &st); err != nil || st.Ino != ino || ino == 0 {
				t.Errorf("%q: %q is listed as %d, is %d, %v", dir, name, ino, st.Ino, err)
			}
		}
	}
}

func TestParseDirentsRefusesWhatDoesNotFit(t *testing.T) {
	whole := make([]byte, 24)
	whole[0], whole[16], whole[18] = 1, 24, unix.DT_REG
	copy(whole[19:], "abc")
	if got, _, err := parseDirents(-1, whole); err != nil || len(got) != 1 || got[0] != (dirent{Name: "abc", Ino: 1}) {
		t.Errorf("%+v, %v", got, err)
	}
	for size := 1; size < len(whole); size++ {
		if _, _, err := parseDirents(-1, whole[:size]); err == nil {
			t.Errorf("%d bytes were taken", size)
		}
	}
	whole[16] = 3
	if _, _, err := parseDirents(-1, whole); err == nil {
		t.Error("a length within the head was taken")
	}
}

// A report's name is there before anything is judged; where no view comes of it, there is no report either.
func TestReportOfNoView(t *testing.T) {
	r, _, _ := viewRig(t, ViewsBeside, "")
	r.put("words.pkl", string(gen.Harmless()))
	for range 2 {
		_, err := readFileRaw(r.in(".trustfs/report/words.safetensors.json"))
		wantErrno(t, "the report of a view that does not exist", err, unix.ENOENT)
	}
	if strings.Contains(r.log.String(), "busy") {
		t.Error("the log calls the file busy")
	}
}
