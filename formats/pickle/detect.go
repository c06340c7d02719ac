package pickle

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"trustfs/formats"
	"trustfs/formats/globals"
	"trustfs/opcodes"
)

// Inspector knows raw pickles: any protocol, with or without a PROTO opcode, under any name.
type Inspector struct{}

// Name is formats.FormatPickle.
func (Inspector) Name() string { return formats.FormatPickle }

// Detect says whether a reader of pickles would do something with s, or load data from it. A PROTO opcode says so at
// once. Protocols 0 and 1 have none and their opcodes are letters: such bytes are run for a while, and count when they
// do what no text does by chance. Under a name that loaders of pickles open, a name that could be imported is enough: the
// import comes before the bytes break.
func (Inspector) Detect(c *formats.Context, s *formats.Source) bool {
	w := &work{c: c, s: s, known: &known{}}
	return w.promising(0)
}

// Inspect judges the stream at the beginning of s and whatever follows it.
func (Inspector) Inspect(c *formats.Context, s *formats.Source) {
	opt := Options{}
	if TorchLegacy(s) {
		// The magic number, protocol, system, object and storage keys; raw storages follow, which are the torch
		// inspector's to measure.
		opt.Streams, opt.LeaveRest = 5, true
	}
	out := Inspect(c, s, opt)
	if out.Joblib {
		c.SetFormat(s, formats.FormatJoblib)
	}
}

// The magic number 0x1950a86a20f9469cfc6c, with STOP, as pickles write it: from protocol 2 on, and before.
var (
	magicBinary = []byte("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")
	magicText   = []byte("L119547037146038801333356L\n.")
)

// TorchLegacy says whether s begins as files of torch before 1.6 do: with the pickle of a magic number, by any protocol.
func TorchLegacy(s *formats.Source) bool {
	head := make([]byte, min(64, s.Size))
	if n, _ := s.R.ReadAt(head, 0); n < len(head) {
		return false
	}
	if len(head) > 2 && head[0] == 0x80 { // PROTO, and FRAME from protocol 4 on
		head = head[2:]
		if len(head) > 9 && head[0] == 0x95 {
			head = head[9:]
		}
	}
	return bytes.HasPrefix(head, magicBinary) || bytes.HasPrefix(head, magicText)
}

// promising says that a stream at start is worth judging: a PROTO opcode and another opcode behind it, or bytes that do
// something. PROTO alone is also how a safetensors file begins whose header has 640 bytes; every reader breaks there.
func (w *work) promising(start int64) bool {
	var head [3]byte
	n, _ := w.s.R.ReadAt(head[:], start)
	if n >= 2 && head[0] == 0x80 && head[1] <= 5 {
		return n == 2 || opcodes.OpName(head[2]) != ""
	}
	return n > 0 && !w.zipped(start) && w.headless(start)
}

// zipped: the P of a ZIP archive's header is PERSID, whose id K\x03\x04... no persistent_load takes. What lies behind it is
// the archive's, and begins a line with whatever class its first pickle names.
func (w *work) zipped(start int64) bool {
	var head [4]byte
	n, _ := w.s.R.ReadAt(head[:], start)
	return n == len(head) && string(head[:]) == "PK\x03\x04"
}

const (
	probeOpcodes = 200_000 // opcodes run to see whether bytes are a pickle
	probeStacked = 16      // streams without PROTO followed for the same
)

// headless runs bytes without a PROTO opcode. Ordinary text breaks at once: few letters are opcodes, and what a line of
// prose would import is no module's name. What runs for long, resolves a dangerous name, calls or changes anything with
// a name that could be imported, or is data up to the last byte, is a pickle.
func (w *work) headless(start int64) bool {
	for i, end := 0, start; i < probeStacked && end < w.s.Size; i++ {
		p := w.probe(end)
		if p.did || p.exhausted {
			return true
		}
		if p.end <= end {
			return p.resolved && (p.beyond || slices.ContainsFunc(w.s.Names, pickleName))
		}
		if (p.end == w.s.Size || skipPadding(w.s, p.end) == w.s.Size) && p.opcodes > 1 || p.resolved {
			return true
		}
		end = p.end
	}
	return false
}

