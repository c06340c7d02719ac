package all

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"trustfs/formats"
)

// fake is an inspector of bytes that hold a mark.
type fake struct {
	name, mark string
	inspect    func(c *formats.Context, s *formats.Source)
}

func (f fake) Name() string { return f.name }

func (f fake) Detect(_ *formats.Context, s *formats.Source) bool {
	b := make([]byte, s.Size)
	_, err := s.R.ReadAt(b, 0)
	return (err == nil || err == io.EOF) && bytes.Contains(b, []byte(f.mark))
}

func (f fake) Inspect(c *formats.Context, s *formats.Source) {
	if f.inspect != nil {
		f.inspect(c, s)
	}
}

func withTable(t *testing.T, entries ...entry) {
	t.Helper()
	old := table
	table = entries
	t.Cleanup(func() { table = old })
}

func inspectBytes(b []byte, names ...string) formats.Result {
	return Inspect(bytes.NewReader(b), int64(len(b)), names, Options{})
}

func rules(r formats.Result) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Rule)
	}
	return strings.Join(out, " ")
}

func TestFormatAndClass(t *testing.T) {
	withTable(t,
		entry{fake{name: "alpha", mark: "A!"}, "alpha"},
		entry{fake{name: "alpha-kind", mark: "A!k"}, "alpha"},
		entry{fake{name: "beta", mark: "B!"}, "beta"},
		entry{fake{name: formats.FormatCode, mark: "#!"}, weak},
		entry{fake{name: formats.FormatDocument, mark: "text"}, weak},
	)
	tests := []struct {
		content, name string
		format        string
		class         formats.Class
		formats       int
		rules         string
	}{
		{"A!", "x", "alpha", formats.ClassModel, 0, ""},
		{"A!k", "x", "alpha", formats.ClassModel, 2, ""},
		{"A! B!", "x", "alpha", formats.ClassModel, 2, formats.RulePolyglot},
		{"A! text", "x", "alpha", formats.ClassModel, 2, ""},
		{"text", "README", formats.FormatDocument, formats.ClassDocument, 0, ""},
		{"text", "x.PY", formats.FormatCode, formats.ClassCode, 0, ""},
		{"text", "x.pt", formats.FormatDocument, formats.ClassModel, 0, formats.RuleFormatUnknown},
		{"text", "lightgbm.model", formats.FormatDocument, formats.ClassModel, 0, ""},
		{"#!", "run", formats.FormatCode, formats.ClassCode, 0, ""},
		{"#!", "x.bin", formats.FormatCode, formats.ClassModel, 0, formats.RuleFormatUnknown},
		{"zzz", "x", formats.FormatOpaque, formats.ClassOpaque, 0, ""},
		{"zzz", "x.ckpt", formats.FormatOpaque, formats.ClassModel, 0, formats.RuleFormatUnknown},
		{"zzz", "libx.so.1", formats.FormatCode, formats.ClassCode, 0, ""},
		{"", "x", formats.FormatDocument, formats.ClassDocument, 0, ""},
		{"", "x.pt", formats.FormatOpaque, formats.ClassModel, 0, formats.RuleFormatUnknown},
		{"", "__init__.py", formats.FormatCode, formats.ClassCode, 0, ""},
	}
	for _, tt := range tests {
		r := inspectBytes([]byte(tt.content), "other", tt.name)
		if r.Format != tt.format || r.Class != tt.class || len(r.Formats) != tt.formats || rules(r) != tt.rules {
			t.Errorf("%q as %s: format %s class %s formats %v rules %q, want %s %s %d %q",
				tt.content, tt.name, r.Format, r.Class, r.Formats, rules(r), tt.format, tt.class, tt.formats, tt.rules)
		}
	}
}

