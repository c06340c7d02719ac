package main

import (
	"slices"

	"trustfs/config"
	"trustfs/formats/globals"
)

// presets are the allowlists that are on: the defaults and what the configuration adds.
func presets(cfg *config.Config) ([]string, error) {
	names := globals.Defaults()
	for _, name := range cfg.AllowPreset {
		if err := globals.Check(name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
