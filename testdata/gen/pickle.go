package gen

import "encoding/binary"

// A stream assembles a protocol 2 pickle, opcode by opcode. See Lib/pickletools.py in CPython.
type stream struct{ b []byte }

func newStream() *stream { return &stream{b: []byte{0x80, 2}} } // PROTO 2

func (s *stream) op(ops ...byte) *stream {
	s.b = append(s.b, ops...)
	return s
}

func (s *stream) global(module, name string) *stream { // GLOBAL
	s.b = append(s.b, 'c')
	s.b = append(s.b, module+"\n"+name+"\n"...)
	return s
}

func (s *stream) text(v string) *stream { // BINUNICODE
	s.b = append(s.b, 'X')
	s.b = binary.LittleEndian.AppendUint32(s.b, uint32(len(v)))
	s.b = append(s.b, v...)
	return s
}

func (s *stream) int(v int) *stream { // BININT
	s.b = append(s.b, 'J')
	s.b = binary.LittleEndian.AppendUint32(s.b, uint32(int32(v)))
	return s
}

func (s *stream) ints(vs []int) *stream { // MARK ... TUPLE
	s.op('(')
	for _, v := range vs {
		s.int(v)
	}
	return s.op('t')
}

func (s *stream) stop() []byte { return append(s.b, '.') }

// call pushes what callable(arguments...) gives, all arguments texts: GLOBAL, MARK ... TUPLE, REDUCE.
func (s *stream) call(module, name string, arguments ...string) *stream {
	s.global(module, name).op('(')
	for _, a := range arguments {
		s.text(a)
	}
	return s.op('t', 'R')
}

// tensor pushes a torch tensor the way torch.save does: its storage by persistent id, under the given key.
func (s *stream) tensor(t Tensor, key string, legacy bool) *stream {
	s.global("torch._utils", "_rebuild_tensor_v2").op('(', '(')
	s.text("storage").global("torch", "FloatStorage").text(key).text("cpu").int(len(t.Values))
	if legacy {
		s.op('N') // no view of another storage
	}
	s.op('t', 'Q') // TUPLE, BINPERSID
	s.int(0).ints(t.Shape).ints(t.strides()).op(0x89)
	s.global("collections", "OrderedDict").op(')', 'R') // backward hooks
	return s.op('t', 'R')
}

// Harmless is a pickle of plain containers.
func Harmless() []byte {
	s := newStream().op('}', '(')
	s.text("epochs").int(3)
	s.text("name").text("tiny")
	return s.op('u').stop()
}

// Hostile is the classic: unpickling it runs `touch marker` by os.system.
func Hostile(marker string) []byte {
	return newStream().call("posix", "system", "touch '"+marker+"'").stop()
}

// HostileBuiltin reaches the same through builtins.eval, with the name built by STACK_GLOBAL.
func HostileBuiltin(marker string) []byte {
	s := &stream{b: []byte{0x80, 4}}
	s.text("builtins").text("eval").op(0x93, '(') // STACK_GLOBAL
	s.text("open('" + marker + "', 'w').close()")
	return s.op('t', 'R').stop()
}
