//go:build !lean

package sigstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"trustfs/provenance/envelope"
	"trustfs/provenance/sigstoretest"
)

const (
	who    = "alice@example.com"
	issuer = "https://accounts.example.com"
)

var artifact = []byte("weights")

// lenient leaves out the certificate timestamps, which the test authority does not make.
var lenient = Thresholds{LogEntries: 1, Timestamps: 1, Certificates: -1}

func verifier(t *testing.T, a *sigstoretest.Authority, th Thresholds) *Verifier {
	t.Helper()
	v, err := New(a.Root(), th)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func about(b []byte) *Artifact {
	return &Artifact{SHA256: sha256.Sum256(b), Size: int64(len(b)), Bytes: strings.NewReader(string(b))}
}

func statement(digest string) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":%q}}],"predicateType":"https://example.com/p","predicate":{}}`, digest)
}

func TestVerify(t *testing.T) {
	a, stranger := sigstoretest.New(t), sigstoretest.New(t)
	v := verifier(t, a, lenient)
	sum := sha256.Sum256(artifact)
	named := statement(hex.EncodeToString(sum[:]))
	tests := []struct {
		name string
		make func() *protobundle.Bundle
		want string // part of the error
	}{
		{"message", func() *protobundle.Bundle { return a.Sign(who, issuer, artifact) }, ""},
		{"statement", func() *protobundle.Bundle { return a.Attest(who, issuer, named) }, ""},
		{"statement about another", func() *protobundle.Bundle { return a.Attest(who, issuer, statement(strings.Repeat("0", 64))) }, "digest"},
		{"another artifact", func() *protobundle.Bundle { return a.Sign(who, issuer, []byte("other")) }, "digest"},
		{"stranger's authority", func() *protobundle.Bundle { return stranger.Sign(who, issuer, artifact) }, "log"},
		{"expired certificate", func() *protobundle.Bundle { return a.SignAt(who, issuer, artifact, time.Now().Add(40*time.Minute)) }, "certificate"},
		{"future certificate", func() *protobundle.Bundle { return a.SignAt(who, issuer, artifact, time.Now().Add(-40*time.Minute)) }, "certificate"},
		{"no log entry", func() *protobundle.Bundle {
			b := a.Sign(who, issuer, artifact)
			b.VerificationMaterial.TlogEntries = nil
			return b
		}, "log"},
		{"log entry of another signature", func() *protobundle.Bundle {
			b := a.Sign(who, issuer, artifact)
			b.VerificationMaterial.TlogEntries = a.Sign(who, issuer, artifact).VerificationMaterial.TlogEntries
			return b
		}, "log"},
		{"changed promise", func() *protobundle.Bundle {
			b := a.Sign(who, issuer, artifact)
			b.VerificationMaterial.TlogEntries[0].IntegratedTime++
			return b
		}, "log"},
		{"the same entry twice", func() *protobundle.Bundle {
			b := a.Sign(who, issuer, artifact)
			e := b.VerificationMaterial.TlogEntries
			b.VerificationMaterial.TlogEntries = append(e, sigstoretest.Clone(e[0]))
			return b
		}, "duplicate"},
		{"changed signature", func() *protobundle.Bundle {
			b := a.Sign(who, issuer, artifact)
			s := b.GetMessageSignature().Signature
			s[len(s)-1] ^= 1
			return b
		}, "log"},
		{"proof of inclusion", func() *protobundle.Bundle { return a.AttestProven(who, issuer, named) }, ""},
		{"wrong root in the proof", func() *protobundle.Bundle {
			b := a.AttestProven(who, issuer, named)
			b.VerificationMaterial.TlogEntries[0].InclusionProof.RootHash[0] ^= 1
			return b
		}, "inclusion"},
		{"wrong checkpoint", func() *protobundle.Bundle {
			b := a.AttestProven(who, issuer, named)
			p := b.VerificationMaterial.TlogEntries[0].InclusionProof
			p.Checkpoint.Envelope = strings.Replace(p.Checkpoint.Envelope, "\n", "x\n", 1)
			return b
		}, "log"},
		{"no proof where one is due", func() *protobundle.Bundle {
			b := a.AttestProven(who, issuer, named)
			b.VerificationMaterial.TlogEntries[0].InclusionProof = nil
			return b
		}, "proof"},
		{"another version", func() *protobundle.Bundle {
			b := a.Sign(who, issuer, artifact)
			b.MediaType = "application/vnd.dev.sigstore.bundle.v0.9+json"
			return b
		}, "proof"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := envelope.Parse(sigstoretest.JSON(t, tt.make()))
			if err != nil {
				t.Fatal(err)
			}
			s, err := v.Verify(context.Background(), b, about(artifact))
			if tt.want == "" {
				if err != nil || s != (Signer{who, issuer}) {
					t.Errorf("%+v, %v", s, err)
				}
				return
			}
			if err == nil || s != (Signer{}) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v, %v; want an error with %q", s, err, tt.want)
			}
		})
	}
}

func TestVerifyWithoutArtifact(t *testing.T) {
	a := sigstoretest.New(t)
	v := verifier(t, a, lenient)
	for _, tt := range []struct {
		b  *protobundle.Bundle
		ok bool
	}{{a.Attest(who, issuer, statement("")), true}, {a.Sign(who, issuer, artifact), false}} {
		b, err := envelope.Parse(sigstoretest.JSON(t, tt.b))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := v.Verify(context.Background(), b, nil); (err == nil) != tt.ok {
			t.Errorf("statement %v: %+v, %v", b.IsStatement(), s, err)
		}
	}
}

func TestThresholds(t *testing.T) {
	a := sigstoretest.New(t)
	b, err := envelope.Parse(sigstoretest.JSON(t, a.Sign(who, issuer, artifact)))
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range []Thresholds{DefaultThresholds(), {LogEntries: 2, Timestamps: 1, Certificates: -1}, {LogEntries: 1, Timestamps: 3, Certificates: -1}} {
		if _, err := verifier(t, a, th).Verify(context.Background(), b, about(artifact)); err == nil {
			t.Errorf("%+v: verified with less", th)
		}
	}
	if _, err := New(a.Root(), Thresholds{LogEntries: 1}); err == nil {
		t.Error("no timestamp asked for, and no error")
	}
	for name, r := range map[string][]byte{"empty": nil, "no JSON": []byte("x"), "large": make([]byte, MaxRootBytes+1)} {
		if _, err := New(r, lenient); err == nil {
			t.Errorf("%s: taken as a trusted root", name)
		}
	}
}

func FuzzVerify(f *testing.F) {
	a := sigstoretest.New(f)
	v, err := New(a.Root(), lenient)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sigstoretest.JSON(f, a.Sign(who, issuer, artifact)))
	f.Add(sigstoretest.JSON(f, a.Attest(who, issuer, statement("00"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := envelope.Parse(data)
		if err != nil {
			return
		}
		if s, err := v.Verify(context.Background(), b, about([]byte("never signed"))); err == nil {
			t.Errorf("verified for %+v", s)
		}
	})
}
