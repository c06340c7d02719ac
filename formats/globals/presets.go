package globals

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed presets/*.txt dangerous.txt
var data embed.FS

// A Preset is one allowlist.
type Preset struct {
	Name    string
	Default bool   // on unless the configuration says otherwise
	About   string // one sentence
	Entries []Entry
}

// presetTable is the order in which presets are shown; a file without a row here, or the reverse, fails the tests.
var presetTable = []Preset{
	{Name: "torch", Default: true, About: "tensors, state dicts, torch.nn modules and optimizers"},
	{Name: "numpy", Default: true, About: "arrays, scalars, dtypes, random states, joblib's array wrappers"},
	{Name: "python", Default: true, About: "plain values and containers of the standard library"},
	{Name: "sklearn", About: "scikit-learn estimators and their parts"},
	{Name: "scipy", About: "sparse matrices, splines and interpolators"},
	{Name: "pandas", About: "frames, series, indexes and their arrays"},
	{Name: "xgboost", About: "XGBoost boosters and their scikit-learn wrappers"},
	{Name: "lightgbm", About: "LightGBM boosters and their scikit-learn wrappers"},
	{Name: "lightning", About: "PyTorch Lightning checkpoints and their hyperparameters"},
	{Name: "transformers", About: "Hugging Face training arguments, enums and tokenizers"},
	{Name: "ultralytics", About: "YOLO models saved whole"},
	{Name: "fastai", About: "the classes of exported fastai learners; their functions stay unknown"},
}

// tables are the parsed data files. The data is compiled in, so that an error in it is a bug of the build, which the
// tests catch; nothing is admitted from tables that do not parse.
type tables struct {
	presets   []Preset
	allowed   map[key]*Entry
	dangerous []Entry
	exact     map[key]*Entry
	whole     map[string]*Entry // modules, with everything below
	anywhere  map[string]*Entry // names, in whatever module
	err       error
}

var loaded = sync.OnceValue(loadTables)

func loadTables() *tables {
	t := &tables{
		allowed: map[key]*Entry{}, exact: map[key]*Entry{}, whole: map[string]*Entry{}, anywhere: map[string]*Entry{},
	}
	if err := t.load(); err != nil {
		return &tables{err: err}
	}
	return t
}

func (t *tables) load() error {
	for _, p := range presetTable {
		text, err := data.ReadFile("presets/" + p.Name + ".txt")
		if err != nil {
			return err
		}
		if p.Entries, err = parsePreset(p.Name, string(text)); err != nil {
			return err
		}
		t.presets = append(t.presets, p)
		for i := range p.Entries {
			e := &p.Entries[i]
			k := key{e.Module, e.Name}
			if other := t.allowed[k]; other != nil {
				return fmt.Errorf("%s.txt:%d: %s %s stands in %s.txt too", p.Name, e.Line, e.Module, e.Name, other.Preset)
			}
			t.allowed[k] = e
		}
	}
	text, err := data.ReadFile("dangerous.txt")
	if err != nil {
		return err
	}
	if t.dangerous, err = parseDangerous(string(text)); err != nil {
		return err
	}
	return t.indexDangerous()
}

func (t *tables) indexDangerous() error {
	for i := range t.dangerous {
		e := &t.dangerous[i]
		switch {
		case e.Module == "*":
			t.anywhere[e.Name] = e
		case e.Name == "*":
			t.whole[e.Module] = e
		default:
			t.exact[key{e.Module, e.Name}] = e
			if a := t.allowed[key{e.Module, e.Name}]; a != nil {
				return fmt.Errorf("%s %s is both allowed (%s.txt:%d) and dangerous (line %d)",
					e.Module, e.Name, a.Preset, a.Line, e.Line)
			}
		}
	}
	return nil
}

// Presets lists the allowlists with their entries, in a fixed order. The result is the caller's own.
func Presets() []Preset {
	out := slices.Clone(loaded().presets)
	for i := range out {
		out[i].Entries = slices.Clone(out[i].Entries)
	}
	return out
}

// DangerousList lists the dangerous entries, in the order of the file.
func DangerousList() []Entry { return slices.Clone(loaded().dangerous) }

// Defaults names the presets that are on unless the configuration says otherwise.
func Defaults() []string {
	var names []string
	for _, p := range presetTable {
		if p.Default {
			names = append(names, p.Name)
		}
	}
	return names
}

// Check says whether name is a preset, with an error that lists those there are.
func Check(name string) error {
	var names []string
	for _, p := range presetTable {
		if p.Name == name {
			return nil
		}
		names = append(names, p.Name)
	}
	return fmt.Errorf("no allowlist preset %q; there are %s", name, strings.Join(names, ", "))
}
