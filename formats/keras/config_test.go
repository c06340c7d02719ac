package keras

import (
	"strings"
	"testing"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
)

func TestInspectConfig(t *testing.T) {
	dense := `{"module":"keras.layers","class_name":"Dense","config":{"units":10,"activation":"relu",` +
		`"kernel_initializer":{"module":"keras.initializers","class_name":"GlorotUniform","config":{"seed":null},"registered_name":null}},"registered_name":null}`
	model := func(layers ...string) string {
		return `{"module":"keras","class_name":"Sequential","config":{"name":"m","layers":[` + strings.Join(layers, ",") + `]},"registered_name":"Sequential"}`
	}
	fn := func(module, name string) string {
		return `{"module":"` + module + `","class_name":"function","config":"` + name + `","registered_name":"function"}`
	}
	tests := map[string]struct{ config, want string }{
		"dense":         {model(dense), ""},
		"old dense":     {`{"class_name":"Sequential","config":[{"class_name":"Dense","config":{"units":1}}]}`, ""},
		"functional":    {`{"module":"keras.src.models.functional","class_name":"Functional","config":{},"registered_name":"Functional"}`, ""},
		"ops function":  {model(fn("keras.ops", "relu")), ""},
		"vocabulary":    {model(`{"class_name":"StringLookup","config":{"vocabulary":["a","b"]}}`), ""},
		"nan":           {model(`{"class_name":"X","config":{"x":NaN}}`), ""},
		"lambda":        {model(`{"class_name":"Lambda","config":{"function":["4wEAAA==",null,null]}}`), formats.RuleKerasLambda},
		"nested lambda": {model(`{"class_name":"TimeDistributed","config":{"layer":{"class_name":"Lambda","config":{}}}}`), formats.RuleKerasLambda},
		"custom lambda": {model(`{"class_name":"Custom>Lambda","config":{}}`), formats.RuleKerasLambda},
		"__lambda__":    {model(`{"class_name":"X","config":{"function":{"class_name":"__lambda__","config":{}}}}`), formats.RuleKerasLambda},
		"function_type": {model(`{"class_name":"X","config":{"function_type":"lambda"}}`), formats.RuleKerasLambda},
		"torch":         {model(`{"module":"keras.layers","class_name":"TorchModuleWrapper","config":{}}`), formats.RuleKerasLambda},
		"tfsm":          {model(`{"module":"keras.layers","class_name":"TFSMLayer","config":{"filepath":"/x"}}`), formats.RuleGraphFileAccess},
		"vocab path":    {model(`{"class_name":"StringLookup","config":{"vocabulary":"/etc/passwd"}}`), formats.RuleGraphFileAccess},
		"os":            {model(fn("os", "system")), formats.RuleRemoteCode},
		"keras prefix":  {model(fn("keras_evil", "x")), formats.RuleRemoteCode},
		"get_file":      {model(fn("keras.utils", "get_file")), formats.RuleRemoteCode},
		"get_file src":  {model(fn("keras.src.utils.file_utils", "get_file")), formats.RuleRemoteCode},
		"load_model":    {model(fn("keras.models", "load_model")), formats.RuleRemoteCode},
		"saving class":  {model(`{"module":"keras.saving","class_name":"KerasSaveable","config":{}}`), formats.RuleRemoteCode},
		"eval":          {model(fn("builtins", "eval")), formats.RuleRemoteCode},
		"own function":  {model(fn("builtins", "my_relu")), formats.RuleCustomOps},
		"own class":     {model(`{"module":null,"class_name":"L","registered_name":"pkg>L","config":{}}`), formats.RuleCustomOps},
		"unsafe":        {model(`{"class_name":"X","config":{"enable_unsafe_deserialization":true}}`), formats.RuleRemoteCode},
		"no json":       {`{"class_name"`, formats.RuleFormatMalformed},
		"twice":         {`{"class_name":"Dense","class_name":"Dense"}`, formats.RuleFormatMalformed},
		"hidden twice":  {`{"config":{"class_name":"Lambda"},"config":{}}`, formats.RuleFormatMalformed + " " + formats.RuleKerasLambda},
		"deep":          {strings.Repeat("[", 1000), formats.RuleLimitExceeded},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := &formats.Context{Budget: formats.DefaultBudget()}
			InspectConfig(c, "model_config", strings.NewReader(tt.config))
			if got := inspecttest.Rules(c.Result); got != tt.want {
				t.Errorf("rules %q, want %q: %+v", got, tt.want, c.Result.Findings)
			}
		})
	}
}
