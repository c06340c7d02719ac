package policy

import (
	"context"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxOpeners bounds the remembered answers for one file.
const maxOpeners = 256

// A PerFile asks a policy about one file for one opener after another. The file's part of the input is converted once, and
// an answer is remembered for what of the opener the policy refers to: a policy on uid alone is evaluated once for each
// user, and one that never refers to the opener once. It is safe for parallel use.
type PerFile struct {
	policy *Policy
	base   ast.Object

	mu      sync.Mutex // guards answers; not held during an evaluation
	answers map[string]Decision
}

// ForFile readies the policy for a file. in.Opener is ignored.
func (p *Policy) ForFile(in Input) (*PerFile, error) {
	in.Opener = Opener{}
	v, err := toValue(in)
	if err != nil {
		return nil, err
	}
	return &PerFile{policy: p, base: v.(ast.Object), answers: map[string]Decision{}}, nil
}

// Recall is Eval where the answer is remembered; ok is false where it would have to be worked out.
func (f *PerFile) Recall(o Opener) (d Decision, ok bool) {
	key, err := f.policy.openerKey(&o)
	if err != nil {
		return Decision{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	d, ok = f.answers[key]
	return d, ok
}

// Eval is Policy.Eval for the file and an opener. Errors are not remembered. The Decision is shared: do not change it.
func (f *PerFile) Eval(ctx context.Context, o Opener) (Decision, error) {
	key, err := f.policy.openerKey(&o)
	if err != nil {
		return Decision{}, err
	}
	f.mu.Lock()
	d, ok := f.answers[key]
	f.mu.Unlock()
	if ok {
		return d, nil
	}
	opener, err := ast.InterfaceToValue(o)
	if err != nil {
		return Decision{}, err
	}
	in := ast.NewObject()
	f.base.Foreach(func(k, v *ast.Term) { in.Insert(k, v) })
	in.Insert(ast.StringTerm("opener"), ast.NewTerm(opener))
	if d, err = f.policy.eval(ctx, in); err != nil {
		return Decision{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.answers) >= maxOpeners {
		clear(f.answers)
	}
	f.answers[key] = d
	return d, nil
}
