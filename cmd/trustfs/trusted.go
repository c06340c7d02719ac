package main

import (
	"fmt"
	"log/slog"
	"maps"
	"os"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/gatekeeper/advice"
	"trustfs/policy"
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

// adviser is the operator's policy; nil where there is none.
func adviser(cfg *config.Config, log *slog.Logger) (gatekeeper.Adviser, error) {
	if len(cfg.Policy) == 0 {
		return nil, nil
	}
	a, err := advice.New(cfg.Policy, cfg.PolicyQuery, surroundings(cfg), log)
	if err != nil {
		return nil, err // not a nil *advice.Adviser in an interface that then is not nil
	}
	return a, nil
}

// surroundings are what a policy sees as input.context: "environment" and "host" of the configuration's context, the rest
// as labels. The host's own name stands in for a host that is not given.
func surroundings(cfg *config.Config) policy.Context {
	labels := maps.Clone(cfg.Context)
	if labels == nil {
		labels = map[string]string{}
	}
	take := func(key string) *string {
		v, ok := labels[key]
		if !ok {
			return nil
		}
		delete(labels, key)
		return &v
	}
	c := policy.Context{Environment: take("environment"), Host: take("host")}
	if c.Host == nil {
		if name, err := os.Hostname(); err == nil {
			c.Host = &name
		}
	}
	c.Labels = labels
	return c
}
