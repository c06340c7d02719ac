package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		in, want string // want: part of the error, "" for none
	}{
		{`{"a":1,"b":[{"a":2},{"a":3}],"c":null}`, ""},
		{`7`, ""},
		{strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), ""},
		{strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), "deeper"},
		{"[" + strings.Repeat("1,", MaxValues-2) + "1]", ""},
		{"[" + strings.Repeat("1,", MaxValues-1) + "1]", "values"},
		{`{"a":1,"a":2}`, "twice"},
		{`{"a":1,"A":2}`, "twice"},
		{`{"a":1,"\u0061":2}`, "twice"},
		{`[{"x":{"y":1,"y":1}}]`, "twice"},
		{`{"a":1} {"a":1}`, "follows"},
		{`{"a":1}x`, "follows"},
		{`{"a":1`, "offset"},
		{`{"a" 1}`, "offset"},
		{`[1,`, "offset"},
		{``, "offset"},
		{"\"\xff\"", "UTF-8"},
	}
	for _, tt := range tests {
		err := Check([]byte(tt.in))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40s: %v, want %q", tt.in, err, tt.want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}]}`, `[[[[`, `{"a":1,"a":2}`, `"\u0000"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if Check(b) == nil && !json.Valid(b) {
			t.Error("taken, and no JSON")
		}
	})
}
