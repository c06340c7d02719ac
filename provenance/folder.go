package provenance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"trustfs/internal/lean"
	"trustfs/provenance/envelope"
	"trustfs/provenance/modelsigning"
)

// VerifyFolder checks a folder against the signed manifest in it (name, usually "model.sig") as a whole: the signature, and
// every file, missing and added ones too. The report is nil when the signature is not good: an unsigned list is no measure.
// It reads every file, and is for the operator's command; the mount holds each file against its entry when it is opened.
func (v *Verifier) VerifyFolder(ctx context.Context, folder fs.FS, name string) (Signature, *modelsigning.FolderReport, error) {
	fail := func(format string, args ...any) (Signature, *modelsigning.FolderReport, error) {
		return Signature{Status: SignatureUnverifiable, Kind: KindModelSigning, Detail: fmt.Sprintf(format, args...)}, nil, nil
	}
	b, err := readFS(folder, name, envelope.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return Signature{Status: SignatureNone}, nil, nil
	}
	if large := (*TooLargeError)(nil); errors.As(err, &large) {
		return fail("%v", err)
	}
	if err != nil {
		return Signature{}, nil, err
	}
	if err := lean.Lacks("the bundle " + name); err != nil {
		return Signature{}, nil, err
	}
	parsed, err := envelope.Parse(b)
	if err != nil {
		return fail("%s: %v", name, err)
	}
	if !parsed.IsStatement() {
		return fail("%s: a bundle that signs a file, not a folder", name)
	}
	c := &signatureCheck{v: v}
	st, err := c.openStatement(ctx, parsed)
	if err != nil {
		return Signature{}, nil, err
	}
	if st.signature.Status != SignatureValid && st.signature.Status != SignatureUntrusted {
		return st.signature, nil, nil
	}
	if st.manifest == nil {
		return fail("%s: a signed statement, and no manifest of a folder", name)
	}
	r, err := st.manifest.VerifyFolder(ctx, folder, name)
	if err != nil {
		return Signature{}, nil, err
	}
	if !r.OK() {
		st.signature.Status, st.signature.Detail = SignatureInvalid, "the folder is not the one that was signed"
	}
	return st.signature, r, nil
}

// readFS reads a whole file of at most max bytes.
func readFS(folder fs.FS, name string, max int64) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = &TooLargeError{Path: name, Size: int64(len(b)), Max: max}
	}
	return b, err
}
