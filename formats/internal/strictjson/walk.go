package strictjson

import (
	"strconv"
	"strings"
)

// maxKeyText bounds the bytes of a key that a Path keeps.
const maxKeyText = 256

// A Path says where in the document a token stands: the keys and indices of the containers around it.
type Path struct{ steps []step }

type step struct {
	array bool
	key   []byte // of the current member, if the container is an object
	index int    // of the current element, if it is an array; -1 before the first
}

// Len is the number of keys and indices from the root.
func (p *Path) Len() int { return len(p.steps) }

// Key returns the key that is up levels above the token's own place (0: the key that the value belongs to), "" where
// that place is an array element or above the root.
func (p *Path) Key(up int) string {
	i := len(p.steps) - 1 - up
	if i < 0 || p.steps[i].array {
		return ""
	}
	return string(p.steps[i].key)
}

// Index is the array index up levels above the token's own place, -1 where that place is no array element.
func (p *Path) Index(up int) int {
	i := len(p.steps) - 1 - up
	if i < 0 || !p.steps[i].array {
		return -1
	}
	return p.steps[i].index
}

// NearestKey is the innermost key on the path: of a value in a list, the list's key.
func (p *Path) NearestKey() string {
	for up := range p.steps {
		if k := p.Key(up); k != "" {
			return k
		}
	}
	return ""
}

// String renders the path as a.b[3].c.
func (p *Path) String() string {
	var b strings.Builder
	for _, s := range p.steps {
		if s.array {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.Write(s.key)
	}
	return b.String()
}

// Walk reads d to its end and calls visit for every token with its path; the path of a Key token ends in that key. The
// path is valid during the call. It returns visit's or the reader's first error.
func Walk(d *Decoder, visit func(p *Path, t Token) error) error {
	var p Path
	for {
		t, err := d.Next()
		if err != nil || t.Kind == EOF {
			return err
		}
		switch t.Kind {
		case Key:
			s := &p.steps[len(p.steps)-1]
			s.key = append(s.key[:0], t.Text[:min(len(t.Text), maxKeyText)]...)
		case ObjectEnd, ArrayEnd:
			p.steps = p.steps[:len(p.steps)-1]
		default:
			p.nextElement()
		}
		if err := visit(&p, t); err != nil {
			return err
		}
		if t.Kind == ObjectStart || t.Kind == ArrayStart {
			p.steps = append(p.steps, step{array: t.Kind == ArrayStart, index: -1})
		}
	}
}

// nextElement moves on when a value begins in an array.
func (p *Path) nextElement() {
	if n := len(p.steps); n > 0 && p.steps[n-1].array {
		p.steps[n-1].index++
	}
}
