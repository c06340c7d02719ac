package archivetest

import (
	"bytes"
	"fmt"
	"io"
	"sort"

	"trustfs/formats"
)

// A Recorder stands in for the other inspectors: it notes what it is asked to inspect.
type Recorder struct {
	Members map[string]string // by Where, the content; several of one Where are joined by "|"
}

// Context gives a context whose Nested notes members, with small budgets that a test can exceed.
func (r *Recorder) Context() *formats.Context {
	r.Members = map[string]string{}
	return &formats.Context{
		Presets: []string{"torch", "numpy", "python"},
		Budget:  formats.Budget{Inflated: 64 << 20, Ratio: 1100, Members: 1000, Depth: 4, Opcodes: 1 << 20, MemoEntries: 1 << 20, StringBytes: 1 << 20, HeaderBytes: 1 << 20},
		Nested: func(_ *formats.Context, s *formats.Source) {
			b, err := io.ReadAll(io.NewSectionReader(s.R, 0, s.Size))
			if err != nil {
				b = fmt.Appendf(b, "(%v)", err)
			}
			if old, ok := r.Members[s.Where]; ok {
				b = []byte(old + "|" + string(b))
			}
			r.Members[s.Where] = string(b)
		},
	}
}

// Source makes a source of bytes.
func Source(b []byte, names ...string) *formats.Source {
	return &formats.Source{R: bytes.NewReader(b), Size: int64(len(b)), Names: names}
}

// Rules lists the rules found, sorted, each once.
func Rules(c *formats.Context) []string {
	set := map[string]bool{}
	for _, f := range c.Result.Findings {
		set[f.Rule] = true
	}
	out := []string{}
	for r := range set {
		out = append(out, r)
	}
	sort.Strings(out)
	return out
}
