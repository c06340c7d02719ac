package pickle

import (
	"strings"
	"testing"

	"trustfs/formats/globals"
)

// What was judged once and allowed says nothing of what looks like it: each case repeats something harmless, then differs
// in one thing.
func TestAgain(t *testing.T) {
	const module, class = "transformers.training_args", "TrainingArguments"
	lin, blank := g("torch.nn.modules.linear", "Linear"), g(module, class)
	bare := strings.Repeat(lin+")\x810", 3)
	id := func(word, location string) string {
		return tuple(str(word), g("torch", "FloatStorage"), str("0"), str(location), "K\x03") + "Q0"
	}
	// The same literals of the memo each time, as a pickler has them.
	same := str("storage") + "q\x000" + str("cpu") + "q\x010" + strings.Repeat("(h\x00"+g("torch", "FloatStorage")+str("0")+"h\x01K\x03tQ0", 3)
	for name, test := range map[string]struct{ stream, want string }{
		"no arguments":              {load(bare + "N"), ""},
		"then with one":             {load(bare + newobj(lin, "K\x01")), "reduce NEWOBJ torch.nn.modules.linear.Linear(1)"},
		"then with a keyword":       {"\x80\x04" + bare + lin + ")" + dict(str("a"), "K\x01") + "\x92.", "reduce NEWOBJ_EX torch.nn.modules.linear.Linear()"},
		"then with what is a list":  {load(bare + lin + "]R"), "reduce torch.nn.modules.linear.Linear"},
		"made blank":                {load(strings.Repeat(blank+")\x810", 3) + "N"), ""},
		"made blank, then called":   {load(strings.Repeat(blank+")\x810", 3) + blank + ")R"), "reduce " + module + "." + class + "(): is made by NEWOBJ only"},
		"another name":              {load(bare + g("posix", "abort") + ")R"), "global_dangerous posix.abort"},
		"forbidden twice":           {load(strings.Repeat(g("torch", "FloatStorage")+")R0", 2) + "N"), "reduce torch.FloatStorage(): may be a value"},
		"storages":                  {load(same + "N"), ""},
		"storages, another word":    {load(same + id("module", "cpu") + "N"), "persistent_id"},
		"storages, another place":   {load(same + id("storage", "cuda:0") + "N"), ""},
		"storages, a long place":    {load(same + id("storage", strings.Repeat("c", 65)) + "N"), "persistent_id"},
		"storages, a number":        {load(same + "(h\x00" + g("torch", "FloatStorage") + str("0") + "K\x01K\x03tQ"), "persistent_id"},
		"storages, the place first": {load(same + "(h\x01" + g("torch", "FloatStorage") + str("0") + "h\x01K\x03tQ"), "persistent_id"},
	} {
		found := rulesOf(inspectText(test.stream, append(globals.Defaults(), "transformers")...))
		if test.want == "" && len(found) != 0 || test.want != "" && (len(found) == 0 || !strings.HasPrefix(found[0], test.want)) {
			t.Errorf("%s: found %q, want %q", name, found, test.want)
		}
	}
}
