package codescan

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestConvicts(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	pad := strings.Repeat("x", 30)
	tests := map[string]string{
		"<script>fetch('http://x')</script>":                          "a script tag",
		"<SCRIPT src=x>":                                              "a script tag",
		"<a href=\"javascript:alert(1)\">":                            "a javascript: address",
		"#!/bin/sh\nrm":                                               "an interpreter line",
		"x = __import__('os')":                                        "Python that imports by name",
		"importlib.import_module('os')":                               "Python that imports by name",
		"import os; os.system('id')":                                  "Python that starts a program",
		"subprocess.Popen(['id'])":                                    "Python that starts a program",
		"eval(compile(x))":                                            "Python that runs text",
		"exec('import os')":                                           "Python that runs text",
		"pickle.loads(x)":                                             "Python that loads a pickle",
		`{"_target_": "os.system"}`:                                   "a hydra _target_",
		"a:\n  _target_: x.Y":                                         "a hydra _target_",
		"!!python/object/apply:os.system":                             "a YAML Python tag",
		"cos\nsystem\n(S'id'\ntR.":                                    "a pickle as text",
		b64([]byte("\x80\x04\x95" + pad)):                             "a pickle in base64",
		"data:" + b64([]byte("\x7fELF"+pad)) + " end":                 "an ELF program in base64",
		base64.URLEncoding.EncodeToString([]byte("PK\x03\x04" + pad)): "a zip archive in base64",
		b64([]byte("import os;" + pad)):                               "Python code in base64",
	}
	for s, want := range tests {
		var got []string
		for _, h := range Text(s) {
			got = append(got, h.What)
		}
		if !strings.Contains(strings.Join(got, ";"), want) {
			t.Errorf("%q: %v, want %s", s, got, want)
		}
	}
}

func TestAcquits(t *testing.T) {
	for _, s := range []string{
		"", "pt", "A model for the evaluation (eval) of scripts.", "Trained with os.path and subprocess pools.",
		"https://example.org/models?x=1", "masterpiece, best quality, (1girl:1.2), <lora:x:0.8>",
		`{"ss_learning_rate": "0.0001", "ss_tag_frequency": {"a b": {"c": 1}}}`,
		strings.Repeat("0123456789abcdef", 4), // a hash
		"MZ", "PK", "import the model with model.load(path)",
		"eval(uation) of the exec(utive)", "description\ntitle\nRio",
		base64.StdEncoding.EncodeToString([]byte(strings.Repeat("plain text ", 5))),
	} {
		if hits := Text(s); len(hits) > 0 {
			t.Errorf("%q: %v, want nothing", s, hits)
		}
	}
}