// active says that the bytes at start do something: used where the place itself is a guess.
func (w *work) active(start int64) bool {
	if w.probes++; w.probes > maxProbes {
		w.c.Exceeded(w.s.At(start), "more than %d places in it look like the beginning of a pickle", maxProbes)
		return false
	}
	p := w.probe(start)
	return p.did || p.exhausted || p.resolved && p.end > start
}

// A probe is what a short run without findings saw.
type probe struct {
	did       bool  // a dangerous name, a call or change by a name that could be imported, an extension
	resolved  bool  // a name that could be imported
	beyond    bool  // behind such a name an opcode runs that begins no word
	exhausted bool  // it ran on beyond what is tried here
	end       int64 // after STOP, or 0
	opcodes   int64
}

func (w *work) probe(start int64) probe {
	var p probe
	named := map[*opcodes.Global]bool{}
	behind := int64(math.MaxInt64) // the first opcode that begins no word, behind a name that could be imported
	rep := opcodes.Run(w.s.R, w.s.Size, opcodes.Options{Start: start, Readings: opcodes.Python3 | opcodes.Python2,
		Budget: opcodes.Budget{Opcodes: probeOpcodes, Entries: probeOpcodes, StringBytes: 1 << 20},
		Handler: func(m *opcodes.Machine, e *opcodes.Event) {
			switch e.Kind {
			case opcodes.EvGlobal:
				ok := importable(e.Global)
				named[e.Global] = ok
				p.resolved = p.resolved || ok
				if ok && w.beginsNoWord(e.End) {
					behind = min(behind, e.End)
				}
				for _, n := range e.Global.Names {
					p.did = p.did || ok && globals.Lookup(n.Module, n.Name, w.c.Presets).Status == globals.Dangerous
				}
			case opcodes.EvCall, opcodes.EvBuild, opcodes.EvSetItems, opcodes.EvAppends, opcodes.EvAddItems:
				g := globalOf(m, e.Object)
				p.did = p.did || g != nil && named[g] || g == nil && p.resolved
			case opcodes.EvExtension, opcodes.EvDynamic:
				p.did = p.did || p.resolved
			}
		}})
	p.opcodes = rep.Opcodes
	if e := rep.Exceeded(); e != nil {
		p.exhausted = e.Kind == opcodes.OverBudget
	}
	for _, o := range rep.Outcomes {
		if o.Err == nil {
			p.end = max(p.end, o.End)
		}
		p.beyond = p.beyond || o.Offset > behind
	}
	return p
}

// beginsNoWord: the line at off begins with an opcode that is no letter, so that it is no further word of a list.
func (w *work) beginsNoWord(off int64) bool {
	var b [1]byte
	n, _ := w.s.R.ReadAt(b[:], off)
	return n == 1 && (strings.IndexByte("012(])}.", b[0]) >= 0 || b[0] >= 0x80)
}

// pickleName says that loaders of pickles open such a name.
func pickleName(name string) bool {
	switch formats.Extension(name) {
	case "pkl", "pickle", "pck", "pckl", "pcl", "p", "pt", "pth", "pt2", "ckpt", "bin", "th", "t7", "tar", "joblib", "jbl", "dill", "cloudpickle", "npy":
		return true
	}
	return false
}

// importable says that a name looks like one that an import could find: identifiers between dots.
func importable(g *opcodes.Global) bool {
	ok := func(path string) bool {
		for part := range strings.SplitSeq(path, ".") {
			if part == "" || strings.ContainsFunc(part, func(r rune) bool {
				return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r < 0x80
			}) || part[0] >= '0' && part[0] <= '9' {
				return false
			}
		}
		return true
	}
	return ok(g.Module) && ok(g.Name)
}
