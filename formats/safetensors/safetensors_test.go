package safetensors

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

// build makes a file of a header and n bytes of data.
func build(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func tensor(name, dtype, shape string, begin, end int) string {
	return fmt.Sprintf(`%q:{"dtype":%q,"shape":[%s],"data_offsets":[%d,%d]}`, name, dtype, shape, begin, end)
}

const (
	ok        = ""
	malformed = formats.RuleFormatMalformed
	code      = formats.RuleSafetensorsCode
)

func TestHeaders(t *testing.T) {
	two := tensor("a", "F32", "2,3", 0, 24) + "," + tensor("b", "I64", "", 24, 32)
	tests := []struct {
		name   string
		header string
		data   int
		want   string
	}{
		{"two tensors", "{" + two + "}", 32, ok},
		{"empty", "{}", 0, ok},
		{"spaces after", "{" + two + "}   ", 32, ok},
		{"order of names", "{" + tensor("b", "U8", "4", 4, 8) + "," + tensor("a", "U8", "4", 0, 4) + "}", 8, ok},
		{"no elements", "{" + tensor("a", "U8", "0,7", 0, 0) + "," + tensor("b", "U8", "1", 0, 1) + "}", 1, ok},
		{"four bits", "{" + tensor("a", "F4", "2", 0, 1) + "}", 1, ok},
		{"six bits", "{" + tensor("a", "F6_E2M3", "4", 0, 3) + "}", 3, ok},
		{"metadata", `{"__metadata__":{"format":"pt","note":"eval of models"},` + two + "}", 32, ok},

		{"duplicate tensor", "{" + two + "," + tensor("a", "U8", "0", 32, 32) + "}", 32, malformed},
		{"escaped duplicate", "{" + two + "," + strings.Replace(tensor("x", "U8", "0", 32, 32), "x", `\u0061`, 1) + "}", 32, malformed},
		{"duplicate dtype", `{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, malformed},
		{"hole", "{" + tensor("a", "U8", "1", 0, 1) + "," + tensor("b", "U8", "1", 2, 3) + "}", 3, malformed},
		{"hole first", "{" + tensor("a", "U8", "1", 1, 2) + "}", 2, malformed},
		{"overlap", "{" + tensor("a", "U8", "2", 0, 2) + "," + tensor("b", "U8", "2", 1, 3) + "}", 3, malformed},
		{"bytes after", "{" + two + "}", 33, malformed},
		{"bytes missing", "{" + two + "}", 31, malformed},
		{"size differs", "{" + tensor("a", "F32", "2", 0, 4) + "}", 4, malformed},
		{"size too large", "{" + tensor("a", "U8", "1", 0, 2) + "}", 2, malformed},
		{"part of a byte", "{" + tensor("a", "F4", "3", 0, 1) + "}", 1, malformed},
		{"overflow", "{" + tensor("a", "U8", "4294967296,4294967296", 0, 0) + "}", 0, malformed},
		{"overflow in bits", "{" + tensor("a", "F64", "9223372036854775807", 0, 0) + "}", 0, malformed},
		{"descending", "{" + tensor("a", "U8", "1", 2, 1) + "}", 1, malformed},
		{"negative", "{" + tensor("a", "U8", "-1", 0, 1) + "}", 1, malformed},
		{"fraction", "{" + tensor("a", "U8", "1.0", 0, 1) + "}", 1, malformed},
		{"nested shape", "{" + tensor("a", "U8", "[1]", 0, 1) + "}", 1, malformed},
		{"long shape", "{" + tensor("a", "U8", strings.Repeat("1,", 64)+"1", 0, 1) + "}", 1, malformed},
		{"unknown member", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 1, malformed},
		{"case of member", `{"a":{"Dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, malformed},
		{"no shape", `{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1, malformed},
		{"not an object", `{"a":1}`, 0, malformed},
		{"tab after", "{" + two + "}\t", 32, malformed},
		{"second value", "{" + two + "}{}", 32, malformed},
		{"cut", "{" + two, 32, malformed},
		{"bad utf-8", "{" + strings.Replace(two, `"b"`, "\"\xff\"", 1) + "}", 32, malformed},
		{"unknown dtype", "{" + tensor("a", "F128", "1", 0, 16) + "}", 16, formats.RuleDtypeUnsafe},
		{"metadata number", `{"__metadata__":{"a":1}}`, 0, malformed},
		{"metadata list", `{"__metadata__":[]}`, 0, malformed},
		{"metadata twice", `{"__metadata__":{},"__metadata__":{}}`, 0, malformed},
		{"metadata key twice", `{"__metadata__":{"a":"","a":""}}`, 0, malformed},
		{"deep", `{"__metadata__":{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "}}", 0, malformed + " " + formats.RuleLimitExceeded},

		{"script", `{"__metadata__":{"a":"<script>x</script>"}}`, 0, code},
		{"code in a key", `{"__metadata__":{"__import__('os')":""}}`, 0, code},
		{"template", `{"__metadata__":{"chat_template":"{{ x.__class__ }}"}}`, 0, code},
		{"hydra", `{"__metadata__":{"config":"{\"_target_\": \"os.system\"}"}}`, 0, code},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inspecttest.Expect(t, Inspector{}, build(tt.header, tt.data), tt.want)
		})
	}
}

func TestLength(t *testing.T) {
	lie := func(n uint64) []byte {
		b := build("{}", 0)
		binary.LittleEndian.PutUint64(b, n)
		return b
	}
	for n, want := range map[uint64]string{
		2: ok, 3: malformed, MaxHeader: malformed,
		MaxHeader + 1: malformed + " " + formats.RuleHeaderOversized,
		1 << 63:       malformed + " " + formats.RuleHeaderOversized,
	} {
		inspecttest.Expect(t, Inspector{}, lie(n), want, "x.safetensors")
	}
	if _, detected := inspecttest.Run(Inspector{}, lie(3), "x.bin"); detected {
		t.Error("a length beyond the file is detected without the name")
	}
	for _, b := range [][]byte{nil, []byte("12345678"), build(" {}", 0), []byte(`{"abcde": {"x":1}}`)} {
		if _, detected := inspecttest.Run(Inspector{}, b); detected {
			t.Errorf("%q is detected", b)
		}
	}
}

func TestFacts(t *testing.T) {
	r := inspecttest.Expect(t, Inspector{}, build("{"+tensor("a", "F32", "2,3", 0, 24)+","+tensor("b", "BF16", "5", 24, 34)+"}", 34), ok)
	if f := r.Facts; f.Tensors != 2 || f.Parameters != 11 || strings.Join(f.Dtypes, " ") != "BF16 F32" {
		t.Errorf("facts %+v, want 2 tensors, 11 parameters, BF16 F32", f)
	}
}

func TestWhere(t *testing.T) {
	r := inspecttest.Expect(t, Inspector{}, build(`{"__metadata__":{"k":"#!/bin/sh"}}`, 0), code)
	if got := r.Findings[0].Where; got != "header:__metadata__.k" {
		t.Errorf("where %q", got)
	}
	r = inspecttest.Expect(t, Inspector{}, build("{} x", 0), malformed)
	if got := r.Findings[0].Where; got != "@11" {
		t.Errorf("where %q, want the offset in the file", got)
	}
}

func TestMutations(t *testing.T) {
	good := build(`{"__metadata__":{"format":"pt"},`+tensor("a", "F32", "2,3", 0, 24)+"}", 24)
	inspecttest.Mutations(t, Inspector{}, good, "x.safetensors")
}

func FuzzInspect(f *testing.F) {
	inspecttest.Fuzz(f, Inspector{}, "x.safetensors", build("{"+tensor("a", "F32", "2,3", 0, 24)+"}", 24),
		build(`{"__metadata__":{"format":"pt"}}  `, 0))
}
