package opcodes

// actions gives what each opcode does; nil is no opcode.
var actions = [256]func(*Machine){
	opMark: (*Machine).mark, opStop: (*Machine).stop, opPop: (*Machine).popTop, opPopMark: (*Machine).popMark,
	opDup: (*Machine).dup,

	opNone:     func(m *Machine) { m.push(mk(KindNone, 0)) },
	opNewTrue:  func(m *Machine) { m.push(mk(KindTrue, 0)) },
	opNewFalse: func(m *Machine) { m.push(mk(KindFalse, 0)) },
	opInt:      (*Machine).textInt,
	opLong:     (*Machine).textLong,
	opFloat:    (*Machine).textFloat,
	opBinInt:   func(m *Machine) { m.fixed(KindInt, 4) },
	opBinInt1:  func(m *Machine) { m.fixed(KindInt, 1) },
	opBinInt2:  func(m *Machine) { m.fixed(KindInt, 2) },
	opBinFloat: func(m *Machine) { m.fixed(KindFloat, 8) },
	opLong1:    func(m *Machine) { m.bytes(KindInt, 1, false) },
	opLong4:    func(m *Machine) { m.bytes(KindInt, 4, false) },

	opString:          (*Machine).textString,
	opUnicode:         (*Machine).textUnicode,
	opBinString:       func(m *Machine) { m.bytes(KindStr8, 4, false) },
	opShortBinString:  func(m *Machine) { m.bytes(KindStr8, 1, false) },
	opShortBinUnicode: func(m *Machine) { m.unicode(1) },
	opBinUnicode:      func(m *Machine) { m.unicode(4) },
	opBinUnicode8:     func(m *Machine) { m.unicode(8) },
	opShortBinBytes:   func(m *Machine) { m.bytes(KindBytes, 1, true) },
	opBinBytes:        func(m *Machine) { m.bytes(KindBytes, 4, true) },
	opBinBytes8:       func(m *Machine) { m.bytes(KindBytes, 8, true) },
	opByteArray8:      func(m *Machine) { m.bytes(KindBytearray, 8, true) },
	opNextBuffer:      (*Machine).nextBuffer, opReadonlyBuffer: (*Machine).readonlyBuffer,

	opGet: (*Machine).textGet, opBinGet: (*Machine).binGet, opLongBinGet: (*Machine).binGet,
	opPut: (*Machine).textPut, opBinPut: (*Machine).binPut, opLongBinPut: (*Machine).binPut,
	opMemoize: (*Machine).memoize,

	opTuple: (*Machine).tuple, opList: (*Machine).list, opDict: (*Machine).dict, opFrozenSet: (*Machine).frozenSet,
	opEmptyTuple: func(m *Machine) { m.push(emptyTuple) },
	opEmptyList:  func(m *Machine) { m.push(m.a.bare(KindList, 0)) },
	opEmptyDict:  func(m *Machine) { m.push(m.a.bare(KindDict, 0)) },
	opEmptySet:   func(m *Machine) { m.push(m.a.bare(KindSet, 0)) },
	opTuple1:     func(m *Machine) { m.tupleN(1) },
	opTuple2:     func(m *Machine) { m.tupleN(2) },
	opTuple3:     func(m *Machine) { m.tupleN(3) },
	opAppend:     (*Machine).append1, opAppends: (*Machine).appends, opSetItem: (*Machine).setItem,
	opSetItems: (*Machine).setItems, opAddItems: (*Machine).addItems,

	opGlobal: (*Machine).global, opStackGlobal: (*Machine).stackGlobal,
	opExt1:   func(m *Machine) { m.extension(1) },
	opExt2:   func(m *Machine) { m.extension(2) },
	opExt4:   func(m *Machine) { m.extension(4) },
	opPersID: (*Machine).persID, opBinPersID: (*Machine).binPersID,
	opReduce: (*Machine).reduce, opInst: (*Machine).inst, opObj: (*Machine).obj, opBuild: (*Machine).build,
	opNewObj:   func(m *Machine) { m.newObj(false) },
	opNewObjEx: func(m *Machine) { m.newObj(true) },

	opProto: (*Machine).protocol, opFrame: (*Machine).frame,
}

