package opcodes

import (
	"io"
	"math"
)

// A Machine is one pickle machine at work, or after its work. It is given to handlers, which ask it about Values.
type Machine struct {
	w   window
	opt Options
	a   arena

	set       Readings // who still agrees about everything below
	stack     []Value  // its top: see cold
	cold               // the rest
	low       int      // the stack below this height has not changed since the last collection
	room      int      // values that fit on the piece at the top
	marks     []uint32
	fence     int     // the topmost mark, or the bottom, counted from base: what modern readers do not reach below
	scratch   []Value // see sinceMark
	memo      memoTable
	memoFar   map[uint64]Value // indices that are far from dense
	memoText  map[string]Value // keys that are no 63-bit number
	memoLen   int
	memoSeen  uint64  // what n was at the last collection
	log       []Value // see remember
	keyKinds  uint8   // binaryKeys, textKeys
	splitKeys bool    // text keys are no numbers
	proto     int
	frameEnd  int64 // noFrame, or where the frame ends that Py3 and CFile are in

	opOff     int64
	op        byte
	halted    bool
	displaced bool // CFile read this opcode's argument from beyond a frame's end
	moved     map[int64]span
	far       farCache
	ev        Event

	from  int64 // events before this offset were told by an earlier run
	forks []fork
	rep   Report

	opsLeft     int64
	stringsLeft int64
	entriesMax  int // of the stack, given the memo's size
	globals     []*Global
	globalIDs   map[string]int
	stackNames  map[stackKey]*Global // of STACK_GLOBAL
	keyBuf      []byte
	pins        []Value
}

// A fork is a group of readings that saw something differently at an offset: the stream is run again for them.
type fork struct {
	set       Readings
	at        int64
	splitKeys bool // see Machine.keys
}

// A span is a run of bytes of the stream.
type span struct{ off, n int64 }

const noFrame = math.MaxInt64

// Run executes the stream that lies in r from opt.Start to size, for each of opt.Readings, up to its STOP. It always
// terminates and never panics, whatever the bytes; a report says what became of each reading.
func Run(r io.ReaderAt, size int64, opt Options) *Report {
	m := &Machine{opt: opt}
	if m.opt.Readings == 0 {
		m.opt.Readings = Python3 | Python2
	}
	m.opt.Budget = opt.Budget.orDefault()
	m.opsLeft, m.stringsLeft = m.opt.Budget.Opcodes, m.opt.Budget.StringBytes
	m.w = window{r: r, size: size, buf: make([]byte, windowFor(opt, size))}
	m.globalIDs = map[string]int{}
	m.rep.Assumed = -1
	m.forks = []fork{{set: m.opt.Readings, at: math.MinInt64, splitKeys: opt.SplitKeys}}
	for len(m.forks) > 0 {
		f := m.forks[0]
		m.forks = m.forks[1:]
		m.reset(f)
		if f.at != math.MinInt64 {
			m.opOff = f.at
			if e := m.event(EvReading); e != nil {
				e.SplitKeys = f.splitKeys
				m.tell(e)
			}
		}
		m.run()
	}
	m.rep.finish()
	m.rep.Machine = m
	m.rep.Opcodes = m.opt.Budget.Opcodes - m.opsLeft
	return &m.rep
}

func windowFor(opt Options, size int64) int64 {
	if opt.window > 0 {
		return max(lookahead, int64(opt.window))
	}
	return max(lookahead, min(windowSize, size-opt.Start))
}

func (b Budget) orDefault() Budget {
	d := DefaultBudget()
	for _, f := range [...]struct{ have, def *int64 }{
		{&b.Opcodes, &d.Opcodes}, {&b.Entries, &d.Entries}, {&b.StringBytes, &d.StringBytes}, {&b.Words, &d.Words},
	} {
		if *f.have <= 0 {
			*f.have = *f.def
		}
	}
	return b
}

