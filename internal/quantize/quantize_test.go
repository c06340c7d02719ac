package quantize

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trustfs/formats"
	"trustfs/gatekeeper"
	"trustfs/integrity"
)

// The programs under test, built once: the worker, which builds the jail, and the stand-in for llama-quantize.
var worker, standin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "quantize")
	if err != nil {
		panic(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the quantizer runs as nobody, and its folder must let it in
		panic(err)
	}
	worker, standin = filepath.Join(dir, "trustfs-worker"), filepath.Join(dir, "llama-quantize")
	for out, pkg := range map[string]string{worker: "trustfs/cmd/trustfs-worker", standin: "./testdata/standin"} {
		c := exec.Command("go", "build", "-o", out, pkg)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if b, err := c.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%s: %v\n%s", pkg, err, b))
		}
	}
	os.Setenv("SECRET", "x")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// judge admits everything that does not contain a word, as a gate would answer.
func judge(refused string) func(context.Context, string) (*os.File, *gatekeeper.Judgement, error) {
	return func(ctx context.Context, path string) (*os.File, *gatekeeper.Judgement, error) {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, err
		}
		m, err := integrity.Build(ctx, f, int64(len(b)), nil)
		r := &gatekeeper.Report{Verdict: gatekeeper.Allow, Format: formats.FormatGGUF}
		if refused != "" && bytes.Contains(b, []byte(refused)) {
			r.Verdict, r.Reasons = gatekeeper.Deny, []string{"global_dangerous is fatal"}
		}
		return f, &gatekeeper.Judgement{Report: r, Manifest: m}, err
	}
}

func job(t *testing.T, content string) Job {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "model-f16.gguf")
	if err := os.WriteFile(in, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	tool, err := FindTool(context.Background(), standin, "")
	if err != nil {
		t.Fatal(err)
	}
	return Job{In: in, Out: filepath.Join(dir, "model-q4.gguf"), Type: "Q4_K_M", Tool: tool, Worker: worker, Timeout: time.Minute,
		Admit: judge("evil"), AdmitContent: judge("evil")}
}

// nothingLeft fails if anything but the input is in the job's folder.
func nothingLeft(t *testing.T, j Job) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(j.In))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestQuantize(t *testing.T) {
	j := job(t, "escape weights")
	var told []int
	j.Progress = func(done, total int) { told = append(told, done, total) }
	r, err := Run(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(j.Out)
	if err != nil || string(got) != "escape weightsQ" {
		t.Errorf("%q, %v", got, err)
	}
	if fmt.Sprint(told) != "[1 3 2 3 3 3]" {
		t.Errorf("progress %v", told)
	}
	m, _ := integrity.Build(context.Background(), bytes.NewReader(got), int64(len(got)), nil)
	var s struct {
		Type    string `json:"_type"`
		Subject []struct {
			Name   string
			Digest map[string]string
		}
		PredicateType string
		Predicate     struct {
			BuildDefinition struct {
				ExternalParameters   map[string]string
				ResolvedDependencies []struct{ Digest map[string]string }
			}
		}
	}
	text, err := os.ReadFile(r.Statement)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	deps := s.Predicate.BuildDefinition.ResolvedDependencies
	if r.SHA256 != m.Digest || s.Subject[0].Digest["sha256"] != m.Digest.String() || s.Subject[0].Name != "model-q4.gguf" ||
		len(deps) != 2 || deps[1].Digest["sha256"] != j.Tool.SHA256.String() || s.Predicate.BuildDefinition.ExternalParameters["type"] != "Q4_K_M" {
		t.Errorf("%s", text)
	}
	if st, err := os.Stat(j.Out); err != nil || st.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", st, err)
	}
	entries, _ := os.ReadDir(filepath.Dir(j.In))
	if len(entries) != 3 {
		t.Errorf("left behind: %v", entries)
	}
	if _, err := Run(context.Background(), j); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("an output that exists: %v", err)
	}
}

func TestFailuresLeaveNothing(t *testing.T) {
	tests := []struct {
		content, want string
		change        func(*Job)
		refused       bool
	}{
		{content: "evil", want: "the input is refused", refused: true},
		{content: "plain", want: "the output is refused", refused: true, change: func(j *Job) { j.AdmitContent = judge("plain") }},
		{content: "fail here", want: "tensor blk.1.weight has no type"},
		{content: "nothing at all", want: "wrote no file"},
		{content: "link out", want: "wrote no file"},
		{content: "fifo or folder", want: "no regular file"},
		{content: "hang for ever", want: "timeout", change: func(j *Job) { j.Timeout = time.Second }},
		{content: "x", want: `quantisation type "F16"`, change: func(j *Job) { j.Type = "F16" }},
		{content: "x", want: `quantisation type "Q4_K_M; rm -rf /"`, change: func(j *Job) { j.Type = "Q4_K_M; rm -rf /" }},
	}
	for _, tt := range tests {
		j := job(t, tt.content)
		if tt.change != nil {
			tt.change(&j)
		}
		_, err := Run(context.Background(), j)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, expected %q", tt.content, err, tt.want)
		}
		if _, ok := errors.AsType[*RefusedError](err); ok != tt.refused {
			t.Errorf("%s: %T", tt.content, err)
		}
		nothingLeft(t, j)
	}
}

func TestInterruptionLeavesNothing(t *testing.T) {
	j := job(t, "hang for ever")
	ctx, cancel := context.WithCancel(context.Background())
	j.Progress = func(done, total int) {
		if done == total {
			cancel()
		}
	}
	if _, err := Run(ctx, j); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	nothingLeft(t, j)
}

// The quantizer reads a copy of what was judged: an input that changes after its verdict is an error, not another input.
func TestAChangedInputIsNoInput(t *testing.T) {
	j := job(t, "weights")
	admit := j.Admit
	j.Admit = func(ctx context.Context, path string) (*os.File, *gatekeeper.Judgement, error) {
		f, v, err := admit(ctx, path)
		if err := os.WriteFile(path, []byte("wEights"), 0o600); err != nil {
			t.Fatal(err)
		}
		return f, v, err
	}
	_, err := Run(context.Background(), j)
	if _, ok := errors.AsType[*integrity.TamperError](err); !ok {
		t.Errorf("%v", err)
	}
	nothingLeft(t, j)
}

func TestFindTool(t *testing.T) {
	ctx := context.Background()
	tool, err := FindTool(ctx, standin, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FindTool(ctx, standin, tool.SHA256.String()); err != nil {
		t.Error(err)
	}
	if _, err := FindTool(ctx, standin, strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), tool.SHA256.String()) {
		t.Errorf("another program: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := FindTool(ctx, "", ""); err == nil || !strings.Contains(err.Error(), "--quantizer") {
		t.Errorf("none on PATH: %v", err)
	}
	for _, bad := range []string{t.TempDir(), "/etc/passwd", "/no/such"} {
		if _, err := FindTool(ctx, bad, ""); err == nil {
			t.Errorf("%s is taken for a program", bad)
		}
	}
}