// sincePython3 holds the opcodes of protocols 3 to 5, which Python 2 lacks.
var sincePython3 = [256]bool{
	opShortBinBytes: true, opBinBytes: true, opBinBytes8: true, opByteArray8: true, opNextBuffer: true,
	opReadonlyBuffer: true, opShortBinUnicode: true, opBinUnicode8: true, opMemoize: true, opStackGlobal: true,
	opFrame: true, opEmptySet: true, opAddItems: true, opFrozenSet: true, opNewObjEx: true,
}

// step executes the opcode that was just read.
func (m *Machine) step() {
	do := actions[m.op]
	if do == nil {
		m.drop(m.set, "no such opcode")
		return
	}
	if m.set&Python2 != 0 && sincePython3[m.op] && !m.drop(Python2, "Python 2 has no such opcode") {
		return
	}
	do(m)
}

// protocol is PROTO. It may stand anywhere and changes how names are resolved from there on.
func (m *Machine) protocol() {
	b := m.arg(1)
	if b == nil {
		return
	}
	p := int(b[0])
	m.rep.MaxProto = max(m.rep.MaxProto, p)
	if p > 5 && !m.drop(m.set, "protocol %d; readers know 0 to 5", p) {
		return
	}
	if p > 2 && !m.drop(Python2, "protocol %d; Python 2 knows 0 to 2", p) {
		return
	}
	m.proto = p
}

// frame is FRAME: a promise about the bytes that follow, which only some readers hold a stream to.
func (m *Machine) frame() {
	m.rep.Framed = true
	b := m.arg(8)
	if b == nil {
		return
	}
	n := littleEndian(b)
	if n > 1<<63-1 {
		m.drop(m.set, "a frame of %d bytes, more than any reader has", n)
		return
	}
	at := m.w.off()
	left := uint64(m.w.size - at)
	if n > left && !m.drop(modern&^pure3, "a frame of %d bytes where %d are left", n, left) {
		return
	}
	if m.frameEnd == noFrame || m.frameEnd == at {
		m.frameEnd = at + int64(min(n, left))
		return
	}
	if !m.drop(pure3, "a new frame before the end of the last one at offset %d", m.frameEnd) {
		return
	}
	if int64(n) <= m.frameEnd-at {
		return // CFile has it in its buffer already
	}
	if end := m.frameEnd; m.branch(CFile) {
		m.w.seek(end)
		m.frameEnd = end + int64(n)
		if m.frameEnd > m.w.size {
			m.drop(m.set, "a frame of %d bytes where %d are left", n, m.w.size-end)
		}
		return
	}
	m.frameEnd = noFrame
}

// stop is STOP.
func (m *Machine) stop() {
	v, ok := m.pop()
	if !ok {
		return
	}
	end := m.w.off()
	m.tellStop(v, end)
	o := Outcome{Readings: m.set &^ pure3, Value: v, Offset: m.opOff, End: end, FileEnd: end}
	if m.frameEnd != noFrame && m.frameEnd != end && m.set&pure3 != 0 {
		p := o
		p.Readings, p.FileEnd = m.set&pure3, m.frameEnd
		m.rep.add(p)
	} else {
		o.Readings = m.set
	}
	if o.Readings != 0 {
		m.rep.add(o)
	}
	m.halted = true
}

// tellStop tells of STOP whoever asked for it: the value is valid now, while Outcome.Value may be gone after the Run.
func (m *Machine) tellStop(v Value, end int64) {
	if !m.opt.Stops {
		return
	}
	if e := m.event(EvStop); e != nil {
		e.Object, e.Data = v, end
		if m.frameEnd != noFrame && m.set&pure3 != 0 {
			e.Data = m.frameEnd
		}
		m.tell(e)
	}
}
