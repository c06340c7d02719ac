package opcodes

// step executes the opcode that was just read.
func (m *Machine) step() {
	switch m.op {
	case opMark:
		m.mark()
	case opNone:
		m.push(mk(KindNone, 0))
	case opBinInt1:
		m.fixed(KindInt, 1)
	case opBinInt2:
		m.fixed(KindInt, 2)
	case opBinInt:
		m.fixed(KindInt, 4)
	case opBinFloat:
		m.fixed(KindFloat, 8)
	case opNewTrue:
		m.push(mk(KindTrue, 0))
	case opNewFalse:
		m.push(mk(KindFalse, 0))
	case opBinGet, opLongBinGet:
		m.binGet()
	case opBinPut, opLongBinPut:
		m.binPut()
	case opBinUnicode:
		m.unicode(4)
	case opShortBinString:
		m.bytes(KindStr8, 1, false)
	case opTuple1:
		m.tupleN(1)
	case opTuple2:
		m.tupleN(2)
	case opTuple3:
		m.tupleN(3)
	case opEmptyTuple:
		m.push(emptyTuple)
	case opEmptyList:
		m.push(m.a.pair(KindList, 0, 0))
	case opEmptyDict:
		m.push(m.a.pair(KindDict, 0, 0))
	case opTuple:
		m.tuple()
	case opAppend:
		m.append1()
	case opAppends:
		m.appends()
	case opSetItem:
		m.setItem()
	case opSetItems:
		m.setItems()
	case opGlobal:
		m.global()
	case opReduce:
		m.reduce()
	case opBuild:
		m.build()
	case opPop:
		m.popTop()
	case opPopMark:
		m.popMark()
	case opDup:
		if v, ok := m.top(); ok {
			m.push(v)
		}
	case opStop:
		m.stop()
	case opNewObj:
		m.newObj(false)
	default:
		m.stepRare()
	}
}

// stepRare executes what dense streams are not full of, and what protocols 3 to 5 brought, which Python 2 lacks.
func (m *Machine) stepRare() {
	switch m.op {
	case opInt:
		m.textInt()
	case opLong:
		m.textLong()
	case opFloat:
		m.textFloat()
	case opString:
		m.textString()
	case opUnicode:
		m.textUnicode()
	case opGet:
		m.textGet()
	case opPut:
		m.textPut()
	case opLong1:
		m.bytes(KindInt, 1, false)
	case opLong4:
		m.bytes(KindInt, 4, false)
	case opBinString:
		m.bytes(KindStr8, 4, false)
	case opList:
		m.list()
	case opDict:
		m.dict()
	case opInst:
		m.inst()
	case opObj:
		m.obj()
	case opPersID:
		m.persID()
	case opBinPersID:
		m.binPersID()
	case opProto:
		m.protocol()
	case opExt1:
		m.extension(1)
	case opExt2:
		m.extension(2)
	case opExt4:
		m.extension(4)
	default:
		if OpName(m.op) == "" {
			m.drop(m.set, "no such opcode")
		} else if m.drop(Python2, "Python 2 has no such opcode") {
			m.stepModern()
		}
	}
}

func (m *Machine) stepModern() {
	switch m.op {
	case opShortBinUnicode:
		m.unicode(1)
	case opBinUnicode8:
		m.unicode(8)
	case opMemoize:
		m.memoize()
	case opStackGlobal:
		m.stackGlobal()
	case opFrame:
		m.frame()
	case opShortBinBytes:
		m.bytes(KindBytes, 1, true)
	case opBinBytes:
		m.bytes(KindBytes, 4, true)
	case opBinBytes8:
		m.bytes(KindBytes, 8, true)
	case opByteArray8:
		m.bytes(KindBytearray, 8, true)
	case opEmptySet:
		m.push(m.a.pair(KindSet, 0, 0))
	case opAddItems:
		m.addItems()
	case opFrozenSet:
		m.frozenSet()
	case opNewObjEx:
		m.newObj(true)
	case opNextBuffer:
		m.assume() // that there are buffers, and what they are
		v := mk(KindBuffer, uint64(m.opOff))
		m.emit(Event{Kind: EvBuffer, Result: v})
		m.push(v)
	case opReadonlyBuffer:
		m.readonlyBuffer()
	}
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
