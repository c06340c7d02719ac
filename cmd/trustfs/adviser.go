//go:build !lean

package main

import (
	"log/slog"
	"maps"
	"os"

	"trustfs/config"
	"trustfs/gatekeeper"
	"trustfs/gatekeeper/advice"
	"trustfs/policy"
)

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
