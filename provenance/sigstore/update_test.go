//go:build !lean

package sigstore

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"trustfs/provenance/sigstoretest"
)

func TestShow(t *testing.T) {
	var b bytes.Buffer
	if err := Show(&b, sigstoretest.New(t).Root()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"certificate authority", "timestamp authority", "transparency log", "certificate log", "https://rekor.localhost"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	if err := Show(&b, []byte("{}")); err == nil {
		t.Error("shown: what is no trusted root")
	}
}

func TestFetchAsksForWhatItNeeds(t *testing.T) {
	for name, s := range map[string]Source{"no cache": {}, "no anchor": {Cache: t.TempDir(), Mirror: "https://tuf.example.com"}, "bad anchor": {Cache: t.TempDir(), Anchor: []byte("{}")}} {
		if b, err := Fetch(context.Background(), s); err == nil {
			t.Errorf("%s: %d bytes and no error", name, len(b))
		}
	}
}
