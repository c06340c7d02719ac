package dense

import "encoding/binary"

// literal is a unit that is always the same.
func literal(unit string) func([]byte, uint32) []byte {
	return func(b []byte, _ uint32) []byte { return append(b, unit...) }
}

const (
	list    = "\x80\x04]\x94" // PROTO 4, an empty list in the memo
	object  = "\x80\x04\x8c\x17torch.nn.modules.linear\x94\x8c\x06Linear\x94\x93\x940]\x94("
	ordered = "\x80\x04\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x940]\x94("
	date    = "\x80\x04\x8c\x08datetime\x94\x8c\x04date\x94\x93\x940]\x94("
	tensor  = "\x80\x04\x8c\x07storage\x94\x8c\x05torch\x94\x8c\x0cFloatStorage\x94\x93\x94\x8c\x03cpu\x94" +
		"\x8c\x0ctorch._utils\x94\x8c\x12_rebuild_tensor_v2\x94\x93\x94\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x9400000]\x94("
)

// Shapes is the table of all shapes: first what picklers write of ordinary data, then what only an attacker writes.
var Shapes = []Shape{
	{Name: "ints", About: "BININT1 in lists of 1000", head: list, open: "(", close: "e", tail: ".", batch: 1000, first: 2, stack: 1,
		unit: func(b []byte, i uint32) []byte { return append(b, 'K', byte(i)) }},
	{Name: "floats", About: "BINFLOAT in lists of 1000", head: list, open: "(", close: "e", tail: ".", batch: 1000, first: 2, stack: 1,
		unit: literal("G\x3f\xf8\x00\x00\x00\x00\x00\x00")},
	{Name: "strings", About: "a short string in the memo", head: list, open: "(", close: "e", tail: ".", batch: 1000, first: 2, stack: 1, memo: 1,
		unit: func(b []byte, i uint32) []byte { return append(b, 0x8c, 2, 'a'+byte(i%26), 'a'+byte(i/26%26), 0x94) }},
	{Name: "binput", About: "protocol 2: a string in the memo by LONG_BINPUT, and a BINGET that is popped", head: "\x80\x02]q\x00", open: "(", close: "e", tail: ".", first: 2, stack: 1, memo: 1,
		unit: func(b []byte, i uint32) []byte {
			b = append(b, 'X', 1, 0, 0, 0, 'k', 'r')
			return append(binary.LittleEndian.AppendUint32(b, i+1), 'h', 0, '0')
		}},
	{Name: "text", About: "protocol 0: INT and UNICODE lines, PUT", head: "(lp0\n", tail: ".", first: 2, memo: 1,
		unit: func(b []byte, i uint32) []byte {
			b = append(appendDecimal(append(b, 'I'), i%1000), "\naVkey\np"...)
			return append(appendDecimal(b, i+1), "\na"...)
		}},
	{Name: "tuples", About: "a pair of a memoized string and an int, in the memo", head: list, open: "(", close: "e", tail: ".", batch: 1000, first: 2, stack: 1, memo: 2,
		unit: func(b []byte, i uint32) []byte {
			return append(b, 0x8c, 1, 'a'+byte(i%26), 0x94, 'K', byte(i), 0x86, 0x94)
		}},
	{Name: "lists", About: "a list of two ints, in the memo", head: list, open: "(", close: "e", tail: ".", batch: 1000, first: 2, stack: 1, memo: 1,
		unit: literal("]\x94(K\x01K\x02e")},
	{Name: "dicts", About: "a dict of two memoized keys, in the memo", head: "\x80\x04\x8c\x01a\x940\x8c\x01b\x940]\x94", open: "(", close: "e", tail: ".", batch: 1000, first: 4, stack: 1, memo: 1,
		unit: literal("}\x94(h\x00K\x01h\x01K\x02u")},
	{Name: "objects", About: "NEWOBJ of a class and BUILD with one attribute, both in the memo", head: object, tail: "e.", first: 6, stack: 1, memo: 2,
		unit: literal("h\x02)\x81\x94}\x94\x8c\x01xK\x01sb")},
	{Name: "reduced", About: "REDUCE of an OrderedDict, in the memo", head: ordered, tail: "e.", first: 6, stack: 1, memo: 1,
		unit: literal("h\x02)R\x94")},
	{Name: "filled", About: "REDUCE of an OrderedDict and SETITEM, in the memo", head: ordered, tail: "e.", first: 6, stack: 1, memo: 1,
		unit: literal("h\x02)R\x94\x8c\x01kK\x01s")},
	{Name: "dates", About: "REDUCE of a date with ten bytes, all in the memo", head: date, tail: "e.", first: 6, stack: 1, memo: 2,
		unit: literal("h\x02C\x04\x07\xe8\x01\x01\x85\x94R\x94")},
	{Name: "tensors", About: "a tensor with its persistent id, as a torch checkpoint has them", head: tensor, tail: "e.", first: 13, stack: 1,
		unit: func(b []byte, i uint32) []byte {
			b = append(b, "h\x07((h\x00h\x03\x8c\x04"...)
			b = append(b, '0'+byte(i/1000%10), '0'+byte(i/100%10), '0'+byte(i/10%10), '0'+byte(i%10))
			return append(b, "h\x04K\x04tQK\x00K\x04\x85K\x01\x85\x89h\x0a)RtR"...)
		}},

	{Name: "popped-tuples", About: "a tuple that is popped", head: "", tail: "N.", first: 1, stack: 0, unit: literal("N\x850")},
	{Name: "popped-lists", About: "a list that is popped", tail: "N.", first: 1, unit: literal("]0")},
	{Name: "popped-calls", About: "a call whose result is popped", head: ordered[:len(ordered)-3] + "N", tail: ".", first: 5, unit: literal("h\x02)R0")},
	{Name: "names", About: "a GLOBAL that is popped", tail: "N.", first: 2, unit: literal("cdecimal\nDecimal\n0")},
	{Name: "stack-names", About: "a STACK_GLOBAL that is popped", head: "\x80\x04\x8c\x07decimal\x940\x8c\x07Decimal\x940", tail: "N.", first: 4, unit: literal("h\x00h\x01\x930")},
	{Name: "gets", About: "a BINGET that is popped", head: "\x80\x04N\x94", tail: ".", first: 3, unit: literal("h\x000")},
	{Name: "dups", About: "DUP and POP", head: "N", tail: ".", first: 2, unit: literal("20")},
	{Name: "deep-tuples", About: "a tuple around everything before", head: ")", tail: ".", first: 1, unit: literal("\x85")},
	{Name: "deep-lists", About: "a list in a list, all closed at the end of a batch", head: "N", open: "0", close: "", tail: ".", batch: 100, first: 1, stack: 1,
		unit: func(b []byte, i uint32) []byte {
			if i%100 == 99 {
				return append(append(b, ']'), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"...)
			}
			return append(b, ']')
		}},
	{Name: "stack", About: "None on the stack, for ever", tail: "0N.", Refused: "stack and memo entries", stack: 1, unit: literal("N")},
	{Name: "memo", About: "MEMOIZE of one value, for ever", head: "\x80\x04N", tail: ".", Refused: "stack and memo entries", first: 1, memo: 1, unit: literal("\x94")},
	{Name: "marks", About: "MARK, for ever", tail: "N.", Refused: "marks", stack: 1, unit: literal("(")},
	{Name: "kept-lists", About: "a list in the memo and on the stack, for ever", head: "\x80\x04", tail: ".", Refused: "stack and memo entries", memo: 1, stack: 1, unit: literal("]\x94")},
}

func appendDecimal(b []byte, i uint32) []byte {
	var d [10]byte
	at := len(d)
	for {
		at--
		d[at] = '0' + byte(i%10)
		if i /= 10; i == 0 {
			return append(b, d[at:]...)
		}
	}
}
