//go:build !lean

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"trustfs/internal/term"
	"trustfs/provenance/modelsigning"
)

// folderSignature is the name that model signing gives to the manifest of a folder.
const folderSignature = "model.sig"

type signOptions struct{ key, chain, out string }

func (a *app) signCommand() *cobra.Command {
	var o signOptions
	c := &cobra.Command{
		Use:   "sign --key FILE PATH",
		Short: "Sign a model, one file or a folder, as OpenSSF model signing has it",
		Long: "Writes PATH/model.sig for a folder, every file in it listed with its digest, or PATH.sig for one file. Whoever\n" +
			"names the public key with --trust-key then opens exactly these files. The key is ECDSA on P-256, P-384 or P-521:\n\n" +
			"  openssl ecparam -name prime256v1 -genkey -noout -out key.pem\n" +
			"  openssl ec -in key.pem -pubout -out key.pub\n\n" +
			"Keep it away from the machine that serves the models.",
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&o.key, "key", "", "sign with the private key in `FILE` (PEM, not encrypted)")
	c.Flags().StringVar(&o.chain, "certificate", "", "sign by certificate: `FILE` has the signer's, and after it what leads to an authority")
	c.Flags().StringVar(&o.out, "signature", "", "write the signature to `FILE` instead")
	if err := c.MarkFlagRequired("key"); err != nil {
		panic(err) // the flag stands in the lines above
	}
	c.RunE = func(c *cobra.Command, args []string) error { return a.sign(c.Context(), args[0], o) }
	return c
}

func (a *app) sign(ctx context.Context, name string, o signOptions) error {
	signer, err := o.signer()
	if err != nil {
		return err
	}
	name, err = filepath.Abs(name)
	if err != nil {
		return err
	}
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case st.IsDir():
		o.out, err = signFolder(ctx, signer, name, o)
	case st.Mode().IsRegular():
		o.out, err = signFile(ctx, signer, name, o)
	default:
		err = fmt.Errorf("%s: neither a regular file nor a folder", name)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, term.Escape("signed: "+o.out))
	return err
}

func (o signOptions) signer() (*modelsigning.Signer, error) {
	key, err := os.ReadFile(o.key)
	if err != nil {
		return nil, err
	}
	var chain []byte
	if o.chain != "" {
		if chain, err = os.ReadFile(o.chain); err != nil {
			return nil, err
		}
	}
	s, err := modelsigning.ParseSigner(key, chain)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", o.key, err)
	case o.chain != "" && len(s.Chain) == 0:
		return nil, fmt.Errorf("%s: no PEM certificate in it", o.chain)
	}
	return s, nil
}

func signFolder(ctx context.Context, s *modelsigning.Signer, dir string, o signOptions) (string, error) {
	if inside(dir, o.key) {
		return "", fmt.Errorf("%s lies in the folder: whoever gets the model would get the key; move it elsewhere", o.key)
	}
	out := o.out
	if out == "" {
		out = filepath.Join(dir, folderSignature)
	}
	own := "" // the signature's name in the folder: it cannot list itself
	if inside(dir, out) {
		own, _ = filepath.Rel(dir, mustAbs(out))
	}
	root, err := os.OpenRoot(dir) // no link leads what is signed out of the folder
	if err != nil {
		return "", err
	}
	defer root.Close()
	b, err := s.Sign(ctx, root.FS(), filepath.Base(dir), filepath.ToSlash(own))
	if err != nil {
		return "", err
	}
	return out, replaceFile(out, b)
}

func signFile(ctx context.Context, s *modelsigning.Signer, name string, o signOptions) (string, error) {
	out := o.out
	if out == "" {
		out = name + ".sig"
	}
	if filepath.Base(out) == folderSignature {
		return "", fmt.Errorf("%s is the name of a folder's manifest: sign the folder, or say --signature FILE", folderSignature)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := s.SignFile(ctx, filepath.Base(name), f)
	if err != nil {
		return "", err
	}
	return out, replaceFile(out, b)
}

// inside says whether a file lies below a folder, by its name.
func inside(dir, file string) bool {
	abs := mustAbs(file)
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return strings.HasPrefix(abs, strings.TrimSuffix(dir, "/")+"/")
}

// mustAbs is filepath.Abs where the working directory can be had; elsewhere the name as it is.
func mustAbs(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// replaceFile writes a file that appears whole or not at all, for everybody to read.
func replaceFile(name string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if e := os.Remove(f.Name()); !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}()
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
