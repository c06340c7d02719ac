package views

import (
	"math"
	"strconv"
	"strings"

	"trustfs/opcodes"
)

// key is a dict key as a part of a name.
func (w *interpreter) key(v opcodes.Value) string {
	if s, ok := w.m.Str(v); ok {
		return s
	}
	if n, ok := w.m.Int(v); ok {
		return strconv.FormatInt(n, 10)
	}
	return w.m.Render(v, 200)
}

// maxKey bounds tuples in tuples as keys.
const maxKey = 8

// same spells a key so that those which Python takes for one key are spelled alike, and no others: 1, 1.0 and True, but
// not "1". False if that cannot be told.
func (w *interpreter) same(v opcodes.Value, depth int) (string, bool) {
	switch v.Kind() {
	case opcodes.KindStr, opcodes.KindStr8: // Python 3 makes a str of both
		s, ok := w.m.Str(v)
		return "s" + strconv.Itoa(len(s)) + ":" + s, ok
	case opcodes.KindInt, opcodes.KindTrue, opcodes.KindFalse:
		n, ok := w.m.Int(v)
		return "n" + strconv.FormatInt(n, 10), ok
	case opcodes.KindFloat:
		f, ok := w.m.Float(v)
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return "n" + strconv.FormatInt(int64(f), 10), ok
		}
		return "f" + strconv.FormatFloat(f, 'g', -1, 64), ok && math.Abs(f) < 1<<53
	case opcodes.KindNone:
		return "N", true
	case opcodes.KindBytes:
		b, ok := w.m.Data(v, 1<<16)
		return "b" + strconv.Itoa(len(b)) + ":" + string(b), ok
	case opcodes.KindTuple:
		if !w.m.Whole(v) || depth >= maxKey {
			return "", false
		}
		parts := make([]string, 0, 8)
		for _, item := range w.m.Items(v) {
			s, ok := w.same(item, depth+1)
			if !ok {
				return "", false
			}
			parts = append(parts, s)
		}
		return "(" + strings.Join(parts, ",") + ")", true
	}
	return "", false
}
