package pbwire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func fields(b []byte) (string, error) {
	r := New(bytes.NewReader(b), int64(len(b)))
	var out []string
	err := r.Fields(Span{0, int64(len(b))}, func(f Field) error {
		if f.IsBytes() {
			out = append(out, fmt.Sprintf("%d:%s", f.Num, r.Head(f.Span, 100)))
		} else {
			out = append(out, fmt.Sprintf("%d=%d", f.Num, f.Value))
		}
		return nil
	})
	return strings.Join(out, " "), err
}

func TestFields(t *testing.T) {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 300)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), "abc")
	b = protowire.AppendFixed32(protowire.AppendTag(b, 3, protowire.Fixed32Type), 7)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 4, protowire.Fixed64Type), 8)
	b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), "")
	if got, err := fields(b); err != nil || got != "1=300 2:abc 3=7 4=8 2:" {
		t.Errorf("%q, %v", got, err)
	}
	for n := 1; n < len(b)-2; n++ {
		if _, err := fields(b[:n]); err == nil && !map[int]bool{3: true, 8: true, 13: true, 22: true}[n] {
			t.Errorf("cut at %d: no error", n)
		}
	}
}

func TestBroken(t *testing.T) {
	for name, b := range map[string][]byte{
		"field 0": {0x00, 0x00}, "group": {0x0b, 0x0c}, "wire type 7": {0x0f},
		"length": {0x0a, 0x05, 1}, "huge length": {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"varint": bytes.Repeat([]byte{0xff}, 30),
	} {
		_, err := fields(b)
		var e *Error
		if !errors.As(err, &e) || e.Limit {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	b := bytes.Repeat([]byte{0x08, 0x01}, 10)
	r := New(bytes.NewReader(b), int64(len(b)))
	r.max = 9
	err := r.Fields(Span{0, int64(len(b))}, func(Field) error { return nil })
	var e *Error
	if !errors.As(err, &e) || !e.Limit {
		t.Errorf("%v, want a limit", err)
	}
	if _, err := r.Bytes(Span{0, 11}, 10); !errors.As(err, &e) || !e.Limit {
		t.Errorf("%v, want a limit", err)
	}
	if _, err := New(bytes.NewReader(nil), 10).Bytes(Span{0, 10}, 10); !errors.As(err, &e) || e.Err == nil {
		t.Errorf("%v, want the failed read", err)
	}
}
