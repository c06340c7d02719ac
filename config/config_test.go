package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// write puts a configuration into a folder of its own and gives its name.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "t.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestBadFiles(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "profile: strict\nmax-scor: 3\n", `t.yaml:2: unknown key "max-scor"`},
		{"unknown nested key", "jail:\n  requires: full\n", `t.yaml:2: unknown key "jail.requires"`},
		{"key twice", "max-score: 3\nmax-score: 4\n", `t.yaml:2: key "max-score" was given already`},
		{"wrong type", "profile: strict\nmax-score: many\n", "line 2: cannot unmarshal"},
		{"wrong choice", "profile: lax\n", `profile (`},
		{"negative maximum", "max-score: -1\n", "must not be negative"},
		{"negative weight", "weights: {reduce: -5}\n", "weights ("},
		{"a bundle without a time", "sigstore: {timestamps: 0}\n", "sigstore.timestamps ("},
		{"a negative threshold", "sigstore: {log-entries: -1}\n", "sigstore.timestamps ("},
		{"a name for a key that is not trusted", "key-names: {/k.pem: us}\n", "key-names ("},
		{"a worker without memory", "jail: {memory: 16}\n", "jail.memory ("},
		{"negative time", "jail: {wall: -1}\n", "jail.memory ("},
		{"a quantizer without time", "quantize: {timeout: 0}\n", "quantize.timeout ("},
		{"two documents", "profile: strict\n---\nprofile: audit\n", "more than one YAML document"},
		{"a list", "- profile\n", "t.yaml:1: expected `key: value` lines"},
		{"not YAML", "profile: [\n", "did not find expected"},
		{"wrong jail", "jail: {require: none}\n", "jail.require ("},
		{"case matters", "Profile: audit\n", `unknown key "Profile"`},
		{"empty state", "state: ''\n", "must name a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LoadFile(write(t, tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestFileThatOthersMayWrite(t *testing.T) {
	name := write(t, "profile: audit\n")
	if err := os.Chmod(name, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(name); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("got %v, want a refusal that says how to mend it", err)
	}
}

func TestFlagsLieOverTheFile(t *testing.T) {
	name := write(t, "profile: content\nmax-score: 30\nallow-preset: [sklearn]\ntrust-key: [keys/a.pem]\nweights: {reduce: 5}\n")
	set := pflag.NewFlagSet("t", pflag.ContinueOnError)
	flags := Bind(set, Judging)
	if err := set.Parse([]string{"--config", name, "--max-score", "7", "--allow-preset", "lightning", "--checksums", "rel"}); err != nil {
		t.Fatal(err)
	}
	c, err := flags.Load()
	if err != nil {
		t.Fatal(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key       string
		got, want any
		from      string
	}{
		{"profile", c.Profile, "content", name + ":1"},
		{"max-score", c.MaxScore, 7, "--max-score"},
		{"allow-preset", c.AllowPreset, []string{"lightning"}, "--allow-preset"},
		{"trust-key", c.TrustKey, []string{filepath.Join(filepath.Dir(name), "keys/a.pem")}, name + ":4"},
		{"checksums", c.Checksums, []string{filepath.Join(wd, "rel")}, "--checksums"},
		{"weights", c.Weights, map[string]int{"reduce": 5}, name + ":5"},
		{"serve", c.Serve, "auto", "default"},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) || c.Origin(tt.key) != tt.from {
			t.Errorf("%s: got %v from %s, want %v from %s", tt.key, tt.got, c.Origin(tt.key), tt.want, tt.from)
		}
	}
}

func TestNamedFileMustExist(t *testing.T) {
	set := pflag.NewFlagSet("t", pflag.ContinueOnError)
	flags := Bind(set, Judging)
	if err := set.Parse([]string{"--config", filepath.Join(t.TempDir(), "absent.yaml")}); err != nil {
		t.Fatal(err)
	}
	if _, err := flags.Load(); err == nil {
		t.Error("a missing --config file was passed over")
	}
}

// Every field of the file must have a row, or neither `config show` nor validation would know it.
func TestEveryKeyHasARow(t *testing.T) {
	var rows []string
	for _, r := range Default().Rows() {
		rows = append(rows, r.Key)
	}
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for key, field := range keysOf(typ) {
			if field.Kind() == reflect.Struct {
				walk(prefix+key+".", field)
			} else if !slices.Contains(rows, prefix+key) {
				t.Errorf("key %s has no row in the option table", prefix+key)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "profile: audit", "jail: {require: full}", "a: &x [*x]", "weights: {a: 1}\n", "? [a]\n: b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, err := parse("t.yaml", text); err == nil && c.validate() == nil && c.State == "" {
			t.Error("a configuration without a state directory passed")
		}
	})
}

// The file that is installed must say what really holds, in every line.
func TestInstalledFileShowsTheDefaults(t *testing.T) {
	text, err := os.ReadFile("trustfs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := parse("trustfs.yaml", text); err != nil || len(c.origin) != 0 {
		t.Fatalf("as installed it must change nothing: %v", err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if after, found := strings.CutPrefix(line, "#"); found && !strings.HasPrefix(after, " ") || strings.HasPrefix(line, "#  ") {
			lines = append(lines, after)
		}
	}
	c, err := parse("trustfs.yaml", []byte(strings.Join(lines, "")))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"state": `"/var/lib/trustfs"`, "allow-other": "true"} // root's
	for i, row := range Default().Rows() {
		if want[row.Key] == "" {
			want[row.Key] = row.Value
		}
		got := strings.NewReplacer("[]", "null", "{}", "null").Replace(c.Rows()[i].Value)
		if got != want[row.Key] {
			t.Errorf("%s: the file says %s, the program %s", row.Key, got, want[row.Key])
		}
		if c.Origin(row.Key) == "default" {
			t.Errorf("%s is not in the file", row.Key)
		}
	}
}
