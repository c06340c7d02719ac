package provenance

import (
	"context"
	"maps"
	"testing"
	"testing/fstest"
)

func TestVerifyFolder(t *testing.T) {
	s, trusted := signerKey(t)
	_, foreign := signerKey(t)
	signed := fstest.MapFS{"a.bin": {Data: []byte("a")}, "sub/b.bin": {Data: []byte("b")}}
	sig := &fstest.MapFile{Data: must(s.Sign(context.Background(), signed, "m", "model.sig"))}
	tests := []struct {
		name   string
		key    []TrustKey
		change func(fstest.MapFS)
		status string
		report bool
	}{
		{"as signed", []TrustKey{trusted}, func(fstest.MapFS) {}, SignatureValid, true},
		{"flipped", []TrustKey{trusted}, func(f fstest.MapFS) { f["a.bin"] = &fstest.MapFile{Data: []byte("b")} }, SignatureInvalid, true},
		{"added", []TrustKey{trusted}, func(f fstest.MapFS) { f["c.bin"] = &fstest.MapFile{} }, SignatureInvalid, true},
		{"missing", []TrustKey{trusted}, func(f fstest.MapFS) { delete(f, "sub/b.bin") }, SignatureInvalid, true},
		{"foreign key", []TrustKey{foreign}, func(fstest.MapFS) {}, SignatureInvalid, false},
		{"no key", nil, func(fstest.MapFS) {}, SignatureUnverifiable, false},
		{"no signature", []TrustKey{trusted}, func(f fstest.MapFS) { delete(f, "model.sig") }, SignatureNone, false},
		{"junk", []TrustKey{trusted}, func(f fstest.MapFS) { f["model.sig"] = &fstest.MapFile{Data: []byte("junk")} }, SignatureUnverifiable, false},
	}
	for _, tt := range tests {
		folder := maps.Clone(signed)
		folder["model.sig"] = sig
		tt.change(folder)
		v := must(New(Options{TrustKeys: tt.key}))
		got, report, err := v.VerifyFolder(context.Background(), folder, "model.sig")
		if err != nil || got.Status != tt.status || (report != nil) != tt.report || report != nil && report.OK() != (tt.status == SignatureValid) {
			t.Errorf("%s: %+v, %+v, %v; want %s", tt.name, got, report, err, tt.status)
		}
	}
}
