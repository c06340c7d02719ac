package oracle

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"trustfs/opcodes"
)

// A deed is one thing that a reader did: what, to what, and at which offset, or -1 where that cannot be told.
type deed struct {
	Kind, Label string
	At          int64
}

// A reader is what one implementation did with a stream; Error is empty if it reached STOP.
type reader struct {
	Did   []deed
	Error string
}

// readings maps the oracle's readers to those of package opcodes.
var readings = map[string]opcodes.Readings{
	"c3": opcodes.C3, "c3bytes": opcodes.C3, "cfile": opcodes.CFile, "py3": opcodes.Py3,
	"py2": opcodes.Py2, "c2": opcodes.C2,
}

// ours is what package opcodes tells of one reading: deeds, of which the first certain are not open to doubt.
type ours struct {
	deeds   []deed
	certain int
	loads   bool
}

// run gives what package opcodes says of each reading.
func run(data []byte) map[opcodes.Readings]*ours {
	out := map[opcodes.Readings]*ours{}
	offsets := map[opcodes.Readings][]int64{}
	for _, r := range readings {
		out[r] = &ours{}
	}
	opt := opcodes.Options{Handler: func(m *opcodes.Machine, e *opcodes.Event) {
		for r, o := range out {
			list := deeds(m, e, r)
			if e.Readings&r == 0 || e.Kind == opcodes.EvExtension && slices.ContainsFunc(o.deeds, func(d deed) bool {
				return d.Kind == "extension" && d.Label == list[0].Label // copyreg keeps what it has resolved once
			}) {
				continue
			}
			for _, d := range list {
				o.deeds = append(o.deeds, d)
				offsets[r] = append(offsets[r], e.Offset)
			}
		}
	}}
	rep := opcodes.Run(bytes.NewReader(data), int64(len(data)), opt)
	for r, o := range out {
		for _, off := range offsets[r] {
			if rep.Assumed < 0 || off < rep.Assumed {
				o.certain++
			}
		}
		o.loads = rep.Loads(r)
	}
	return out
}

// deeds says what the oracle would note of an event.
func deeds(m *opcodes.Machine, e *opcodes.Event, r opcodes.Readings) []deed {
	n := 1
	d := deed{At: e.End}
	switch e.Kind {
	case opcodes.EvGlobal:
		d.Kind, d.Label = "global", e.Global.Module+":"+e.Global.Name
	case opcodes.EvCall:
		d.Kind, d.Label = "call", label(m, e.Object)
	case opcodes.EvBuild:
		d.Kind, d.Label = "build", label(m, e.Object)
	case opcodes.EvSetItems:
		d.Kind, d.Label, n = "setitem", label(m, e.Object), int(m.Len(e.Args)/2)
	case opcodes.EvAppends:
		d.Kind, d.Label, n = "append", label(m, e.Object), int(m.Len(e.Args))
		if r != opcodes.C2 { // which has no extend
			n = min(n, 1)
		}
	case opcodes.EvAddItems:
		d.Kind, d.Label, n = "add", label(m, e.Object), int(m.Len(e.Args))
	case opcodes.EvPersistent:
		d.Kind = "persistent"
	case opcodes.EvExtension:
		d.Kind, d.Label = "extension", strconv.Itoa(int(e.Code))
	default:
		return nil
	}
	return slices.Repeat([]deed{d}, n)
}

// label names an object as the oracle does.
func label(m *opcodes.Machine, v opcodes.Value) string {
	switch v.Kind() {
	case opcodes.KindGlobal:
		g := m.Global(v)
		return g.Module + ":" + g.Name
	case opcodes.KindCall:
		return "result"
	case opcodes.KindPersistent:
		return "persistent"
	case opcodes.KindExtension:
		return strings.Trim(strings.Replace(m.Render(v, 100), "(", " ", 1), ")")
	}
	return v.Kind().String()
}

// compare gives the differences between what CPython did and what package opcodes says.
func compare(data []byte, answer map[string]reader) (diffs []string) {
	all := run(data)
	for name, a := range answer {
		o := *all[readings[name]]
		o.deeds = slices.Clone(o.deeds)
		diffs = append(diffs, compareOne(name, a, &o)...)
	}
	slices.Sort(diffs)
	return diffs
}

func compareOne(name string, a reader, o *ours) (diffs []string) {
	for i, d := range a.Did {
		for i >= o.certain && i < len(o.deeds) && o.deeds[i].Label == "buffer" {
			o.deeds = slices.Delete(o.deeds, i, i+1) // what a buffer lets be done to it depends on what it is
		}
		if i >= len(o.deeds) {
			return []string{fmt.Sprintf("%s: missed deed %d: %v", name, i, d)}
		}
		if !same(d, o.deeds[i]) {
			return []string{fmt.Sprintf("%s: deed %d is %v, we say %v", name, i, d, o.deeds[i])}
		}
	}
	if a.Error == "" && !o.loads {
		diffs = append(diffs, name+": loads, and we say it does not")
	}
	if len(a.Did) < o.certain && !excused(name, a.Error) {
		diffs = append(diffs, fmt.Sprintf("%s: stops with %q, we go on with %v", name, a.Error, o.deeds[len(a.Did)]))
	}
	return diffs
}

func same(theirs, our deed) bool {
	return theirs.Kind == our.Kind && theirs.Label == our.Label && (theirs.At < 0 || theirs.At == our.At)
}

// excused says whether a reader stopped for what is no property of the stream.
func excused(name, err string) bool {
	kind, _, _ := strings.Cut(err, ":")
	return kind == "MemoryError" || kind == "RecursionError" || name == "c3bytes" ||
		strings.Contains(err, "unregistered extension code")
}
