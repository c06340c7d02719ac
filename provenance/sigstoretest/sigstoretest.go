// Package sigstoretest makes Sigstore bundles for tests, with sigstore-go's own authority, log and timestamp authority.
package sigstoretest

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"

	"trustfs/provenance/envelope"
)

// An Authority is a whole Sigstore of its own.
type Authority struct {
	t       testing.TB
	Virtual *ca.VirtualSigstore
}

// New makes an Authority.
func New(t testing.TB) *Authority {
	t.Helper()
	v, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{t, v}
}

// Root is the authority's trusted_root.json.
func (a *Authority) Root() []byte {
	a.t.Helper()
	rekor := maps.Clone(a.Virtual.RekorLogs())
	for id, log := range rekor { // the test authority gives the identifier in hexadecimal; the file has the bytes
		raw, err := hex.DecodeString(id)
		if err != nil {
			a.t.Fatal(err)
		}
		log.ID = raw
	}
	ct := maps.Clone(a.Virtual.CTLogs())
	for id, log := range ct {
		raw, err := hex.DecodeString(id)
		if err != nil {
			a.t.Fatal(err)
		}
		log.ID, log.SignatureHashFunc = raw, log.HashFunc
	}
	tr, err := root.NewTrustedRoot(root.TrustedRootMediaType01, a.Virtual.FulcioCertificateAuthorities(), ct, a.Virtual.TimestampingAuthorities(), rekor)
	if err != nil {
		a.t.Fatal(err)
	}
	b, err := tr.MarshalJSON()
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// Sign makes a bundle (version 0.1, with a log's promise) over an artifact.
func (a *Authority) Sign(identity, issuer string, artifact []byte) *protobundle.Bundle {
	a.t.Helper()
	e, err := a.Virtual.SignWithVersion(identity, issuer, artifact, "v0.1")
	return a.bundle(e, err, artifact)
}

// SignAt is Sign with the time that the log says.
func (a *Authority) SignAt(identity, issuer string, artifact []byte, at time.Time) *protobundle.Bundle {
	a.t.Helper()
	e, err := a.Virtual.SignAtTimeWithVersion(identity, issuer, artifact, at, "v0.1")
	return a.bundle(e, err, artifact)
}

// Attest makes a bundle over an in-toto statement.
func (a *Authority) Attest(identity, issuer string, statement []byte) *protobundle.Bundle {
	a.t.Helper()
	e, err := a.Virtual.Attest(identity, issuer, statement)
	return a.bundle(e, err, nil)
}

// AttestProven is Attest with a proof that the log includes the entry (version 0.2).
func (a *Authority) AttestProven(identity, issuer string, statement []byte) *protobundle.Bundle {
	a.t.Helper()
	e, err := a.Virtual.AttestAtTime(identity, issuer, statement, time.Now().Add(5*time.Minute), true)
	b := a.bundle(e, err, nil)
	b.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2"
	return b
}

func (a *Authority) bundle(e *ca.TestEntity, err error, artifact []byte) *protobundle.Bundle {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	content, err := e.VerificationContent()
	if err != nil {
		a.t.Fatal(err)
	}
	entries, err := e.TlogEntries()
	if err != nil {
		a.t.Fatal(err)
	}
	stamps, err := e.Timestamps()
	if err != nil {
		a.t.Fatal(err)
	}
	b := &protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:                   &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: chain(content.Certificate())},
			TimestampVerificationData: &protobundle.TimestampVerificationData{},
		},
	}
	for _, entry := range entries {
		b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, a.logEntry(entry.TransparencyLogEntry()))
	}
	for _, s := range stamps {
		b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps = append(b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps,
			&protocommon.RFC3161SignedTimestamp{SignedTimestamp: s})
	}
	a.content(b, e, artifact)
	return b
}

// logEntry adds what an entry has in a file and not in the test authority's memory: its kind, and the log's promise.
func (a *Authority) logEntry(e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	a.t.Helper()
	out := Clone(e)
	var body struct{ Kind, APIVersion string }
	if err := json.Unmarshal(out.CanonicalizedBody, &body); err != nil {
		a.t.Fatal(err)
	}
	out.KindVersion = &protorekor.KindVersion{Kind: body.Kind, Version: body.APIVersion}
	promise, err := a.Virtual.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(out.CanonicalizedBody), IntegratedTime: out.IntegratedTime,
		LogIndex: out.LogIndex, LogID: hex.EncodeToString(out.LogId.KeyId),
	})
	if err != nil {
		a.t.Fatal(err)
	}
	out.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	return out
}

func (a *Authority) content(b *protobundle.Bundle, e *ca.TestEntity, artifact []byte) {
	a.t.Helper()
	sig, err := e.SignatureContent()
	if err != nil {
		a.t.Fatal(err)
	}
	if env := sig.EnvelopeContent(); env != nil {
		payload, err := env.RawEnvelope().DecodeB64Payload()
		if err != nil {
			a.t.Fatal(err)
		}
		b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: payload, PayloadType: envelope.PayloadType, Signatures: []*protodsse.Signature{{Sig: sig.Signature()}},
		}}
		return
	}
	sum := sha256.Sum256(artifact)
	b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
		MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]}, Signature: sig.Signature(),
	}}
}

func chain(leaf *x509.Certificate) *protocommon.X509CertificateChain {
	return &protocommon.X509CertificateChain{Certificates: []*protocommon.X509Certificate{{RawBytes: leaf.Raw}}}
}

// Clone copies a log entry.
func Clone(e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	b, err := protojson.Marshal(e)
	if err != nil {
		panic(err)
	}
	out := &protorekor.TransparencyLogEntry{}
	if err := protojson.Unmarshal(b, out); err != nil {
		panic(err)
	}
	return out
}

// JSON is a bundle as it stands in a file.
func JSON(t testing.TB, b *protobundle.Bundle) []byte {
	t.Helper()
	out, err := protojson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