func TestRefinedFormatIsTheFirst(t *testing.T) {
	withTable(t,
		entry{fake{name: "alpha", mark: "A!", inspect: func(c *formats.Context, s *formats.Source) { c.SetFormat(s, "alpha-2") }}, "alpha"},
		entry{fake{name: "beta", mark: "A!", inspect: func(c *formats.Context, s *formats.Source) { c.SetFormat(s, "beta-2") }}, weak},
	)
	r := inspectBytes([]byte("A!"))
	if r.Format != "alpha-2" || strings.Join(r.Formats, " ") != "alpha-2 beta-2" {
		t.Errorf("format %s formats %v, want alpha-2 and both", r.Format, r.Formats)
	}
}

func TestPanicRefuses(t *testing.T) {
	var null *formats.Source
	for _, f := range []fake{
		{name: "alpha", mark: "A!", inspect: func(*formats.Context, *formats.Source) { _ = null.Size }},
		{name: "alpha", mark: "A!", inspect: func(*formats.Context, *formats.Source) { panic("value from the file") }},
	} {
		withTable(t, entry{f, "alpha"}, entry{fake{name: "beta", mark: "A!", inspect: func(c *formats.Context, s *formats.Source) {
			c.Addf(formats.RuleReduce, "", "seen")
		}}, weak})
		r := inspectBytes([]byte("A!"))
		if rules(r) != formats.RuleInspectorFailed+" "+formats.RuleReduce {
			t.Fatalf("rules %q: the panic must be a finding, and the other inspectors must still run", rules(r))
		}
		if d := r.Findings[0].Detail; !strings.Contains(d, "TestPanicRefuses") || strings.Contains(d, "value from") {
			t.Errorf("detail %q: want the place in the code and nothing of the file", d)
		}
	}
}

type failing struct{ after int64 }

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.after {
		return 0, errors.New("bytes changed")
	}
	clear(p)
	return len(p), nil
}

func TestFailedReadRefuses(t *testing.T) {
	swallow := fake{name: "alpha", mark: "\x00", inspect: func(_ *formats.Context, s *formats.Source) {
		_, _ = s.R.ReadAt(make([]byte, 10), s.Size-10) // ignores the error
	}}
	withTable(t, entry{swallow, "alpha"})
	r := Inspect(failing{headBytes}, headBytes+100, nil, Options{})
	if rules(r) != formats.RuleInspectorFailed {
		t.Errorf("rules %q, want inspector_failed for a read that failed", rules(r))
	}
	r = Inspect(bytes.NewReader(make([]byte, 10)), 20, nil, Options{})
	if !strings.Contains(rules(r), formats.RuleInspectorFailed) {
		t.Errorf("rules %q, want inspector_failed for a file shorter than its size", rules(r))
	}
}

func TestNestedDepthAndStop(t *testing.T) {
	var again func(c *formats.Context, s *formats.Source)
	ran := 0
	again = func(c *formats.Context, s *formats.Source) {
		ran++
		c.Nested(c, &formats.Source{R: s.R, Size: s.Size, Where: s.Where + "/m", Depth: s.Depth + 1})
	}
	withTable(t, entry{fake{name: "alpha", mark: "A!", inspect: again}, "alpha"})
	r := inspectBytes([]byte("A!"))
	if rules(r) != formats.RuleLimitExceeded || ran != formats.DefaultBudget().Depth+1 {
		t.Errorf("rules %q after %d levels, want limit_exceeded after %d", rules(r), ran, formats.DefaultBudget().Depth+1)
	}
}

func TestNestedPolyglot(t *testing.T) {
	withTable(t,
		entry{fake{name: "outer", mark: "outer", inspect: func(c *formats.Context, s *formats.Source) {
			c.Nested(c, &formats.Source{R: strings.NewReader("A!B!"), Size: 4, Where: "m", Depth: 1})
		}}, "outer"},
		entry{fake{name: "alpha", mark: "A!"}, "alpha"}, entry{fake{name: "beta", mark: "B!"}, "beta"},
	)
	r := inspectBytes([]byte("outer"))
	if rules(r) != formats.RulePolyglot || r.Findings[0].Where != "m" || r.Format != "outer" {
		t.Errorf("findings %v format %s, want a polyglot at m in outer", r.Findings, r.Format)
	}
}
