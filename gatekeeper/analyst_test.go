package gatekeeper

import (
	"strings"
	"testing"
)

func TestAnswersAreNotTrusted(t *testing.T) {
	long := strings.Repeat("x", 600)
	tests := map[string]string{
		`{"format":"gguf","class":"model","findings":[]}`: "",
		``:     "unexpected end",
		`{}`:   "no format",
		`null`: "no format",
		`{"format":"` + long + `","class":"model","findings":[]}`:                                                  "no format",
		`{"format":"gguf","class":"admitted","findings":[]}`:                                                       "class",
		`{"format":"gguf","class":"model"}`:                                                                        "no list of findings",
		`{"format":"gguf","class":"model","findings":[{}]}`:                                                        "out of its bounds",
		`{"format":"gguf","class":"model","findings":[{"rule":"reduce","detail":"` + long + `"}]}`:                 "out of its bounds",
		`{"format":"gguf","class":"model","findings":[` + strings.Repeat(`{"rule":"a"},`, 3000) + `{"rule":"a"}]}`: "longer",
		`{"format":"gguf","class":"model","findings":[]} {"format":"pickle"}`:                                      "after top-level",
	}
	for answer, want := range tests {
		r, err := decodeResult([]byte(answer))
		if want == "" && (err != nil || r == nil) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.80s: %v, expected %q", answer, err, want)
		}
	}
}