// reset makes the machine new for the readings of f.
func (m *Machine) reset(f fork) {
	m.set, m.from = f.set, f.at
	m.a = arena{limit: KeptItems, collector: collector{forgets: !m.opt.Contents, forgetAt: forgetWords, dueAt: collectWords}}
	m.a.page()
	m.a.top = 1
	if m.opt.tune != nil {
		m.opt.tune(&m.a)
	}
	if m.opt.Contents {
		m.a.limit = 1 << 40
		m.a.attached = map[Value][]Attachment{}
	}
	m.stack, m.cold, m.low, m.marks, m.fence = m.stack[:0], cold{}, 0, m.marks[:0], 0
	m.memo, m.memoFar, m.memoText, m.memoLen, m.memoSeen, m.log = memoTable{}, nil, nil, 0, 0, nil
	m.keyKinds, m.splitKeys = 0, f.splitKeys
	m.moved, m.pins, m.stackNames = nil, nil, nil
	m.proto, m.frameEnd, m.halted = 0, noFrame, false
	m.entriesMax = int(min(m.opt.Budget.Entries, math.MaxInt32))
	m.rebase(0)
	m.w.seek(m.opt.Start)
}

// run executes opcodes until STOP or until no reading is left.
func (m *Machine) run() {
	w := &m.w
	for !m.halted {
		if w.n-w.pos < lookahead {
			w.fill()
			if m.housekeep(); m.halted {
				return
			}
		} else if !m.opt.plod {
			m.sprint()
			if m.a.since > m.a.dueAt {
				m.collect()
			}
			if m.halted || w.n-w.pos < lookahead {
				continue
			}
		}
		m.opOff, m.op, m.displaced = w.off(), 0, false
		if w.pos >= w.n {
			m.eof()
			return
		}
		if m.opOff == m.frameEnd {
			m.frameEnd = noFrame
		}
		if m.opsLeft--; m.opsLeft < 0 {
			m.exceed("more opcodes than the budget of %d", m.opt.Budget.Opcodes)
			return
		}
		m.op = w.buf[w.pos]
		w.pos++
		m.step()
	}
}

// housekeep runs once in a window: it holds memory against its budget and collects what is dead.
func (m *Machine) housekeep() {
	if m.w.err != nil {
		m.fail(&Error{Kind: ReadFailed, Offset: m.w.off(), Msg: "cannot read the stream", Err: m.w.err})
		return
	}
	if m.a.since > m.a.dueAt || m.opt.collect != nil && m.opt.collect(m) {
		m.collect()
	}
	if m.a.words > m.opt.Budget.Words+chunkWords+slotPage {
		m.exceed("containers need more than the budget of %d words", m.opt.Budget.Words)
	}
}

func (m *Machine) collect() {
	entries := int64(m.height() + m.memoLen)
	r := roots{top: m.parts(max(0, m.height()-nearStack))}
	if m.a.everything(entries) {
		r.rest = append(m.parts(0), m.memo.parts(0)...)
		var far []Value
		for _, v := range m.memoFar {
			far = append(far, v)
		}
		for _, v := range m.memoText {
			far = append(far, v)
		}
		r.rest = append(r.rest, far)
	} else {
		r.rest = append(append(m.parts(m.low), m.memo.parts(m.memoSeen)...), m.log)
	}
	r.rest = append(r.rest, m.pins)
	m.a.collect(r, entries)
	m.low, m.memoSeen, m.log = m.height(), m.memo.n, m.log[:0]
}

// event begins to tell the handler of something; nil if there is none, or an earlier run told it.
func (m *Machine) event(k EventKind) *Event {
	if m.opt.Handler == nil || m.opOff < m.from {
		return nil
	}
	e := &m.ev // field by field: a literal would be made elsewhere and copied
	e.Kind, e.Op, e.Offset, e.End, e.Readings = k, m.op, m.opOff, m.w.off(), m.set
	e.Global, e.Object, e.Args, e.KwArgs, e.Result, e.Code, e.Index = nil, 0, 0, 0, 0, 0, 0
	e.SplitKeys, e.Data, e.Skip = false, 0, 0
	return e
}

func (m *Machine) tell(e *Event) { m.opt.Handler(m, e) }

// Pin keeps v valid for the rest of this reading's run.
func (m *Machine) Pin(v Value) { m.pins = append(m.pins, v) }
