package tasks

import (
	"encoding/json"
	"strings"
	"testing"

	"trustfs/formats"
)

func good() formats.Result {
	return formats.Result{Format: "pickle", Class: formats.ClassModel, Formats: []string{"pickle", "pytorch-zip"},
		Findings: []formats.Finding{{Rule: "global_dangerous", Where: "a@1", Detail: "posix.system"}},
		Facts:    formats.Facts{Globals: []string{"posix:system"}, Extra: map[string]string{"a": "b"}}}
}

func TestDecodeResultTakesWhatAWorkerSays(t *testing.T) {
	b, err := json.Marshal(good())
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResult(b)
	if err != nil || got.Findings[0].Detail != "posix.system" || got.Facts.Extra["a"] != "b" {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestDecodeResultRefusesLies(t *testing.T) {
	long := strings.Repeat("x", 17<<10)
	for name, change := range map[string]func(*formats.Result){
		"no class":         func(r *formats.Result) { r.Class = "" },
		"class":            func(r *formats.Result) { r.Class = "admitted" },
		"format":           func(r *formats.Result) { r.Format = "a b" },
		"empty format":     func(r *formats.Result) { r.Format = "" },
		"formats":          func(r *formats.Result) { r.Formats = []string{"\x1b[31m"} },
		"many formats":     func(r *formats.Result) { r.Formats = make([]string, 65) },
		"no findings":      func(r *formats.Result) { r.Findings = nil },
		"rule":             func(r *formats.Result) { r.Findings[0].Rule = "" },
		"detail":           func(r *formats.Result) { r.Findings[0].Detail = long },
		"where":            func(r *formats.Result) { r.Findings[0].Where = long },
		"preset":           func(r *formats.Result) { r.Findings[0].Preset = long },
		"findings":         func(r *formats.Result) { r.Findings = make([]formats.Finding, 2001) },
		"truncated":        func(r *formats.Result) { r.Truncated = -1 },
		"tensors":          func(r *formats.Result) { r.Facts.Tensors = -1 },
		"parameters":       func(r *formats.Result) { r.Facts.Parameters = -1 },
		"globals":          func(r *formats.Result) { r.Facts.Globals = make([]string, formats.MaxGlobals+1) },
		"long global":      func(r *formats.Result) { r.Facts.Globals[0] = long },
		"long call":        func(r *formats.Result) { r.Facts.Calls = []string{long} },
		"long extra":       func(r *formats.Result) { r.Facts.Extra["a"] = long },
		"long extra key":   func(r *formats.Result) { r.Facts.Extra[long] = "" },
		"view_of too long": func(r *formats.Result) { r.Facts.ViewOf = long },
	} {
		r := good()
		change(&r)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeResult(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	b, _ := json.Marshal(good())
	for name, s := range map[string]string{
		"nothing": "", "null": "null", "array": "[]", "trailing": string(b) + "{}", "half": string(b[:len(b)/2]),
		"unknown field": `{"verdict":"allow",` + string(b[1:]),
	} {
		if _, err := DecodeResult([]byte(s)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzDecodeResult(f *testing.F) {
	b, _ := json.Marshal(good())
	f.Add(b)
	f.Add([]byte(`{"format":"x","class":"model","findings":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeResult(b)
		if err != nil {
			return
		}
		if r.Format == "" || r.Class == "" || r.Findings == nil {
			t.Fatalf("accepted an empty result: %+v", r)
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeResult(again); err != nil {
			t.Fatalf("what was accepted once is refused: %v", err)
		}
	})
}
