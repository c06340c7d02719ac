package opcodes

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
)

// seeds are pickles of every opcode, made here, for the tests that change them.
func seeds() []string {
	u8 := func(n int) string { return string(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	frame := func(body string) string { return "\x80\x04\x95" + u8(len(body)) + body }
	return []string{
		"N.", "I01\n.", "I-12\n.", "L5L\n.", "F1.5\n.", "S'a\\x41'\n.", "V\\u0041b\n.",
		"\x80\x02K\x01M\x02\x03J\x04\x00\x00\x00G\x00\x00\x00\x00\x00\x00\x00\x00\x8a\x01\x05\x8b\x02\x00\x00\x00ab\x88\x8900000.",
		"(I1\nS'b'\nl(dp0\n(I1\ntg0\n.",
		"cos\nsystem\n(S'ls'\ntR.",
		"(S'ls'\nios\nsystem\n.",
		"(cos\nsystem\nS'ls'\no.",
		"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00bK\x02u}q\x02h\x01r\x03\x00\x00\x00b.",
		"\x80\x02cm\nC\n)\x81}X\x01\x00\x00\x00xK\x05sb.",
		"\x80\x02cm\nC\n)}\x92(K\x01K\x02e(K\x03\x90.",
		"\x80\x02((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQK\x00K\x04\x85K\x01\x85\x89tt.",
		"Pid\n.", "\x80\x02\x82\x05\x83\x06\x00\x84\x07\x00\x00\x00\x87.",
		frame("\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02ls\x94\x85\x94R\x94."),
		frame("\x8f\x94(K\x01K\x02\x90(K\x03\x91]\x94(h\x00e}(K\x01h\x00ua2010N."),
		"\x80\x05\x96" + u8(3) + "abc\x98\x97\x98B\x02\x00\x00\x00abC\x01a\x8e" + u8(1) + "b\x8d" + u8(1) + "cT\x01\x00\x00\x00dU\x01e.",
		frame("\x8c\x01a\x8c\x01b\x93)R\x8c\x01x\x93."),
		"(((lp0\ng0\nap1\n(dp100000\nj\xa0\x86\x01\x00h\x01p99999999999999999999\n.",
		frame("c__builtin__\neval\n") + "\x80\x02c__builtin__\neval\n.",
		"\x80\x04\x95" + u8(3) + "\x8c\x05abcde.", // a frame's end inside an argument
		strings.Repeat("(", 50) + strings.Repeat("t", 50) + ".",
		strings.Repeat("]\x94", 40) + strings.Repeat("a", 39) + ".",
	}
}

// made is a well-formed stream of n steps, in which values nest, die, are put into one another and fetched again, and
// calls are made with them.
func made(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 2))
	b := []byte("\x80\x04\x8c\x03mod\x940\x8c\x03fun\x940")
	var stack []byte         // 'l' list, 'd' dict, 'c' call, 'v' any
	memo := []byte{'v', 'v'} // the same by index
	get := func(i int) {
		b = binary.LittleEndian.AppendUint32(append(b, opLongBinGet), uint32(i))
	}
	for range n {
		top := byte(0)
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		switch op := r.IntN(12); {
		case op == 0 || top == 0:
			leaf := r.IntN(6)
			b = append(b, []string{"]", "}", "N", "K\x07", "\x8c\x03abc", "C\x02xy"}[leaf]...)
			stack = append(stack, "ldvvvv"[leaf])
		case op == 1:
			b = append(b, opTuple1)
			stack[len(stack)-1] = 'v'
		case op == 2 && len(stack) > 1:
			b = append(b, opTuple2)
			stack = append(stack[:len(stack)-2], 'v')
		case op == 3 && len(stack) > 1:
			b = append(b, opPop)
			stack = stack[:len(stack)-1]
		case op <= 5:
			b = append(b, opMemoize)
			memo = append(memo, top)
		case op <= 7:
			i := r.IntN(len(memo))
			get(i)
			stack = append(stack, memo[i])
		case op == 8 && top == 'l':
			get(r.IntN(len(memo)))
			b = append(b, opAppend)
		case op == 9 && top == 'd':
			b = append(b, "\x8c\x01k"...)
			get(r.IntN(len(memo)))
			b = append(b, opSetItem)
		case op == 10 && top == 'c':
			get(r.IntN(len(memo)))
			b = append(b, opBuild)
		default: // mod.fun(top)
			b = append(b, "\x85\x940h\x00h\x01\x93"...)
			get(len(memo))
			b = append(b, opReduce)
			memo = append(memo, 'v')
			stack[len(stack)-1] = 'c'
		}
	}
	return string(b) + "N."
}
