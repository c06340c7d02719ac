package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file in bytes; real ones have a few hundred.
const maxFile = 1 << 20

// LoadFile reads and checks a configuration file over the defaults. Relative paths in it start at the file's own folder.
func LoadFile(name string) (*Config, error) {
	text, err := readOwned(name)
	if err != nil {
		return nil, err
	}
	c, err := parse(name, text)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	if err := c.absolute(dir, name+":"); err != nil {
		return nil, err
	}
	return c, c.validate()
}

// readOwned reads a file that only root or we can have written: whoever writes the configuration decides what is trusted.
func readOwned(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	if sys.Uid != 0 && int(sys.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s: owned by uid %d; a configuration must be root's or your own (chown root %s)", name, sys.Uid, name)
	}
	if st.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s: others may write it (mode %04o); chmod go-w %s", name, st.Mode().Perm(), name)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	}
	return text, err
}

// parse decodes one YAML document strictly. name is for messages and origins.
func parse(name string, text []byte) (*Config, error) {
	c := Default()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return c, nil // an empty file says nothing
	} else if err != nil {
		return nil, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document", name)
	}
	if err := c.checkKeys(name, "", doc.Content[0], reflect.TypeFor[Config]()); err != nil {
		return nil, err
	}
	if err := doc.Decode(c); err != nil {
		return nil, fmt.Errorf("%s: %s", name, valueError(err))
	}
	return c, nil
}

// checkKeys walks a mapping beside the struct that it is decoded into: every key must be a field's, once. It records where
// each value stands. yaml.v3's own KnownFields speaks of Go types; operators do not.
func (c *Config) checkKeys(name, prefix string, node *yaml.Node, into reflect.Type) error {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: expected `key: value` lines", name, node.Line)
	}
	fields := keysOf(into)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		full := prefix + key.Value
		field, known := fields[key.Value]
		if !known {
			return fmt.Errorf("%s:%d: unknown key %q; known here: %s", name, key.Line, full, names(fields))
		}
		if at, twice := c.origin[full]; twice {
			return fmt.Errorf("%s:%d: key %q was given already at %s", name, key.Line, full, at)
		}
		c.origin[full] = fmt.Sprintf("%s:%d", name, key.Line)
		if field.Kind() == reflect.Struct {
			if err := c.checkKeys(name, full+".", value, field); err != nil {
				return err
			}
		}
	}
	return nil
}

// keysOf maps the yaml keys of a struct to the types of their fields.
func keysOf(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" {
			keys[tag] = t.Field(i).Type
		}
	}
	return keys
}

func names(fields map[string]reflect.Type) string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// valueError turns yaml.v3's list of "line N: ..." into one line.
func valueError(err error) string {
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		return strings.Join(typed.Errors, "; ")
	}
	return strings.TrimPrefix(err.Error(), "yaml: ")
}
