//go:build !lean

package sigstore

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
)

// A Source says where a trusted root is fetched from, by The Update Framework: every step from the anchor is signed.
type Source struct {
	Cache  string // directory for the framework's metadata, which guards against old versions; not empty
	Mirror string // URL of the repository; empty for the public instance
	Anchor []byte // the repository's root.json to begin with; empty for the public instance's
}

// Fetch gives the trusted_root.json that the source has now. It is the one function of this package that uses a network,
// for the operator's command and never for a judgement.
func Fetch(ctx context.Context, s Source) ([]byte, error) {
	if s.Cache == "" {
		return nil, fmt.Errorf("trust update: no directory for the metadata")
	}
	o := tuf.DefaultOptions().WithCachePath(s.Cache).WithContext(ctx)
	if s.Mirror != "" {
		o = o.WithRepositoryBaseURL(s.Mirror)
	}
	if len(s.Anchor) > 0 {
		o = o.WithRoot(s.Anchor)
	} else if s.Mirror != "" {
		return nil, fmt.Errorf("trust update: a mirror of one's own needs its root.json as the anchor")
	}
	client, err := tuf.New(o)
	if err != nil {
		return nil, fmt.Errorf("trust update: %w", err)
	}
	if err := client.Refresh(); err != nil {
		return nil, fmt.Errorf("trust update: %w", err)
	}
	b, err := client.GetTarget("trusted_root.json")
	if err != nil {
		return nil, fmt.Errorf("trust update: %w", err)
	}
	if _, err := New(b, DefaultThresholds()); err != nil {
		return nil, fmt.Errorf("trust update: what was fetched does not serve: %w", err)
	}
	return b, nil
}

// Show prints what a trusted root trusts, a line each, sorted within its kind.
func Show(w io.Writer, trustedRoot []byte) error {
	tr, err := root.NewTrustedRootFromJSON(trustedRoot)
	if err != nil {
		return fmt.Errorf("trusted root: %w", err)
	}
	var lines []string
	for _, a := range tr.FulcioCertificateAuthorities() {
		if f, ok := a.(*root.FulcioCertificateAuthority); ok {
			lines = append(lines, fmt.Sprintf("certificate authority  %s  %s", f.URI, validity(f.ValidityPeriodStart, f.ValidityPeriodEnd)))
		}
	}
	for _, a := range tr.TimestampingAuthorities() {
		if t, ok := a.(*root.SigstoreTimestampingAuthority); ok {
			lines = append(lines, fmt.Sprintf("timestamp authority    %s  %s", t.URI, validity(t.ValidityPeriodStart, t.ValidityPeriodEnd)))
		}
	}
	logs := func(kind string, all map[string]*root.TransparencyLog) {
		for _, l := range all {
			lines = append(lines, fmt.Sprintf("%s  %s  %.16s  %s", kind, l.BaseURL, hex.EncodeToString(l.ID), validity(l.ValidityPeriodStart, l.ValidityPeriodEnd)))
		}
	}
	logs("transparency log      ", tr.RekorLogs())
	logs("certificate log       ", tr.CTLogs())
	slices.Sort(lines)
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, l); err != nil {
			return err
		}
	}
	return nil
}

func validity(from, to time.Time) string {
	s := "from " + from.UTC().Format(time.DateOnly)
	if !to.IsZero() {
		s += " to " + to.UTC().Format(time.DateOnly)
	}
	return s
}
