// Package tasks says what the jailed worker can be asked, and what its answers must look like. Both sides import it: the
// worker for the requests, the parent for the strict reading of answers. It parses no model bytes and starts no process.
package tasks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"trustfs/formats"
)

// Inspect is the task that judges one file by its content. Its request is an InspectRequest, its answer a
// formats.Result as DecodeResult accepts it.
const Inspect = "inspect"

// InspectRequest is the request of the task Inspect.
type InspectRequest struct {
	// Names are the base names under which loaders may find the file; hostile, any bytes.
	Names [][]byte
	// Presets are the allowlist presets that are on.
	Presets []string
	// Budget bounds the work; the zero value means formats.DefaultBudget().
	Budget formats.Budget
}

// NewInspectRequest takes names as the filesystem has them. JSON strings would replace what is not UTF-8, and the worker
// must see what a loader would see.
func NewInspectRequest(names, presets []string, budget formats.Budget) InspectRequest {
	r := InspectRequest{Presets: presets, Budget: budget}
	for _, n := range names {
		r.Names = append(r.Names, []byte(n))
	}
	return r
}

// Bounds of an answer beside those of package formats.
const (
	maxNameLen = 256
	maxFormats = 64
	maxExtra   = 100
)

// DecodeResult reads the answer of the task Inspect. The worker may have been taken over by the file: whatever an honest
// worker never says (an unknown field, text after the end, a list or a text over its bound) is an error, and the caller
// must refuse the file.
func DecodeResult(b []byte) (formats.Result, error) {
	var r formats.Result
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return formats.Result{}, fmt.Errorf("answer of the worker: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return formats.Result{}, errors.New("answer of the worker: something follows the result")
	}
	if err := check(&r); err != nil {
		return formats.Result{}, fmt.Errorf("answer of the worker: %w", err)
	}
	return r, nil
}

func check(r *formats.Result) error {
	switch r.Class {
	case formats.ClassModel, formats.ClassCode, formats.ClassDocument, formats.ClassOpaque:
	default:
		return fmt.Errorf("class %q", cut(string(r.Class)))
	}
	if !name(r.Format) {
		return fmt.Errorf("format %q", cut(r.Format))
	}
	if len(r.Formats) > maxFormats {
		return fmt.Errorf("%d formats", len(r.Formats))
	}
	for _, f := range r.Formats {
		if !name(f) {
			return fmt.Errorf("format %q", cut(f))
		}
	}
	if r.Findings == nil || r.Truncated < 0 {
		return errors.New("no list of findings, or a negative count")
	}
	if err := checkFindings(r.Findings); err != nil {
		return err
	}
	return checkFacts(&r.Facts)
}

func checkFindings(fs []formats.Finding) error {
	// MaxFindings, and then the first of each further rule.
	if len(fs) > 2*formats.MaxFindings {
		return fmt.Errorf("%d findings", len(fs))
	}
	for _, f := range fs {
		switch {
		case !name(f.Rule):
			return fmt.Errorf("finding with rule %q", cut(f.Rule))
		case !text(f.Where) || !text(f.Detail) || len(f.Preset) > maxNameLen:
			return fmt.Errorf("finding %s with a text over its bound", f.Rule)
		}
	}
	return nil
}

func checkFacts(f *formats.Facts) error {
	switch {
	case len(f.Globals) > formats.MaxGlobals, len(f.Calls) > formats.MaxCalls, len(f.Dtypes) > maxExtra, len(f.Extra) > maxExtra:
		return errors.New("more facts than their bound")
	case f.Tensors < 0 || f.Parameters < 0:
		return errors.New("a negative count of tensors or parameters")
	case !text(f.ViewOf):
		return errors.New("view_of over its bound")
	}
	for _, list := range [][]string{f.Globals, f.Calls, f.Dtypes} {
		for _, s := range list {
			if len(s) > maxFact {
				return errors.New("a fact over its bound")
			}
		}
	}
	for k, v := range f.Extra {
		if len(k) > maxNameLen || len(v) > maxFact {
			return errors.New("an extra fact over its bound")
		}
	}
	return nil
}

// maxFact bounds one global, call or extra fact in bytes, after JSON has replaced what is not UTF-8 (three bytes for one).
const maxFact = 16 << 10

// name says whether s is a plain name: rule or format.
func name(s string) bool {
	if s == "" || len(s) > maxNameLen {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// text allows for the same replacement in a clipped text.
func text(s string) bool { return len(s) <= 3*formats.MaxDetail && utf8.ValidString(s) }

func cut(s string) string { return s[:min(len(s), 40)] }
