// Package joblib inspects what joblib adds to pickles and no other inspector sees. Raw arrays between the opcodes are
// package pickle's, compressed files and the old "ZF" container package archive's. Here: files of joblib before 0.10,
// whose arrays lie in .npy files beside the pickle and which name those files themselves.
package joblib

import (
	"bytes"
	"strings"

	"trustfs/formats"
	"trustfs/formats/archive"
	"trustfs/opcodes"
)

// Companions inspects pickles that name array files beside them.
type Companions struct{}

// Name implements formats.Inspector.
func (Companions) Name() string { return formats.FormatJoblib }

// searched is how much of a pickle is searched for the wrapper's name. It stands where the first array does.
const searched = 1 << 20

// wrapper is part of the names of both classes, NDArrayWrapper and ZNDArrayWrapper (joblib/numpy_pickle_compat.py).
var wrapper = []byte("NDArrayWrapper")

// Detect implements formats.Inspector.
func (Companions) Detect(_ *formats.Context, s *formats.Source) bool {
	buf := make([]byte, max(min(s.Size, 64<<10), 1<<10)) // never as short as what is looked for
	for off := int64(0); off < min(s.Size, searched); off += int64(len(buf) - len(wrapper)) {
		n, _ := s.R.ReadAt(buf[:min(int64(len(buf)), s.Size-off)], off)
		if off == 0 && (n < 2 || !first(buf[0])) {
			return false
		}
		if bytes.Contains(buf[:n], wrapper) {
			return true
		}
	}
	return false
}

// first says that a byte can begin a pickle which comes to name a class: PROTO, MARK, a name, a container.
func first(b byte) bool { return b == 0x80 || bytes.IndexByte([]byte("(c]}l d)t"), b) >= 0 }

// Inspect implements formats.Inspector. joblib joins the name to the pickle's folder and loads the file with numpy, as a
// pickle where the array holds objects; a name that leaves the folder loads what nobody has judged.
func (Companions) Inspect(c *formats.Context, s *formats.Source) {
	found := false
	rep := opcodes.Run(s.R, s.Size, opcodes.Options{
		Readings: opcodes.All,
		Budget:   opcodes.Budget{Opcodes: max(c.Budget.Opcodes, 1), Entries: max(c.Budget.MemoEntries, 1), StringBytes: max(c.Budget.StringBytes, 1)},
		Handler: func(m *opcodes.Machine, e *opcodes.Event) {
			if e.Kind != opcodes.EvBuild {
				return
			}
			v, ok := m.Get(e.Args, "filename")
			if !ok {
				return
			}
			name, ok := m.Str(v)
			found = true
			if why := archive.Escapes(name); why != "" || !ok || strings.ContainsAny(name, `/\`) {
				c.Addf(formats.RuleArchiveTraversal, s.At(e.Offset), "joblib would load an array from the file %q, outside of the pickle's own folder", name)
			}
		},
	})
	c.Budget.Opcodes -= rep.Opcodes
	if found {
		c.SetFormat(s, formats.FormatJoblib)
	}
}
