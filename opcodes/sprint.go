package opcodes

import "unicode/utf8"

// sprint executes opcodes that nearly every stream consists of, one after another, as long as nothing is out of the
// ordinary: the window holds them whole, no frame ends near, and all readings see them alike. What is left is for step,
// which knows every case; whatever sprint does, step would do the same.
func (m *Machine) sprint() {
	w := &m.w
	end := min(w.n-lookahead, w.pos+stride)
	m.displaced = false
	if m.frameEnd != noFrame {
		end = int(min(int64(end), m.frameEnd-w.base-lookahead))
	}
	pos, base := w.pos, w.base
	if pos >= end {
		return
	}
	buf := w.buf[:w.n]
	since3 := m.set&Python2 == 0 // opcodes of protocols 3 to 5 are for every reading
	for pos < end && m.opsLeft > 0 {
		op := buf[pos]
		m.opOff, m.op = base+int64(pos), op
		var v Value
		switch op {
		case opBinInt1:
			v = mk(KindInt, uint64(m.opOff))
			pos += 2
		case opBinInt2:
			v = mk(KindInt, uint64(m.opOff))
			pos += 3
		case opBinInt:
			v = mk(KindInt, uint64(m.opOff))
			pos += 5
		case opBinFloat:
			v = mk(KindFloat, uint64(m.opOff))
			pos += 9
		case opNone:
			v = mk(KindNone, 0)
			pos++
		case opNewTrue:
			v = mk(KindTrue, 0)
			pos++
		case opNewFalse:
			v = mk(KindFalse, 0)
			pos++
		case opEmptyTuple:
			v = emptyTuple
			pos++
		case opEmptyList:
			v = m.a.bare(KindList, 0)
			pos++
		case opEmptyDict:
			v = m.a.bare(KindDict, 0)
			pos++
		case opShortBinUnicode:
			stop := pos + 2 + int(buf[pos+1])
			if !since3 || stop > end || !plainText(buf[pos+2:stop]) {
				goto slow
			}
			v = mk(KindStr, uint64(m.opOff))
			pos = stop
		case opBinUnicode:
			n := int(buf[pos+1]) | int(buf[pos+2])<<8 | int(buf[pos+3])<<16 | int(buf[pos+4])<<24
			if n > end-pos-5 || !plainText(buf[pos+5:pos+5+n]) {
				goto slow
			}
			v = mk(KindStr, uint64(m.opOff))
			pos += 5 + n
		case opShortBinBytes:
			if !since3 || pos+2+int(buf[pos+1]) > end {
				goto slow
			}
			v = mk(KindBytes, uint64(m.opOff))
			pos += 2 + int(buf[pos+1])
		case opBinGet, opLongBinGet:
			i, size := uint64(buf[pos+1]), 2
			if op == opLongBinGet {
				i, size = i|uint64(buf[pos+2])<<8|uint64(buf[pos+3])<<16|uint64(buf[pos+4])<<24, 5
			}
			if v = m.memo.get(i); v == 0 || v.Kind() == KindMark || m.keyKinds != binaryKeys {
				goto slow
			}
			pos += size
		case opDup:
			n := len(m.stack)
			if n <= m.fence {
				goto slow
			}
			v = m.stack[n-1]
			pos++
		case opTuple1, opTuple2, opTuple3:
			at := len(m.stack) - int(op-opTuple1) - 1
			if at < m.fence || at < keepHot && m.base > 0 {
				goto slow
			}
			w.pos = pos + 1
			v = m.newTuple(KindTuple, m.stack[at:])
			m.stack = m.stack[:at]
			m.low = min(m.low, m.base+at)
			pos++
		case opMark:
			w.pos = pos + 1
			m.mark()
			goto done
		case opPop:
			w.pos = pos + 1
			n := len(m.stack) - 1
			if n < m.fence || n < keepHot && m.base > 0 {
				m.popTop()
				goto done
			}
			v = m.stack[n]
			m.stack = m.stack[:n]
			m.low = min(m.low, m.base+n)
			if v.Kind() == KindCall {
				m.dropped(v)
			}
			goto done
		case opMemoize:
			w.pos = pos + 1
			n := len(m.stack)
			if !since3 || n <= m.fence {
				goto slow
			}
			m.next(uint64(m.memoLen), m.stack[n-1])
			goto done
		case opBinPut, opLongBinPut:
			w.pos = pos + 1
			n := len(m.stack)
			if n <= m.fence || m.keyKinds != binaryKeys {
				goto slow
			}
			i, size := uint64(buf[pos+1]), 1
			if op == opLongBinPut {
				i, size = i|uint64(buf[pos+2])<<8|uint64(buf[pos+3])<<16|uint64(buf[pos+4])<<24, 4
			}
			w.pos += size
			m.next(i, m.stack[n-1])
			goto done
		case opAppend:
			w.pos = pos + 1
			m.plainAppend()
			goto done
		case opAppends:
			w.pos = pos + 1
			m.appends()
			goto done
		case opSetItem:
			w.pos = pos + 1
			m.plainItem()
			goto done
		case opBuild:
			w.pos = pos + 1
			m.build()
			if w.base != base || w.n != len(buf) { // joblib's reader is elsewhere
				m.opsLeft--
				return
			}
			goto done
		case opSetItems:
			w.pos = pos + 1
			m.setItems()
			goto done
		case opTuple:
			w.pos = pos + 1
			m.tuple()
			goto done
		case opReduce, opNewObj:
			w.pos = pos + 1
			m.plainCall()
			goto done
		case opBinPersID:
			w.pos = pos + 1
			m.binPersID()
			goto done
		case opStackGlobal:
			w.pos = pos + 1
			if !since3 {
				goto slow
			}
			m.stackGlobal()
			goto done
		default:
			goto slow
		}
		m.opsLeft--
		if len(m.stack) >= m.room {
			if m.full(); m.halted {
				break
			}
		}
		m.stack = append(m.stack, v)
		continue

	done:
		pos = w.pos
		m.opsLeft--
		if m.halted {
			break
		}
	}
slow:
	w.pos = pos
}

