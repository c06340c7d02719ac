// Package skops inspects skops files: zip archives whose schema.json describes Python objects node by node. skops.io.load
// imports what a node names and builds it; types beyond its own list it loads only if the caller trusts them by name,
// which a file can make look harmless (CVE-2025-54412, CVE-2025-54413). What is named is judged here as in a pickle.
package skops

import (
	"errors"
	"io"
	"slices"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/formats/globals"
	"trustfs/formats/internal/strictjson"
)

const schemaName = "schema.json"

// trusted are the presets whose names skops itself loads without being asked.
var trusted = []string{"python", "numpy", "scipy", "sklearn"}

// Flavor is the zip flavor of skops files.
type Flavor struct{}

// Accepts implements archive.Flavor.
func (Flavor) Accepts(z *archive.Zip) bool {
	return slices.ContainsFunc(z.Members, func(m *archive.Member) bool { return m.Name == schemaName })
}

// Inspect implements archive.Flavor. The members stay for the other inspectors: arrays are .npy files.
func (Flavor) Inspect(c *formats.Context, s *formats.Source, z *archive.Zip) []*archive.Member {
	for _, m := range z.Members {
		if m.Name != schemaName || c.Stopped() {
			continue
		}
		src, ok := z.Source(c, m)
		if !ok {
			continue
		}
		w := &walker{c: c, s: src}
		err := w.walk()
		if w.nodes > 0 { // a schema.json without nodes is somebody else's
			c.SetFormat(s, formats.FormatSkops)
			if err != nil {
				c.Addf(formats.RuleFormatMalformed, src.Where, "schema.json: %v", err)
			}
		}
	}
	return nil
}

// A node is what one object of the schema names.
type node struct {
	module, class, loader string
	offset                int64
	key                   string // the key whose value comes next
}

type walker struct {
	c     *formats.Context
	s     *formats.Source
	open  []node // objects; arrays are empty nodes
	nodes int
}

// walk reads the document once and judges each object that has a loader, when it ends: keys may come in any order. A
// duplicate key ends the reading with an error, since readers differ in which they take.
func (w *walker) walk() error {
	d := strictjson.New(io.NewSectionReader(w.s.R, 0, w.s.Size), 0, strictjson.Options{MaxDepth: 1000, MaxString: 4096, AllowNaN: true})
	for !w.c.Stopped() {
		t, err := d.Next()
		if err != nil {
			for _, n := range slices.Backward(w.open) { // what is open so far counts, and the document is malformed
				w.judge(n)
			}
			return err
		}
		switch t.Kind {
		case strictjson.EOF:
			return nil
		case strictjson.ObjectStart, strictjson.ArrayStart:
			w.open = append(w.open, node{offset: t.Offset})
		case strictjson.ObjectEnd, strictjson.ArrayEnd:
			w.judge(w.open[len(w.open)-1])
			w.open = w.open[:len(w.open)-1]
		case strictjson.Key:
			w.open[len(w.open)-1].key = string(t.Text)
		case strictjson.String:
			if len(w.open) > 0 {
				w.open[len(w.open)-1].set(string(t.Text))
			}
		}
	}
	return errors.New("not read to its end")
}

func (n *node) set(text string) {
	switch n.key {
	case "__module__":
		n.module = text
	case "__class__":
		n.class = text
	case "__loader__":
		n.loader = text
	}
	n.key = ""
}

// calling are the loaders that call what the node names, rather than make an instance and fill it.
var calling = []string{"ConstructorFromReduceNode", "OperatorFuncNode", "PartialNode", "ReduceNode", "LossNode"}

// judge looks up what a node names.
func (w *walker) judge(n node) {
	if n.loader == "" || n.class == "" && n.module == "" {
		return
	}
	w.nodes++
	where, name := w.s.At(n.offset), n.module+"."+n.class
	addGlobal(w.c, n.module+":"+n.class)
	if n.loader == "OperatorFuncNode" && n.module != "operator" {
		// CVE-2025-54412: the module that the node states was checked, and the class called in operator all the same.
		w.c.Addf(formats.RuleGlobalDangerous, where, "an OperatorFuncNode that says %s and calls operator.%s", name, n.class)
	}
	if n.loader == "MethodNode" {
		// The object that the method is taken from need not be of the type that the node states.
		w.c.Addf(formats.RuleReduce, where, "a MethodNode takes any attribute of an object: %s", name)
	}
	v := globals.Lookup(n.module, n.class, append(slices.Clone(trusted), w.c.Presets...))
	switch v.Status {
	case globals.Dangerous:
		w.c.Addf(formats.RuleGlobalDangerous, where, "%s (%s)", name, n.loader)
	case globals.Unknown:
		w.c.Add(formats.Finding{Rule: formats.RuleGlobalUnknown, Where: where, Detail: name, Preset: v.Preset})
		if slices.Contains(calling, n.loader) {
			w.c.Addf(formats.RuleReduce, where, "%s calls %s, which no preset allows", n.loader, name)
		}
	}
}

// addGlobal records a name in the facts, sorted and once.
func addGlobal(c *formats.Context, text string) {
	list := &c.Result.Facts.Globals
	if i, found := slices.BinarySearch(*list, text); !found && len(*list) < formats.MaxGlobals {
		*list = slices.Insert(*list, i, text)
	}
}
