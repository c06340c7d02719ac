package clients

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// goodTree is the part of the sample tree that is admitted whole: tools that walk it must see nothing unusual.
func goodTree(t *testing.T) string {
	t.Helper()
	dir, _ := samples(t)
	for _, name := range []string{"hostile", "broken", "hub", "odd/out-of-the-tree"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "old/legacy.pt"), filepath.Join(dir, "old/hardlink.pt")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCopiesAreEqual(t *testing.T) {
	need(t, "rsync")
	dir := goodTree(t)
	point := serve(t, dir)
	for _, tt := range []struct {
		name string
		copy func(to string)
	}{
		{"cp -a", func(to string) { run(t, nil, "cp", "-a", point+"/.", to) }},
		{"rsync -aHAX", func(to string) { run(t, nil, "rsync", "-aHAX", point+"/", to) }},
		{"tar", func(to string) {
			run(t, nil, "sh", "-c", `tar -C "$1" --xattrs -cf - . | tar -C "$2" --xattrs -xf -`, "sh", point, to)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to := t.TempDir()
			tt.copy(to)
			run(t, nil, "diff", "-r", "--no-dereference", dir, to)
			// Owner, mode, times and link counts too; sizes of folders are the filesystem's own business.
			list := `cd "$1" && find . ! -name . -printf '%p %y %m %U %G %l\n' | sort; find . -type f -printf '%p %s %T@ %n\n' | sort`
			if got, want := run(t, nil, "sh", "-c", list, "sh", to), run(t, nil, "sh", "-c", list, "sh", dir); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if out := run(t, nil, "getfattr", "-R", "-d", to); strings.Contains(out, "trustfs") {
				t.Errorf("attributes of trustfs were copied:\n%s", out)
			}
		})
	}
}

func TestToolsThatRead(t *testing.T) {
	dir := goodTree(t)
	point := serve(t, dir)
	for _, command := range []string{
		`find . -type f -exec sha256sum {} + | sort`,
		`find . -printf '%p %y %m\n' | sort`,
		`grep -r bert . | sort`,
		`grep -rl PK . | sort`,
		`cat bert-tiny/model.safetensors | wc -c`,
		`dd if=bert-tiny/pytorch_model.bin bs=7 skip=3 status=none | sha256sum`,
		`tail -c 5 old/legacy.pt | od -c`,
		`stat -c '%s %a %h %F' old/hardlink.pt bert-tiny`,
		`ls -A | sort`,
		`readlink -f odd/link.safetensors | sed 's|.*/bert-tiny|bert-tiny|'`,
	} {
		got, want := run(t, nil, "sh", "-c", "cd '"+point+"' && "+command), run(t, nil, "sh", "-c", "cd '"+dir+"' && "+command)
		if got != want || want == "" {
			t.Errorf("%s\ngot\n%s\nwant\n%s", command, got, want)
		}
	}
}

// Tools that walk over refused files say so, with the errno that stands for it, and go on.
func TestToolsOverRefusedFiles(t *testing.T) {
	dir, marker := samples(t)
	point := serve(t, dir)
	for _, command := range [][]string{
		{"sha256sum", point + "/hostile/weights.pt", point + "/README.md"},
		{"cp", "-r", point + "/hostile", t.TempDir()},
		{"grep", "-r", "nothing-like-this", point + "/hostile"},
		{"rsync", "-a", point + "/hostile", t.TempDir()},
		{"tar", "-C", point, "-cf", "/dev/null.tar", "hostile"},
	} {
		if command[0] == "tar" {
			command[4] = filepath.Join(t.TempDir(), "x.tar")
		}
		code, said := status(t, command[0], command[1:]...)
		if code == 0 || !strings.Contains(said, "Permission denied") {
			t.Errorf("%s: status %d, %s", strings.Join(command, " "), code, said)
		}
	}
	// Nothing of a refused file comes out, by whatever call.
	if out, err := exec.Command("dd", "if="+point+"/hostile/weights.pt", "of=/dev/stdout", "iflag=direct", "status=none").Output(); err == nil || len(out) > 0 {
		t.Errorf("O_DIRECT gave %d bytes, %v", len(out), err)
	}
	plain, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(point, "README.md")); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("a good file beside the refused ones: %v", err)
	}
	if _, err := os.Lstat(marker); err == nil {
		t.Error("a hostile payload ran: its marker is there")
	}
}