// next is put, quickly where the entry is the one after the last.
func (m *Machine) next(i uint64, v Value) {
	t := &m.memo
	if i != t.n || i%memoPage == 0 || m.entriesMax-m.base <= hotRoom || len(m.memoFar) > 0 {
		m.put(i, v)
		return
	}
	t.last[i%memoPage] = v
	t.n++
	m.memoLen++
	m.entriesMax--
}

// plainCall is REDUCE or NEWOBJ, quickly for a tuple of arguments and a name.
func (m *Machine) plainCall() {
	at := len(m.stack) - 2
	if at < m.fence || at < keepHot && m.base > 0 || m.stack[at].Kind() != KindGlobal || m.stack[at+1].Kind() != KindTuple {
		m.step()
		return
	}
	callee, args := m.stack[at], m.stack[at+1]
	m.stack = m.stack[:at]
	m.low = min(m.low, m.base+at)
	m.call(callee, args, 0)
}

// plainItem is SETITEM, quickly for a dict of this stream and a string.
func (m *Machine) plainItem() {
	at := len(m.stack) - 2
	if at <= m.fence || at < keepHot && m.base > 0 || m.stack[at-1].Kind() != KindDict || m.stack[at].Kind() != KindStr ||
		m.stack[at+1].Kind() == KindGlobal {
		m.setItem()
		return
	}
	if target := m.stack[at-1]; !m.a.first(target, m.stack[at:]) {
		if *m.a.of(target)&flagFrozen != 0 {
			m.setItem()
			return
		}
		m.a.extend(target, m.stack[at:])
	}
	m.stack = m.stack[:at]
	m.low = min(m.low, m.base+at)
}

// plainAppend is APPEND, quickly for an empty list of this stream and no name.
func (m *Machine) plainAppend() {
	at := len(m.stack) - 1
	if at <= m.fence || at < keepHot && m.base > 0 || m.stack[at-1].Kind() != KindList || m.stack[at].Kind() == KindGlobal ||
		!m.a.first(m.stack[at-1], m.stack[at:]) {
		m.append1()
		return
	}
	m.stack = m.stack[:at]
	m.low = min(m.low, m.base+at)
}

// stride is how far sprint goes before it lets others look at what was used up.
const stride = 32 << 10

// plainText says that b is UTF-8 without surrogates.
func plainText(b []byte) bool {
	if len(b) < 16 {
		for _, c := range b {
			if c >= utf8.RuneSelf {
				return utf8.Valid(b)
			}
		}
		return true
	}
	return utf8.Valid(b)
}
