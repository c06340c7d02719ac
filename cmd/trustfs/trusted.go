package main

import (
	"fmt"

	"trustfs/config"
	"trustfs/provenance"
	"trustfs/provenance/publisher"
	"trustfs/provenance/sigstore"
)

// trusted is what the configuration trusts, for the tree at dir.
func trusted(cfg *config.Config, dir string) (provenance.Options, error) {
	o := provenance.Options{
		Root: dir, Pins: pinsDir(cfg), Checksums: cfg.Checksums, TrustedRoot: cfg.TrustedRoot, SBOMs: cfg.SBOM,
		SBOMsInTree: cfg.RequireSBOM || len(cfg.Policy) > 0,
		Sigstore: sigstore.Thresholds{
			LogEntries: cfg.Sigstore.LogEntries, Timestamps: cfg.Sigstore.Timestamps, Certificates: cfg.Sigstore.Certificates,
		},
	}
	for _, file := range cfg.TrustKey {
		o.TrustKeys = append(o.TrustKeys, provenance.TrustKey{File: file, Publisher: cfg.KeyNames[file]})
	}
	for _, name := range cfg.TrustedPublisher {
		rule, err := publisher.Parse(name)
		if err != nil {
			return o, fmt.Errorf("trusted-publisher (%s): %w", cfg.Origin("trusted-publisher"), err)
		}
		o.Publishers = append(o.Publishers, rule)
	}
	return o, nil
}
