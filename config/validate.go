package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// validate checks ranges and choices, and says where a wrong value came from.
func (c *Config) validate() error {
	var errs []error
	for _, o := range slices.Concat(options, fileOnly) {
		p, ok := o.value(c).(*string)
		if ok && o.choices != nil && !slices.Contains(o.choices, *p) {
			errs = append(errs, c.wrong(o.key, "%q: expected one of %s", *p, strings.Join(o.choices, ", ")))
		}
	}
	if c.MaxScore < 0 {
		errs = append(errs, c.wrong("max-score", "%d: must not be negative", c.MaxScore))
	}
	if c.ViewsSpool < 0 || c.ViewsSpool > 1<<30 {
		errs = append(errs, c.wrong("views-spool", "%d: expected MiB, from 0 to %d", c.ViewsSpool, 1<<30))
	}
	for rule, weight := range c.Weights {
		if weight < 0 {
			errs = append(errs, c.wrong("weights", "%s: %d: a weight must not be negative", rule, weight))
		}
	}
	if s := c.Sigstore; s.Timestamps < 1 || s.LogEntries < 0 || s.Certificates < 0 {
		errs = append(errs, c.wrong("sigstore.timestamps", "%d: a bundle must bring at least one time, and no threshold is negative", s.Timestamps))
	}
	for file := range c.KeyNames {
		if !filepath.IsAbs(file) || !slices.Contains(c.TrustKey, file) {
			errs = append(errs, c.wrong("key-names", "%s: expected the absolute path of a file that trust-key names", file))
		}
	}
	if j := c.Jail; j.Wall < 0 || j.CPU < 0 || j.Workers < 0 || j.Memory < 0 || j.Memory > 0 && j.Memory < 32 {
		errs = append(errs, c.wrong("jail.memory", "%d MiB: no budget is negative, and a worker does not start in less than 32 MiB", j.Memory))
	}
	if c.Quantize.Timeout <= 0 {
		errs = append(errs, c.wrong("quantize.timeout", "%d: expected seconds, more than 0", c.Quantize.Timeout))
	}
	if c.State == "" {
		errs = append(errs, c.wrong("state", "must name a directory"))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func (c *Config) wrong(key, format string, args ...any) error {
	return fmt.Errorf("%s (%s): %s", key, c.Origin(key), fmt.Sprintf(format, args...))
}

// absolute makes the paths absolute that came from an origin with the given prefix, starting at dir (empty: the working
// directory). A daemon must not depend on where it was started.
func (c *Config) absolute(dir, origin string) error {
	for _, o := range slices.Concat(options, fileOnly) {
		if !o.path || !strings.HasPrefix(c.Origin(o.key), origin) {
			continue
		}
		var err error
		switch p := o.value(c).(type) {
		case *string:
			*p, err = absoluteFrom(dir, *p)
		case *[]string:
			for i := range *p {
				if (*p)[i], err = absoluteFrom(dir, (*p)[i]); err != nil {
					break
				}
			}
		}
		if err != nil {
			return c.wrong(o.key, "%v", err)
		}
	}
	return nil
}

func absoluteFrom(dir, path string) (string, error) {
	switch {
	case path == "":
		return "", nil
	case filepath.IsAbs(path):
		return filepath.Clean(path), nil
	case dir != "":
		return filepath.Join(dir, path), nil
	}
	return filepath.Abs(path)
}
