package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// openerRefs gives the fields of input.opener that the compiled modules can reach, sorted as in openerFields. It reads the
// tree that OPA evaluates, in which imports and local names are resolved already. A reference that does not say which key
// of the input it takes (input[x], input alone, walk(input)) counts as all of them.
func openerRefs(c *ast.Compiler) []string {
	reached := map[string]bool{}
	all := func() {
		for _, f := range openerFields {
			reached[f] = true
		}
	}
	visit := func(ref ast.Ref) {
		if len(ref) == 0 || !ref[0].Equal(ast.InputRootDocument) {
			return
		}
		if len(ref) == 1 {
			all()
			return
		}
		key, static := ref[1].Value.(ast.String)
		if static && key != "opener" {
			return
		}
		if static && len(ref) > 2 {
			if field, ok := ref[2].Value.(ast.String); ok {
				reached[string(field)] = true
				return
			}
		}
		all()
	}
	for _, m := range c.Modules {
		inRefs := map[*ast.Term]bool{} // heads of references: visited as part of them
		ast.WalkRefs(m, func(r ast.Ref) bool {
			inRefs[r[0]] = true
			visit(r)
			return false
		})
		ast.WalkTerms(m, func(t *ast.Term) bool {
			if v, ok := t.Value.(ast.Var); ok && v.Equal(ast.InputRootDocument.Value) && !inRefs[t] {
				all()
			}
			return false
		})
	}
	return slices.DeleteFunc(slices.Clone(openerFields), func(f string) bool { return !reached[f] })
}

// RefersToOpener says whether the answer may depend on who opens the file. It errs towards yes.
func (p *Policy) RefersToOpener() bool { return len(p.opener) > 0 }

// OpenerFields are the fields of input.opener that the answer may depend on.
func (p *Policy) OpenerFields() []string { return slices.Clone(p.opener) }

// ErrOpenerUnknown says that the policy refers to something about the opener that cannot be had. It refuses.
var ErrOpenerUnknown = errors.New("opener_unknown")

// openerKey is what the answer may depend on, as a key; ErrOpenerUnknown when a part of it is not known.
func (p *Policy) openerKey(o *Opener) (string, error) {
	key := ""
	for _, f := range p.opener {
		v := o.value(f)
		if v == nil {
			return "", fmt.Errorf("%w: the policy refers to input.opener.%s, which is not known of this opener", ErrOpenerUnknown, f)
		}
		key += fmt.Sprintf("%q=%q ", f, fmt.Sprint(v))
	}
	return key, nil
}
