package provenance

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"trustfs/internal/lean"
	"trustfs/provenance/envelope"
	"trustfs/provenance/keys"
	"trustfs/provenance/modelsigning"
	"trustfs/provenance/sigstore"
)

// A signedStatement is a statement whose signature has been checked, by whom it is, and the manifest in it.
type signedStatement struct {
	signature Signature // Status valid or untrusted for a good signature, else invalid or unverifiable
	statement *envelope.Statement
	manifest  *modelsigning.Manifest // nil when the statement is none
}

// bundle checks one bundle. rel is the file's name relative to the folder that a manifest covers, "" for a bundle that
// carries the file's own name; base is the file's last name.
func (c *signatureCheck) bundle(ctx context.Context, p string, b []byte, rel, base string) error {
	if err := lean.Lacks("the bundle " + p); err != nil {
		return err
	}
	key := sha256.Sum256(b)
	st := c.v.statement(key)
	if st == nil {
		parsed, err := envelope.Parse(b)
		if err != nil {
			c.add(SignatureUnverifiable, KindSigstore, p, "%v", err)
			return nil
		}
		if !parsed.IsStatement() {
			return c.messageBundle(ctx, p, parsed)
		}
		if st, err = c.openStatement(ctx, parsed); err != nil {
			return err
		}
		if parsed.Material() != envelope.ByChain { // whose certificates expire
			c.v.keepStatement(key, st)
		}
	}
	return c.hold(ctx, p, st, rel, base)
}

// messageBundle checks a bundle that signs the file itself.
func (c *signatureCheck) messageBundle(ctx context.Context, p string, b *envelope.Bundle) error {
	if b.Material() == envelope.ByKey {
		sig := keys.Raw(b.Signature())
		status, key, err := keys.Verify(ctx, c.v.trust.keys, sig, c.target())
		return c.byKey(KindSigstore, p, status, key, err)
	}
	if b.Material() != envelope.Sigstore || c.v.trust.sigstore == nil {
		c.add(SignatureUnverifiable, KindSigstore, p, "no trusted root to check it against, or a certificate without log entry and timestamp")
		return nil
	}
	signer, err := c.v.trust.sigstore.Verify(ctx, b, &sigstore.Artifact{SHA256: c.s.SHA256, Size: c.s.Size, Bytes: c.s.File})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, sigstore.ErrNoBytes):
		c.add(SignatureUnverifiable, KindSigstore, p, "%v", err)
	case err != nil:
		c.add(SignatureInvalid, KindSigstore, p, "%v", err)
	default:
		found := c.add(c.v.trust.status(signer), KindSigstore, p, "signed")
		found.Identity, found.Issuer = signer.Identity, signer.Issuer
	}
	return nil
}

// status says whether a Sigstore signer is one of the trusted publishers.
func (t *trust) status(s sigstore.Signer) string {
	if t.trusts(s.Identity, s.Issuer) {
		return SignatureValid
	}
	return SignatureUntrusted
}

// openStatement checks a statement's signature and reads it. The outcome holds for every file that the statement is about.
func (c *signatureCheck) openStatement(ctx context.Context, b *envelope.Bundle) (*signedStatement, error) {
	st := &signedStatement{signature: Signature{Status: SignatureUnverifiable, Kind: KindSigstore}}
	payload, _, _, err := b.Payload()
	if err == nil {
		st.statement, err = envelope.ParseStatement(payload)
	}
	if err == nil && modelsigning.IsManifest(st.statement) {
		st.signature.Kind = KindModelSigning
		st.manifest, err = modelsigning.Parse(st.statement)
	}
	if err != nil {
		st.signature.Detail = err.Error()
		return st, nil
	}
	return st, c.checkStatement(ctx, b, st)
}

