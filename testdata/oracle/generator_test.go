package oracle

import (
	"encoding/binary"
	"math/rand/v2"
)

// A generator makes streams: from a grammar of the opcodes that knows what lies on the stack and mostly keeps to it,
// and by changing pickles that the standard library made.
type generator struct {
	r     *rand.Rand
	seeds [][]byte
	b     []byte
	stack []byte // a letter for each value: see produce
	memo  []byte // kinds by index
}

func newGenerator(seed uint64, seeds [][]byte) *generator {
	g := &generator{r: rand.New(rand.NewPCG(seed, 1))}
	for _, s := range seeds {
		if len(s) < 3000 {
			g.seeds = append(g.seeds, s)
		}
	}
	return g
}

func (g *generator) next() []byte {
	g.b, g.stack, g.memo = nil, nil, nil
	if g.r.IntN(3) > 0 {
		g.grammar()
	} else {
		g.b = append(g.b, pick(g, g.seeds)...)
	}
	if g.r.IntN(2) == 0 {
		for range 1 + g.r.IntN(3) {
			g.mutate()
		}
	}
	return g.b
}

func pick[T any](g *generator, list []T) T { return list[g.r.IntN(len(list))] }

// mutate changes the stream somewhere.
func (g *generator) mutate() {
	at := g.r.IntN(len(g.b) + 1)
	to := min(len(g.b), at+1+g.r.IntN(6))
	rest := append([]byte{}, g.b[at:]...)
	switch g.r.IntN(9) {
	case 0, 1:
		if at < len(g.b) {
			g.b[at] = byte(g.r.IntN(256))
		}
	case 2:
		if at < len(g.b) {
			g.b[at] = pick(g, allOps)
		}
	case 3:
		g.b = append(g.b[:at], g.b[to:]...)
	case 4:
		g.b = append(append(g.b[:at], g.b[at:to]...), rest...)
	case 5:
		g.b = append(append(g.b[:at], pick(g, allOps)), rest...)
	case 6:
		g.b = g.b[:at]
		g.op(pick(g, allOps))
		g.b = append(g.b, rest...)
	case 7: // a frame that may lie
		g.b = append(g.b[:at], 0x95)
		g.b = binary.LittleEndian.AppendUint64(g.b, uint64(g.r.IntN(len(rest)+3)))
		g.b = append(g.b, rest...)
	default:
		g.b = append(g.b[:at], pick(g, g.seeds)...)
	}
}

// grammar makes a stream of its own.
func (g *generator) grammar() {
	if proto := g.r.IntN(8); proto < 6 {
		g.b = append(g.b, 0x80, byte(proto))
	}
	for range 3 + g.r.IntN(30) {
		for range 20 {
			op := pick(g, allOps)
			if g.r.IntN(60) == 0 || g.fits(op) {
				g.op(op)
				g.apply(op)
				break
			}
		}
	}
	if g.r.IntN(20) > 0 {
		if len(g.stack) == 0 || g.stack[len(g.stack)-1] == '(' {
			g.b = append(g.b, 'N')
		}
		g.b = append(g.b, '.')
	}
}

// allOps are the opcodes, those that make objects, calls and changes more often than once.
var allOps = []byte("(((((.01022FIJKLMNPQRRRRRSTUVXaabbbcccccd}}eghijlloprqqsstttuu)]G" +
	"\x80\x81\x81\x82\x83\x84\x85\x85\x86\x86\x86\x87\x88\x89\x8a\x8bBC\x8c\x8c\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x93\x93\x93\x94\x94\x94\x95\x96\x97\x98")

