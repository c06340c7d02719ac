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
	stack     []Value
	low       int // the stack below it has not changed since the last collection
	marks     []int
	fence     int // the topmost mark, or 0: what modern readers do not reach below
	memo      memoTable
	memoFar   map[uint64]Value // indices that are far from dense
	memoText  map[string]Value // keys that are no 63-bit number
	memoLen   int
	keyKinds  uint8 // binaryKeys, textKeys
	splitKeys bool  // text keys are no numbers
	proto     int
	frameEnd  int64 // noFrame, or where the frame ends that Py3 and CFile are in

	opOff     int64
	op        byte
	halted    bool
	displaced bool // CFile read this opcode's argument from beyond a frame's end
	moved     map[int64]span
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
			m.emit(Event{Kind: EvReading, SplitKeys: f.splitKeys})
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
	m.a = arena{limit: KeptItems, collector: collector{forgets: !m.opt.Contents, forgetAt: forgetWords}}
	if m.opt.tune != nil {
		m.opt.tune(&m.a)
	}
	if m.opt.Contents {
		m.a.limit = 1 << 40
		m.a.attached = map[Value][]Attachment{}
	}
	m.stack, m.low, m.marks, m.fence = m.stack[:0], 0, m.marks[:0], 0
	m.memo, m.memoFar, m.memoText, m.memoLen = memoTable{}, nil, nil, 0
	m.keyKinds, m.splitKeys = 0, f.splitKeys
	m.moved, m.pins, m.stackNames = nil, nil, nil
	m.proto, m.frameEnd, m.halted = 0, noFrame, false
	m.entriesMax = int(min(m.opt.Budget.Entries, math.MaxInt32))
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
	if m.a.due() || m.opt.collect != nil && m.opt.collect(m) {
		m.collect()
	}
	if m.a.words > m.opt.Budget.Words+chunkWords {
		m.exceed("containers need more than the budget of %d words", m.opt.Budget.Words)
	}
}

func (m *Machine) collect() {
	all := m.a.everything(int64(len(m.stack) + m.memoLen))
	pages := append(m.memo.changed(all), m.pins)
	far := make([]Value, 0, len(m.memoFar)+len(m.memoText))
	for _, v := range m.memoFar {
		far = append(far, v)
	}
	for _, v := range m.memoText {
		far = append(far, v)
	}
	if all {
		m.low = 0
	}
	m.a.collect(m.stack, m.low, append(pages, far))
	m.low = len(m.stack)
}

// emit tells the handler, unless an earlier run told it.
func (m *Machine) emit(e Event) *Event {
	m.ev = e
	if m.opt.Handler != nil && m.opOff >= m.from {
		m.ev.Op, m.ev.Offset, m.ev.End, m.ev.Readings = m.op, m.opOff, m.w.off(), m.set
		m.opt.Handler(m, &m.ev)
	}
	return &m.ev
}

// Pin keeps v valid for the rest of this reading's run.
func (m *Machine) Pin(v Value) { m.pins = append(m.pins, v) }
