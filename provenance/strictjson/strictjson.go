// Package strictjson checks JSON that strangers wrote before encoding/json or protojson reads it: both take what other
// readers would take otherwise, and a signature, an SBOM or a bundle must have one meaning.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds of one value.
const (
	MaxDepth  = 64      // of objects and lists around one another
	MaxValues = 1 << 20 // all together: an empty object of 3 bytes takes 50 times that in memory
)

// Check says why b is not exactly one JSON value in UTF-8 whose objects name no key twice, also not in another case
// (encoding/json matches keys without case), with at most MaxValues values, nested at most MaxDepth deep.
func Check(b []byte) error {
	if !utf8.Valid(b) {
		return errors.New("JSON: not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	c := checker{d: d}
	if err := c.value(0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("JSON: something follows the value at offset %d", d.InputOffset())
	}
	return nil
}

// Unmarshal is Check, then encoding/json.
func Unmarshal(b []byte, to any) error {
	if err := Check(b); err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

type checker struct {
	d      *json.Decoder
	values int
}

func (c *checker) value(depth int) error {
	if c.values++; c.values > MaxValues {
		return fmt.Errorf("JSON: more than %d values", MaxValues)
	}
	t, err := c.d.Token()
	if err != nil {
		return fmt.Errorf("JSON: offset %d: %w", c.d.InputOffset(), err)
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth >= MaxDepth {
		return fmt.Errorf("JSON: offset %d: nested deeper than %d", c.d.InputOffset(), MaxDepth)
	}
	if open == '{' {
		err = c.object(depth)
	} else {
		for err == nil && c.d.More() {
			err = c.value(depth + 1)
		}
	}
	if err != nil {
		return err
	}
	if _, err = c.d.Token(); err != nil { // the closing one
		return fmt.Errorf("JSON: offset %d: %w", c.d.InputOffset(), err)
	}
	return nil
}

func (c *checker) object(depth int) error {
	seen := map[string]bool{}
	for c.d.More() {
		t, err := c.d.Token()
		if err != nil {
			return fmt.Errorf("JSON: offset %d: %w", c.d.InputOffset(), err)
		}
		key, ok := t.(string)
		if !ok {
			return fmt.Errorf("JSON: offset %d: a key that is no string", c.d.InputOffset())
		}
		folded := strings.ToLower(key)
		if seen[folded] {
			return fmt.Errorf("JSON: offset %d: the key %.80q twice", c.d.InputOffset(), key)
		}
		seen[folded] = true
		if err := c.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}