// checkStatement fills in who signed.
func (c *signatureCheck) checkStatement(ctx context.Context, b *envelope.Bundle, st *signedStatement) error {
	t, sig := c.v.trust, &st.signature
	var err error
	switch b.Material() {
	case envelope.ByKey:
		var status keys.Status
		var key *keys.Key
		status, key, err = b.VerifyKey(ctx, t.keys)
		switch {
		case err != nil:
		case status == keys.Valid:
			sig.Status, sig.Identity, sig.Detail = SignatureValid, key.Name, "by a trusted key"
		case status == keys.Invalid:
			sig.Status, sig.Detail = SignatureInvalid, "no trusted key has signed it"
		default:
			sig.Detail = "no trusted key of its kind; name the signer's key as trusted"
		}
	case envelope.ByChain:
		authorities := keys.Authorities(t.keys)
		if len(authorities) == 0 {
			sig.Detail = "no trusted certificate authority"
			return nil
		}
		sig.Identity, sig.Issuer, err = b.VerifyChain(ctx, authorities, t.now())
		if sig.Status = SignatureValid; errors.Is(err, envelope.ErrUntrustedChain) {
			sig.Status, sig.Detail = SignatureUnverifiable, err.Error()
			return nil
		}
	case envelope.Sigstore:
		if t.sigstore == nil {
			sig.Detail = "no trusted root to check it against"
			return nil
		}
		var signer sigstore.Signer
		if signer, err = t.sigstore.Verify(ctx, b, nil); err == nil {
			sig.Status, sig.Identity, sig.Issuer, sig.Detail = t.status(signer), signer.Identity, signer.Issuer, "signed"
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		sig.Status, sig.Detail = SignatureInvalid, err.Error()
	}
	return nil
}

// hold holds the file against a statement. A file that a trusted manifest does not list is as invalid as one that differs:
// so the specification has it, and what is added to a signed folder was not signed.
func (c *signatureCheck) hold(ctx context.Context, p string, st *signedStatement, rel, base string) error {
	sig := st.signature
	if sig.Status != SignatureValid && sig.Status != SignatureUntrusted {
		c.add(sig.Status, sig.Kind, p, "%s", sig.Detail)
		return nil
	}
	status, detail := sig.Status, sig.Detail
	switch {
	case st.manifest == nil && !st.statement.Names(c.s.SHA256):
		status, detail = SignatureInvalid, "signed, but for other files"
		if rel != "" { // a statement in model.sig about something else says nothing of this file
			return nil
		}
	case !st.statement.Endorses(): // good, about this file, and perhaps a warning
		status = SignatureUnverifiable
		detail = fmt.Sprintf("a signed statement of type %.80q does not say that its signer stands for the file", st.statement.PredicateType)
	case st.manifest != nil:
		res, err := c.manifest(ctx, st.manifest, rel, base)
		switch {
		case errors.Is(err, modelsigning.ErrNoBytes):
			status, detail = SignatureUnverifiable, err.Error()
		case err != nil:
			return err
		case res == modelsigning.Ignored, res == modelsigning.Unlisted && status != SignatureValid:
			return nil
		case res == modelsigning.Unlisted:
			status, detail = SignatureInvalid, "the signed manifest does not list this file"
		case res == modelsigning.Mismatch:
			status, detail = SignatureInvalid, "the signed manifest has another digest for this file"
		}
	}
	found := c.add(status, sig.Kind, p, "%s", detail)
	found.Identity, found.Issuer = sig.Identity, sig.Issuer
	return nil
}

// manifest looks the file up: by its name in the folder, or as the one file that the manifest is about.
func (c *signatureCheck) manifest(ctx context.Context, m *modelsigning.Manifest, rel, base string) (modelsigning.Result, error) {
	if rel != "" {
		res, err := m.Check(ctx, rel, c.s.SHA256, c.s.File, c.s.Size)
		if err != nil || res != modelsigning.Unlisted || rel != base || m.Name != base {
			return res, err
		}
	}
	return m.Check(ctx, modelsigning.Self, c.s.SHA256, c.s.File, c.s.Size)
}

// maxStatements bounds the remembered statements; a manifest of a thousand files takes about 200 KB.
const maxStatements = 64

func (v *Verifier) statement(key [32]byte) *signedStatement {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.statements[key]
}

func (v *Verifier) keepStatement(key [32]byte, st *signedStatement) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.statements) >= maxStatements {
		clear(v.statements)
	}
	v.statements[key] = st
}
