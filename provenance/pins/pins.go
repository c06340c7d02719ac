// Package pins keeps the operator's own approvals: one small file for each digest, in a directory of the operator's own.
//
// Plain files rather than a database, because commands write them while a daemon runs and reads them: a pin is written
// beside its place, synced and renamed, so that a reader sees the old one, the new one or none.
//
// A pin acquits, so its origin must be beyond doubt: the directory and the files must belong to the effective user (or
// root) and be writable by nobody else; anything odd is an error, which refuses, never "not pinned" and never "pinned".
package pins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"trustfs/integrity"
)

// MaxBytes bounds one pin's file.
const MaxBytes = 64 << 10

// A Pin approves one digest.
type Pin struct {
	Digest integrity.Digest
	Time   time.Time // when it was pinned
	By     string    // who pinned it, for people
	Note   string    // why, for people
	Path   string    // under which name it was pinned, for people: a pin holds wherever the digest is met
	Accept []string  // rules that are accepted for this digest, sorted; they lose weight and fatality
}

type wire struct {
	Digest string    `json:"digest"`
	Time   time.Time `json:"time"`
	By     string    `json:"by,omitempty"`
	Note   string    `json:"note,omitempty"`
	Path   string    `json:"path,omitempty"`
	Accept []string  `json:"accept,omitempty"`
}

// Encode gives the file's content.
func (p Pin) Encode() ([]byte, error) {
	accept := slices.Clone(p.Accept)
	slices.Sort(accept)
	b, err := json.MarshalIndent(wire{p.Digest.String(), p.Time.UTC(), p.By, p.Note, p.Path, slices.Compact(accept)}, "", "  ")
	if err == nil && len(b) >= MaxBytes {
		err = fmt.Errorf("pin: %d bytes, at most %d; shorten the note", len(b), MaxBytes)
	}
	return append(b, '\n'), err
}

// Decode reads a pin's file, strictly: it must be whole, hold known keys only, and be about digest.
func Decode(b []byte, digest integrity.Digest) (Pin, error) {
	var w wire
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return Pin{}, fmt.Errorf("not a pin: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Pin{}, errors.New("not a pin: something follows it")
	}
	named, err := integrity.ParseDigest(w.Digest)
	if err != nil {
		return Pin{}, fmt.Errorf("not a pin: %w", err)
	}
	if named != digest {
		return Pin{}, fmt.Errorf("a pin of %s under the name of %s", named.Short(), digest.Short())
	}
	slices.Sort(w.Accept)
	return Pin{named, w.Time, w.By, w.Note, w.Path, slices.Compact(w.Accept)}, nil
}
