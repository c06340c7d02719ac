package skops

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/archive/archivetest"
)

func nodeOf(module, class, loader, content string) string {
	if content == "" {
		content = "null"
	}
	return fmt.Sprintf(`{"__class__": %q, "__module__": %q, "__loader__": %q, "content": %s}`, class, module, loader, content)
}

func inspect(schema string) *formats.Context {
	b := archivetest.Zip{Files: []archivetest.File{{Name: "schema.json", Data: []byte(schema), Method: 8}}}.Bytes()
	c := (&archivetest.Recorder{}).Context()
	archive.Inspector{Flavors: []archive.Flavor{Flavor{}}}.Inspect(c, archivetest.Source(b))
	return c
}

func TestSchemas(t *testing.T) {
	tree := nodeOf("sklearn.tree._classes", "DecisionTreeRegressor", "ObjectNode", nodeOf("builtins", "dict", "DictNode", `{"criterion": `+nodeOf("builtins", "str", "JsonNode", `"\"squared_error\""`)+`}`))
	for _, tt := range []struct {
		name, schema string
		rules        []string
	}{
		{"estimator", tree, nil},
		{"unknown class", nodeOf("__main__", "Mine", "ObjectNode", ""), []string{formats.RuleGlobalUnknown}},
		{"unknown class, called", nodeOf("mylib", "Mine", "ConstructorFromReduceNode", ""), []string{formats.RuleGlobalUnknown, formats.RuleReduce}},
		{"dangerous function", nodeOf("os", "system", "FunctionNode", ""), []string{formats.RuleGlobalDangerous}},
		{"dangerous, deep", nodeOf("builtins", "list", "ListNode", "["+tree+", "+nodeOf("builtins", "eval", "TypeNode", "")+"]"), []string{formats.RuleGlobalDangerous}},
		{"operator of another module", nodeOf("builtins", "int", "OperatorFuncNode", ""), []string{formats.RuleGlobalDangerous}},
		{"method", nodeOf("builtins", "str", "MethodNode", ""), []string{formats.RuleReduce}},
		{"keys in another order", `{"content": {"__loader__": "TypeNode", "__class__": "system", "__module__": "os"}, "__loader__": "TupleNode", "__module__": "builtins", "__class__": "tuple"}`, []string{formats.RuleGlobalDangerous}},
		{"duplicate key", `{"__loader__": "ObjectNode", "__module__": "builtins", "__class__": "str", "__class__": "eval"}`, []string{formats.RuleFormatMalformed}},
		{"cut", strings.TrimSuffix(nodeOf("os", "system", "FunctionNode", ""), "}"), []string{formats.RuleFormatMalformed, formats.RuleGlobalDangerous}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := inspect(tt.schema)
			if got := archivetest.Rules(c); !slices.Equal(got, append([]string{}, tt.rules...)) {
				t.Errorf("found %v, want %v: %v", got, tt.rules, c.Result.Findings)
			}
			if c.Result.Format != formats.FormatSkops {
				t.Errorf("format %q", c.Result.Format)
			}
		})
	}
}

func TestOtherSchemasAreNotSkops(t *testing.T) {
	if c := inspect(`{"type": "object"}`); c.Result.Format == formats.FormatSkops || len(c.Result.Findings) > 0 {
		t.Errorf("format %q, findings %v", c.Result.Format, c.Result.Findings)
	}
}
