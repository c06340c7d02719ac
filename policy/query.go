package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// ruleNames are the rules of a package that are asked: deny and warn give messages; allow, where a package has it, must be
// true. A package that has allow and would go unasked for it would admit what its author meant to refuse.
var ruleNames = []string{"deny", "warn", "allow"}

// chooseQuery settles which package is asked, and that there is such a package.
func chooseQuery(modules map[string]*ast.Module, query string) (string, error) {
	have := map[string]bool{} // packages, and whether they have a rule that would be asked
	for _, m := range modules {
		path := m.Package.Path.String()
		have[path] = have[path] || slices.ContainsFunc(m.Rules, func(r *ast.Rule) bool { return asked(r) })
	}
	if query != "" {
		ref, err := ast.ParseRef(query)
		if err != nil || !ref.HasPrefix(ast.DefaultRootRef) || !ref.IsGround() {
			return "", fmt.Errorf("query %q: expected a package as data.example.models", query)
		}
		if pkg, _ := splitQuery(ref.String()); !known(have, pkg) {
			return "", fmt.Errorf("query %q: no such package; there are %s", query, list(have))
		}
		return ref.String(), nil
	}
	if _, ok := have[DefaultQuery]; ok {
		return DefaultQuery, nil
	}
	var able []string
	for path, asks := range have {
		if asks {
			able = append(able, path)
		}
	}
	if len(able) != 1 {
		return "", fmt.Errorf("%d packages have one of the rules deny, warn and allow, among %s; name one as the policy query", len(able), list(have))
	}
	return able[0], nil
}

func known(have map[string]bool, pkg string) bool { _, ok := have[pkg]; return ok }

func asked(r *ast.Rule) bool {
	ref := r.Head.Ref()
	head, ok := ref[0].Value.(ast.Var)
	return ok && slices.Contains(ruleNames, string(head))
}

// splitQuery parts a rule from its package: only is "" when a whole package is asked.
func splitQuery(query string) (pkg, only string) {
	for _, name := range ruleNames {
		if pkg, ok := strings.CutSuffix(query, "."+name); ok {
			return pkg, name
		}
	}
	return query, ""
}

// hasPrefixRule says whether rules define parts of ref, as deny[msg] := x does.
func hasPrefixRule(c *ast.Compiler, ref string) bool {
	return len(c.GetRulesWithPrefix(ast.MustParseRef(ref))) > 0
}

func list(have map[string]bool) string {
	var names []string
	for n := range have {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
