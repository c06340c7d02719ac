package views_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"trustfs/views"
)

// pickleNames are names under which torch and its kin look for something to unpickle.
var pickleNames = regexp.MustCompile(`\.(bin|pt|pth|ckpt|pkl|pickle|joblib)$`)

// A call is one system call that opens a file, as strace -y writes it.
type call struct {
	asked string // the path that was given
	got   string // the file that was opened, "" where there is none
}

var traced = regexp.MustCompile(`\b(?:open|openat|openat2|creat|open_by_handle_at)\([^"]*"((?:[^"\\]|\\.)*)".*\) = (?:-1 [A-Z]+|\d+<([^>]*)>)`)

// calls reads a trace. A line that tells of an opening and is not understood fails the test: nothing may slip by.
func calls(t *testing.T, trace string) (out []call) {
	t.Helper()
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := traced.FindStringSubmatch(line); m != nil {
			out = append(out, call{m[1], m[2]})
		} else if strings.Contains(line, "open") && !strings.Contains(line, "+++") && !strings.Contains(line, "---") {
			t.Fatalf("a line of strace that is not understood: %s", line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Unmodified transformers, in a process that strace watches, loads pickle-only folders through a mount that shows views
// in the pickles' place: it opens the views, and no pickle.
func TestNoPickleIsOpened(t *testing.T) {
	exe := os.Getenv("TRUSTFS_PYTHON")
	if exe != "" && exec.Command(exe, "-c", "import transformers").Run() != nil {
		t.Skip("SKIPPED, NOT TESTED: that no pickle is opened (TRUSTFS_PYTHON has no transformers; make clients has)")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("SKIPPED, NOT TESTED: that no pickle is opened (strace is missing; scripts/deps test installs it)")
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("TRANSFORMERS_VERBOSITY", "error")
	dir := t.TempDir()
	python(t, "models", dir)
	want := digests(python(t, "load", filepath.Join(dir, "whole"), filepath.Join(dir, "sharded")))
	point, events := start(t, dir)
	trace := filepath.Join(t.TempDir(), "trace")
	c := exec.Command("strace", "-f", "-qq", "-y", "-s", "4096", "-e", "trace=open,openat,openat2,creat,open_by_handle_at", "-o", trace,
		exe, "views.py", "load", filepath.Join(point, "whole"), filepath.Join(point, "sharded"))
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	if got := digests(string(out)); len(got) != 2 || !slices.Equal(got, want) {
		t.Errorf("through the views %q, from the pickles %q", got, want)
	}
	shown := map[string]bool{}
	for _, c := range calls(t, trace) {
		if c.got == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(c.got, point+"/"); ok {
			shown[rest] = true
			if pickleNames.MatchString(c.got) || pickleNames.MatchString(c.asked) {
				t.Errorf("%s was opened, as %q", c.got, c.asked)
			}
		} else if strings.HasPrefix(c.got, dir+"/") {
			t.Errorf("%s was opened beside the mount", c.got)
		}
	}
	for _, name := range []string{"whole/config.json", "whole/model.safetensors", "sharded/model.safetensors.index.json", "sharded/model-00001-of-"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(shown)), func(s string) bool { return strings.HasPrefix(s, name) }) {
			t.Errorf("strace saw no opening of %s, only %v", name, shown)
		}
	}
	judged(t, events.String())
}

// digests are what `views.py load` says of the models, without what progress bars say in between.
func digests(out string) []string {
	return regexp.MustCompile(`\b[0-9a-f]{64}\b`).FindAllString(out, -1)
}

// judged asserts what the events say: each pickle was judged once, as the source of the view that an event tells of next.
func judged(t *testing.T, events string) {
	t.Helper()
	source, shown := "", 0
	for line := range strings.Lines(events) {
		var e struct{ Msg, Path string }
		if json.Unmarshal([]byte(line), &e) != nil || !strings.HasPrefix(e.Msg, "model.") {
			continue
		}
		if dir, name := path.Split(e.Path); source != "" {
			if v, _ := views.ViewOf(path.Base(source)); e.Path != path.Dir(source)+"/"+v.Name {
				t.Errorf("after %s, no event of its view but of %s", source, e.Path)
			}
			source = ""
			shown++
		} else if v, ok := views.ViewOf(name); ok && v.Kind == views.KindTensors {
			source = dir + name
		}
	}
	if shown < 4 || source != "" {
		t.Errorf("events about %d views, %q without its view:\n%s", shown, source, events)
	}
}
