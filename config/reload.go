package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// File is the absolute path of the file that the configuration was read from, or would have been read from if it were
// there; empty for one that no flags belong to.
func (c *Config) File() string { return c.file }

// remember keeps where the configuration came from, so that it can be read again from any working directory.
func (c *Config) remember(file string) (err error) {
	c.named = file != ""
	if file == "" {
		file = DefaultFile
	}
	c.file, err = filepath.Abs(file)
	return err
}

// Reload reads the file again and lays over it what the command line said when c was loaded. A file that is gone is an
// error where --config named it: a configuration does not turn into the defaults because somebody moves it.
func (c *Config) Reload() (*Config, error) {
	fresh, err := LoadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) && !c.named {
		fresh, err = Default(), nil
	}
	if err != nil {
		return nil, err
	}
	fresh.file, fresh.named = c.file, c.named
	for _, o := range options {
		if from := c.Origin(o.key); strings.HasPrefix(from, "--") {
			assign(o.value(fresh), o.value(c))
			fresh.origin[o.key] = from
		}
	}
	return fresh, fresh.validate()
}

// Changed names the keys whose values differ from those of another configuration, sorted.
func (c *Config) Changed(other *Config) (keys []string) {
	for _, o := range slices.Concat(options, fileOnly) {
		if !reflect.DeepEqual(o.value(c), o.value(other)) {
			keys = append(keys, o.key)
		}
	}
	slices.Sort(keys)
	return keys
}
