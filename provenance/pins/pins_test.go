package pins

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"trustfs/integrity"
)

func digest(b byte) (d integrity.Digest) {
	for i := range d {
		d[i] = b
	}
	return d
}

func example() Pin {
	return Pin{
		Digest: digest(0xab), Time: time.Unix(1700000000, 0).UTC(), By: "ops", Note: "reviewed", Path: "bert/model.bin",
		Accept: []string{"reduce", "global_unknown", "reduce"},
	}
}

func TestPinGetListUnpin(t *testing.T) {
	s := At(filepath.Join(t.TempDir(), "state", "pins"))
	if _, err := s.Get(digest(0xab)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Get in a store that is not there: %v", err)
	}
	if all, err := s.List(); err != nil || len(all) != 0 {
		t.Fatalf("List of nothing: %v, %v", all, err)
	}
	for _, p := range []Pin{example(), {Digest: digest(0x01)}} {
		if err := s.Pin(p); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Get(digest(0xab))
	if err != nil {
		t.Fatal(err)
	}
	want := example()
	want.Accept = []string{"global_unknown", "reduce"}
	if !slices.Equal(got.Accept, want.Accept) || !got.Time.Equal(want.Time) || got.By != "ops" || got.Path != want.Path || got.Note != want.Note {
		t.Errorf("got %+v, want %+v", got, want)
	}
	os.WriteFile(filepath.Join(s.dir, ".new-123"), []byte("half"), 0o600)
	all, err := s.List()
	if err != nil || len(all) != 2 || all[0].Digest != digest(0x01) {
		t.Errorf("List: %+v, %v", all, err)
	}
	if err := s.Unpin(digest(0xab)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(digest(0xab)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get after Unpin: %v", err)
	}
	if err := s.Unpin(digest(0xab)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("second Unpin: %v", err)
	}
}

func TestPinReplacesAndLeavesNothing(t *testing.T) {
	s := At(filepath.Join(t.TempDir(), "pins"))
	for _, note := range []string{"first", "second"} {
		p := example()
		p.Note = note
		if err := s.Pin(p); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := s.Get(digest(0xab)); err != nil || p.Note != "second" {
		t.Errorf("got %+v, %v", p, err)
	}
	left, _ := os.ReadDir(s.dir)
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUntrustworthyPinsAreErrors(t *testing.T) {
	good, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		spoil   func(dir, file string)
		message string
	}{
		{"directory writable by the group", func(dir, _ string) { os.Chmod(dir, 0o770) }, "lets others write"},
		{"directory writable by all", func(dir, _ string) { os.Chmod(dir, 0o707) }, "lets others write"},
		{"file writable by the group", func(_, file string) { os.Chmod(file, 0o660) }, "lets others write"},
		{"a link instead of the directory", func(dir, _ string) { os.Rename(dir, dir+"2"); os.Symlink(dir+"2", dir) }, "not a directory"},
		{"a link instead of the file", func(dir, file string) { os.Rename(file, dir+"/x"); os.Symlink("x", file) }, "too many"},
		{"a folder instead of the file", func(_, file string) { os.Remove(file); os.Mkdir(file, 0o700) }, "not a regular file"},
		{"another digest", func(_, file string) {
			os.WriteFile(file, []byte(strings.Replace(string(good), "abab", "cdcd", 1)), 0o600)
		}, "under the name"},
		{"unknown key", func(_, file string) {
			os.WriteFile(file, []byte(strings.Replace(string(good), `"by"`, `"for"`, 1)), 0o600)
		}, "unknown field"},
		{"cut short", func(_, file string) { os.WriteFile(file, good[:len(good)/2], 0o600) }, "not a pin"},
		{"empty", func(_, file string) { os.WriteFile(file, nil, 0o600) }, "not a pin"},
		{"two values", func(_, file string) { os.WriteFile(file, slices.Concat(good, good), 0o600) }, "something follows"},
		{"large", func(_, file string) { os.WriteFile(file, make([]byte, MaxBytes+1), 0o600) }, "larger than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := At(filepath.Join(t.TempDir(), "pins"))
			if err := s.Pin(example()); err != nil {
				t.Fatal(err)
			}
			tt.spoil(s.dir, s.Path(digest(0xab)))
			_, err := s.Get(digest(0xab))
			if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got error %v, want one with %q", err, tt.message)
			}
		})
	}
}

func TestForeignOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root to give the directory to another user")
	}
	s := At(filepath.Join(t.TempDir(), "pins"))
	if err := s.Pin(example()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(s.dir, 12345, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(digest(0xab)); err == nil || !strings.Contains(err.Error(), "owned by user 12345") {
		t.Errorf("Get: %v", err)
	}
	if err := s.Pin(example()); err == nil {
		t.Error("Pin into a foreign directory succeeded")
	}
}

func TestEncodeBounds(t *testing.T) {
	p := example()
	p.Note = strings.Repeat("x", MaxBytes)
	if _, err := p.Encode(); err == nil {
		t.Error("a pin that Get would refuse was encoded")
	}
}

func FuzzDecode(f *testing.F) {
	good, err := example().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b, digest(0xab))
		if err == nil && p.Digest != digest(0xab) {
			t.Error("a pin of another digest was taken")
		}
	})
}
