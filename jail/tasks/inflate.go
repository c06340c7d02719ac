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

// Inflate is the task that decompresses what the tensors of a view lie in. Its request is an InflateRequest; the bytes come
// ahead of its answer, one member behind the other, and count only if DecodeInflated gives no reason against it.
const Inflate = "inflate"

// InflateRequest is the request of the task Inflate.
type InflateRequest struct {
	Members []views.Member
	Budget  formats.Budget
}

// InflateAnswer is the answer of the task Inflate.
type InflateAnswer struct {
	Limit string `json:"limit,omitempty"` // why the members are not what was said of them
}

// DecodeInflated reads the answer of the task Inflate. An empty limit says that all bytes are there.
func DecodeInflated(b []byte) (limit string, err error) {
	var a InflateAnswer
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return "", fmt.Errorf("answer of the worker: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return "", errors.New("answer of the worker: something follows it")
	}
	return a.Limit[:min(len(a.Limit), 4*formats.MaxDetail)], nil
}
