package tasks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"trustfs/formats"
	"trustfs/views"
)

// View is the task that makes a safetensors view of one file. Its request is a ViewRequest, its answer a views.Answer as
// DecodeAnswer accepts it.
const View = "view"

// ViewRequest is the request of the task View.
type ViewRequest struct {
	Name    []byte     // the view's own base name
	Kind    views.Kind // what the name stands for
	Presets []string
	Budget  formats.Budget
}

// DecodeAnswer reads the answer of the task View for a source of size bytes, as strictly as DecodeResult: what it accepts
// is a reason why there is no view, an index, or a Plan that reads nothing outside the source together with the result of
// the view's own inspection.
func DecodeAnswer(b []byte, kind views.Kind, size int64) (views.Answer, error) {
	var a views.Answer
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return views.Answer{}, fmt.Errorf("answer of the worker: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return views.Answer{}, errors.New("answer of the worker: something follows the view")
	}
	if err := checkAnswer(&a, kind, size); err != nil {
		return views.Answer{}, fmt.Errorf("answer of the worker: %w", err)
	}
	return a, nil
}

func checkAnswer(a *views.Answer, kind views.Kind, size int64) error {
	switch {
	case a.Limit != "":
		if a.Plan != nil || a.Result != nil || a.Index != nil {
			return errors.New("a view and a reason why there is none")
		}
		a.Limit = a.Limit[:min(len(a.Limit), 4*formats.MaxDetail)]
		return nil
	case kind == views.KindIndex:
		if a.Index == nil || a.Plan != nil || a.Result != nil || len(a.Index) > 2*views.MaxIndex {
			return errors.New("no index")
		}
		return nil
	case a.Plan == nil || a.Result == nil || a.Index != nil:
		return errors.New("no plan, or no inspection of it")
	}
	if err := check(a.Result); err != nil {
		return err
	}
	return a.Plan.Validate(size)
}