// needs says what an opcode wants on the stack, topmost last: "x" anything, "o" an object of a name or call, other
// letters the kind; a "(" in front wants a mark, above which anything lies, and under the mark what comes before.
var needs = map[byte]string{
	'0': "x", '2': "x", 'Q': "x", 'R': "ot", 'a': "?x", 'b': "?x", 's': "?xx", 'p': "x", 'q': "x", 'r': "x",
	0x94: "x", 0x81: "ot", 0x92: "otd", 0x85: "x", 0x86: "xx", 0x87: "xxx", 0x93: "ss", 0x98: "b",
	't': "(", 'l': "(", 'd': "(", '1': "(", 'i': "(", 'o': "(", 0x91: "(", 'e': "?(", 'u': "?(", 0x90: "?(",
}

func (g *generator) fits(op byte) bool {
	want := needs[op]
	st := g.stack
	if len(want) > 0 && want[len(want)-1] == '(' {
		i := lastMark(st)
		if i < 0 || op == 'u' && (len(st)-i)%2 == 0 || op == 'd' && (len(st)-i)%2 == 0 {
			return false
		}
		if op == 'o' && (i+1 >= len(st) || st[i+1] != 'o') {
			return false
		}
		st, want = st[:i], want[:len(want)-1]
	}
	if len(want) > len(st) {
		return false
	}
	for i, w := range []byte(want) {
		have := st[len(st)-len(want)+i]
		if have == '(' || w != 'x' && w != '?' && w != have {
			return false
		}
		if w == '?' && have != 'o' && !accepts(op, have) {
			return false
		}
	}
	if op == 'g' || op == 'h' || op == 'j' {
		return len(g.memo) > 0
	}
	return op != '.'
}

// accepts says whether a container takes what the opcode gives.
func accepts(op, kind byte) bool {
	switch op {
	case 'a', 'e':
		return kind == 'l'
	case 's', 'u':
		return kind == 'd'
	case 0x90:
		return kind == 'e'
	}
	return false
}

func lastMark(st []byte) int {
	for i := len(st) - 1; i >= 0; i-- {
		if st[i] == '(' {
			return i
		}
	}
	return -1
}

// results gives the kind that an opcode pushes.
var results = map[byte]byte{
	'(': '(', 'F': 'i', 'I': 'i', 'J': 'i', 'K': 'i', 'L': 'i', 'M': 'i', 'N': 'n', 'P': 'o', 'Q': 'o', 'R': 'o', 'S': 's',
	'T': 's', 'U': 's', 'V': 's', 'X': 's', 'c': 'o', 'd': 'd', '}': 'd', 'i': 'o', 'l': 'l', ']': 'l', 'o': 'o', 't': 't',
	')': 't', 'G': 'i', 0x81: 'o', 0x82: 'o', 0x83: 'o', 0x84: 'o', 0x85: 't', 0x86: 't', 0x87: 't', 0x88: 'n', 0x89: 'n',
	0x8a: 'i', 0x8b: 'i', 'B': 'b', 'C': 'b', 0x8c: 's', 0x8d: 's', 0x8e: 'b', 0x8f: 'e', 0x91: 't', 0x92: 'o', 0x93: 'o',
	0x96: 'b', 0x97: 'b',
}

// apply follows the stack.
func (g *generator) apply(op byte) {
	want := needs[op]
	switch {
	case op == '2' && len(g.stack) > 0:
		g.stack = append(g.stack, g.stack[len(g.stack)-1])
		return
	case op == 'h' && len(g.memo) > 0:
		g.stack = append(g.stack, g.memo[g.b[len(g.b)-1]])
		return
	case op == 0x94 || op == 'q' || op == 0x98 || op == 'p' || op == 'r' || op == 'g' || op == 'j':
		return
	}
	if len(want) > 0 && want[len(want)-1] == '(' {
		if i := lastMark(g.stack); i >= 0 {
			g.stack = g.stack[:i]
		}
		want = ""
	}
	n := 0
	for _, w := range []byte(want) {
		if w != '?' {
			n++
		}
	}
	g.stack = g.stack[:max(0, len(g.stack)-n)]
	if k, ok := results[op]; ok {
		g.stack = append(g.stack, k)
	}
}
