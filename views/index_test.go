package views

import (
	"strings"
	"testing"
)

func TestRewriteIndex(t *testing.T) {
	rewrite := func(s string) (string, error) {
		b, err := RewriteIndex(strings.NewReader(s), int64(len(s)))
		return string(b), err
	}
	got, err := rewrite(`{"weight_map":{"b":"pytorch_model-00002-of-00002.bin","a":"pytorch_model-00001-of-00002.bin"},"metadata":{"total_size":9007199254740993}}`)
	want := `{
  "metadata": {
    "total_size": 9007199254740993
  },
  "weight_map": {
    "a": "model-00001-of-00002.safetensors",
    "b": "model-00002-of-00002.safetensors"
  }
}
`
	if got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"", "[]", "{}", `{"weight_map":{}}`, `{"weight_map":{"a":"config.json"}}`,
		`{"weight_map":{"a":1}}`, `{"weight_map":{"a":"pytorch_model.bin.index.json"}}`} {
		if _, err := rewrite(bad); err == nil {
			t.Errorf("%s is rewritten", bad)
		}
	}
	if _, err := RewriteIndex(strings.NewReader(""), MaxIndex+1); err == nil {
		t.Error("an index beyond the bound is read")
	}
}
