package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// A Decision is what the policy says of one file. An empty Deny admits, as far as the policy goes.
type Decision struct {
	Deny []string // messages, sorted
	Warn []string // messages, sorted
}

// Bounds of an answer.
const (
	maxMessages     = 100
	maxMessageBytes = 1000
)

// ErrTimeout says that a policy took too long.
var ErrTimeout = errors.New("the policy gave no answer in time")

// Eval asks the policy. An error refuses: a built-in failed, the time was up, the answer is none, or (ErrOpenerUnknown)
// the policy asks for something about the opener that in does not say.
func (p *Policy) Eval(ctx context.Context, in Input) (Decision, error) {
	if _, err := p.openerKey(&in.Opener); err != nil {
		return Decision{}, err
	}
	v, err := toValue(in)
	if err != nil {
		return Decision{}, err
	}
	return p.eval(ctx, v)
}

// toValue is the input as OPA has it, with [] and {} for what Go has as nil.
func toValue(in Input) (ast.Value, error) {
	fill(reflect.ValueOf(&in).Elem())
	b, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("policy input: %w", err)
	}
	v, err := ast.ValueFromReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("policy input: %w", err)
	}
	return v, nil
}

// fill makes nil lists and maps empty ones: null there would make count(...) an error where there is just nothing.
func fill(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case v.Kind() == reflect.Slice && v.IsNil():
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	case v.Kind() == reflect.Map && v.IsNil():
		v.Set(reflect.MakeMap(v.Type()))
	}
}

func (p *Policy) eval(ctx context.Context, in ast.Value) (d Decision, err error) {
	limit := p.Timeout
	if limit <= 0 {
		limit = DefaultTimeout
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	rs, err := p.prepared.Eval(ctx, rego.EvalParsedInput(in))
	switch {
	case ctx.Err() != nil:
		return Decision{}, fmt.Errorf("policy %s: %w", p.query, errors.Join(ErrTimeout, ctx.Err()))
	case err != nil:
		return Decision{}, fmt.Errorf("policy %s: %w", p.query, err)
	case len(rs) != 1:
		return Decision{}, fmt.Errorf("policy %s: %d answers; expected one", p.query, len(rs))
	}
	for _, name := range p.rules {
		values, ok := rs[0].Bindings[name].([]any)
		if !ok || len(values) > 1 {
			return Decision{}, fmt.Errorf("policy %s.%s: %T; expected one value or none", p.query, name, rs[0].Bindings[name])
		}
		if err := d.add(name, values, p.query); err != nil {
			return Decision{}, fmt.Errorf("policy %s.%s: %w", p.query, name, err)
		}
	}
	d.Deny, d.Warn = tidy(d.Deny), tidy(d.Warn)
	return d, nil
}

// add takes in what a rule says: values holds its value, or nothing where it has none.
func (d *Decision) add(rule string, values []any, query string) error {
	if rule == "allow" {
		if len(values) == 0 || values[0] != true {
			d.Deny = append(d.Deny, query+".allow is not true")
		}
		return nil
	}
	if len(values) == 0 {
		return nil
	}
	msgs, err := messages(values[0])
	if rule == "deny" {
		d.Deny = append(d.Deny, msgs...)
	} else {
		d.Warn = append(d.Warn, msgs...)
	}
	return err
}

// messages reads the values that people give deny and warn: a set or list of messages, one message, true or false, and
// objects whose keys are messages. Anything else is an error rather than no message.
func messages(v any) ([]string, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return []string{"true"}, nil
		}
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		var out []string
		for _, e := range v {
			m, err := message(e)
			if err != nil {
				return nil, err
			}
			out = append(out, m)
		}
		return out, nil
	case map[string]any:
		var out []string
		for k, e := range v {
			if e == false {
				continue
			}
			if e == true {
				out = append(out, k)
				continue
			}
			m, err := message(e)
			if err != nil {
				return nil, err
			}
			out = append(out, k+": "+m)
		}
		return out, nil
	}
	return nil, fmt.Errorf("gives %T; expected a set of messages", v)
}

// message is one element: a string, or an object with "msg" as many policies have it; others are shown as JSON.
func message(e any) (string, error) {
	switch e := e.(type) {
	case string:
		return e, nil
	case map[string]any:
		if m, ok := e["msg"].(string); ok {
			return m, nil
		}
	}
	b, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	return string(b), nil
}

// tidy sorts and bounds messages; it never makes some into none.
func tidy(msgs []string) []string {
	for i, m := range msgs {
		if len(m) > maxMessageBytes {
			msgs[i] = m[:maxMessageBytes-3] + "..."
		}
	}
	slices.Sort(msgs)
	msgs = slices.Compact(msgs)
	if len(msgs) > maxMessages {
		msgs = append(msgs[:maxMessages], fmt.Sprintf("and %d more", len(msgs)-maxMessages))
	}
	return msgs
}
