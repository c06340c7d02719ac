package gatekeeper

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"trustfs/formats"
	"trustfs/integrity"
	"trustfs/views"
)

// viewer answers with a plan that shows the source's first four bytes as a tensor.
type viewer struct {
	calls  atomic.Int32
	answer *views.Answer
	err    error
}

func (v *viewer) View(context.Context, *os.File, *integrity.Manifest, string, views.Kind) (*views.Answer, error) {
	v.calls.Add(1)
	return v.answer, v.err
}

func viewBench(t *testing.T, change func(*Config)) (*bench, *viewer) {
	t.Helper()
	p, err := views.Lay([]views.Tensor{{Name: "a", Dtype: views.Dtype{Name: "U8", Size: 1}, Shape: []int64{4}}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{answer: &views.Answer{Plan: p, Result: &formats.Result{Format: formats.FormatSafetensors, Class: formats.ClassModel}}}
	b := newBench(t, func(c *Config) {
		c.Viewer = v
		if change != nil {
			change(c)
		}
	})
	b.write("pytorch_model.bin", "bytes")
	return b, v
}

func (b *bench) view(t *testing.T) (*View, string, error) {
	t.Helper()
	f, err := b.tree.Regular("pytorch_model.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := b.gate.View(context.Background(), Subject{File: f, Path: "pytorch_model.bin", Tree: b.tree}, "model.safetensors", views.KindTensors)
	if err != nil {
		return nil, "", err
	}
	r, err := v.Open(t.Context(), 0, f, f)
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	text, err := io.ReadAll(io.NewSectionReader(r, 0, v.Size()))
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.gate.ViewDigest(context.Background(), v, 0, f, f)
	if m, _ := integrity.Build(context.Background(), bytes.NewReader(text), int64(len(text)), nil); err != nil || d != m.Digest {
		t.Errorf("the view's digest: %v", err)
	}
	return v, string(text), nil
}

func TestAViewHasItsOwnVerdict(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b, v := viewBench(t, nil)
	b.analyst.result.Findings = []formats.Finding{{Rule: formats.RuleGlobalUnknown}, {Rule: formats.RuleReduce}}
	b.settle()
	if b.judge("pytorch_model.bin").Allowed() {
		t.Fatal("the source is admitted")
	}
	got, text, err := b.view(t)
	if err != nil || !got.Judgement.Allowed() || !strings.HasSuffix(text, "byte") {
		t.Fatalf("%q, %v", text, err)
	}
	r := got.Judgement.Report
	if r.Facts.ViewOf != "pytorch_model.bin" || r.Path != "model.safetensors" || r.Format != "safetensors" || r.Size != int64(len(text)) {
		t.Errorf("%+v", r)
	}
	if b.view(t); v.calls.Load() != 1 {
		t.Errorf("made %d times", v.calls.Load())
	}
}

func TestAViewInheritsItsProvenance(t *testing.T) {
	b, _ := viewBench(t, func(c *Config) { c.Profile = ProfileStrict })
	got, _, err := b.view(t)
	if err != nil || got.Judgement.Allowed() || got.Judgement.Report.Breakdown["unsigned_model"] != 40 {
		t.Errorf("a view of an unsigned source: %+v, %v", got, err)
	}
}

func TestRefusedSourcesHaveViewsOnlyWhenDisarmed(t *testing.T) {
	for _, from := range []ViewsFrom{"", ViewsFromClean, ViewsFromDisarm} {
		b, v := viewBench(t, func(c *Config) { c.ViewsFrom = from })
		b.analyst.result.Findings = []formats.Finding{{Rule: formats.RuleGlobalDangerous, Detail: "posix.system"}}
		got, _, err := b.view(t)
		var none *NoViewError
		switch {
		case from == ViewsFromDisarm:
			if err != nil || !got.Judgement.Allowed() || !strings.Contains(strings.Join(got.Judgement.Report.Warnings, ""), "posix.system") {
				t.Errorf("disarmed: %+v, %v", got, err)
			}
		case !errors.As(err, &none) || !strings.Contains(err.Error(), "posix.system") || v.calls.Load() != 0:
			t.Errorf("views-from %q: %v, made %d times", from, err, v.calls.Load())
		}
	}
}

func TestNoView(t *testing.T) {
	b, v := viewBench(t, nil)
	v.answer = &views.Answer{Limit: "it holds no tensor"}
	var none *NoViewError
	if _, _, err := b.view(t); !errors.As(err, &none) {
		t.Errorf("a source without tensors: %v", err)
	}
	b, v = viewBench(t, nil)
	v.err = errors.New("worker killed")
	if _, _, err := b.view(t); err == nil || errors.As(err, &none) {
		t.Errorf("a worker that died: %v", err)
	}
	v.err = nil
	if _, _, err := b.view(t); err != nil {
		t.Errorf("a failure is remembered: %v", err)
	}
	b, _ = viewBench(t, func(c *Config) { c.Viewer = nil })
	if _, _, err := b.view(t); !errors.As(err, &none) {
		t.Errorf("views off: %v", err)
	}
}

// A view whose source was tampered with is made anew, although nothing else tells that it changed.
func TestTamperedView(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b, v := viewBench(t, nil)
	b.settle()
	got, _, err := b.view(t)
	if err != nil {
		t.Fatal(err)
	}
	b.gate.TamperedView("model.safetensors", "pytorch_model.bin", got.Judgement.Identity, &integrity.TamperError{})
	if _, _, err := b.view(t); err != nil || v.calls.Load() != 2 || b.analyst.calls.Load() != 1 {
		t.Errorf("made %d times, analysed %d, %v", v.calls.Load(), b.analyst.calls.Load(), err)
	}
}

// What is known of a view comes without work; a fresh one does not.
func TestRememberedView(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b, v := viewBench(t, nil)
	b.settle()
	f, err := b.tree.Regular("pytorch_model.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := Subject{File: f, Path: "pytorch_model.bin", Tree: b.tree}
	if _, known, _ := b.gate.RememberedView(s, "model.safetensors"); known || v.calls.Load() != 0 {
		t.Error("known before it was made")
	}
	made, _, err := b.view(t)
	if err != nil {
		t.Fatal(err)
	}
	got, known, err := b.gate.RememberedView(s, "model.safetensors")
	if err != nil || !known || got.Fingerprint() != made.Fingerprint() || v.calls.Load() != 1 {
		t.Errorf("known %v, %v", known, err)
	}
	if _, known, _ := b.gate.RememberedView(s, "other.safetensors"); known {
		t.Error("another name is known")
	}
}

// A view of a file whose source is replaced is another view.
func TestAChangedSourceIsAnotherView(t *testing.T) {
	b, _ := viewBench(t, nil)
	if _, text, err := b.view(t); err != nil || !strings.HasSuffix(text, "byte") {
		t.Fatal(text, err)
	}
	b.write("pytorch_model.bin", "other")
	if _, text, err := b.view(t); err != nil || !strings.HasSuffix(text, "othe") {
		t.Fatal(text, err)
	}
}
