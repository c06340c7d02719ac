package tasks

import (
	"strings"
	"testing"

	"trustfs/formats"
)

// Only what an honest worker says counts as an answer.
func TestDecodeInflated(t *testing.T) {
	for answer, want := range map[string]string{`{}`: "", `{"limit":"CRC"}`: "CRC", ` {} `: ""} {
		if limit, err := DecodeInflated([]byte(answer)); err != nil || limit != want {
			t.Errorf("%s: %q, %v", answer, limit, err)
		}
	}
	for _, answer := range []string{``, `null more`, `{"limit":1}`, `{"ok":true}`, `{}{}`, `[]`, `"CRC"`} {
		if _, err := DecodeInflated([]byte(answer)); err == nil {
			t.Errorf("%q is taken for an answer", answer)
		}
	}
	limit, err := DecodeInflated([]byte(`{"limit":"` + strings.Repeat("x", 1<<20) + `"}`))
	if err != nil || len(limit) != 4*formats.MaxDetail {
		t.Errorf("a reason of %d bytes, %v", len(limit), err)
	}
}
