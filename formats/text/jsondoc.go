package text

import (
	"errors"
	"io"
	"strings"

	"trustfs/formats"
	"trustfs/formats/internal/strictjson"
	"trustfs/formats/keras"
)

// maxString bounds one string of a document that is kept, in bytes; templates are the longest that matter.
const maxString = maxTemplate

// inspectJSON reads a JSON document as leniently as any loader does, so that nothing a loader sees is hidden, and holds
// every key and value against the rules.
func inspectJSON(c *formats.Context, s *formats.Source) {
	limit := max(c.Budget.HeaderBytes, 0)
	r := &rules{c: c, s: s, json: true}
	d := strictjson.New(io.NewSectionReader(s.R, 0, min(s.Size, limit)), 0, strictjson.Options{
		MaxDepth: 1000, MaxString: maxString, AllowNaN: true, IgnoreDup: true, AllowUTF8: true, AllowRest: true,
	})
	isKeras := false
	err := strictjson.Walk(d, func(p *strictjson.Path, t strictjson.Token) error {
		if c.Stopped() {
			return io.ErrClosedPipe
		}
		isKeras = isKeras || t.Kind == strictjson.Key && p.Len() == 1 && p.Key(0) == "class_name"
		r.token(p, t)
		return nil
	})
	var e *strictjson.Error
	switch {
	case c.Stopped() || errors.As(err, &e) && e.Kind == strictjson.Read:
	case errors.As(err, &e) && (e.Kind == strictjson.Limit || e.Offset >= limit):
		c.Exceeded(s.At(e.Offset), "JSON: %s; at most %d bytes are inspected", e.Msg, limit)
	case err != nil:
		// No JSON loader reads on, but the same text may be YAML, or JSON with comments.
		inspectYAML(c, s)
	case isKeras:
		keras.InspectConfig(c, s.Where, io.NewSectionReader(s.R, 0, s.Size))
	}
}

// token holds one token against the rules.
func (r *rules) token(p *strictjson.Path, t strictjson.Token) {
	switch t.Kind {
	case strictjson.Key:
		if text := string(t.Text); jsonPickle[text] || p.Key(1) == trustKey {
			r.key(value{at: p, text: text})
		}
	case strictjson.String, strictjson.True:
		v := value{at: p, text: string(t.Text), isText: t.Kind == strictjson.String, cut: t.Truncated}
		v.isTrue = !v.isText || v.text != ""
		r.value(v)
	case strictjson.Number, strictjson.False, strictjson.Null, strictjson.ArrayStart, strictjson.ObjectStart:
		r.consent(value{at: p, isTrue: t.Kind == strictjson.Number && strings.ContainsAny(mantissa(string(t.Text)), "123456789NI")})
	}
}

// mantissa is a number without its exponent: 0e1 is zero. NaN and Infinity are true to Python, -Infinity too.
func mantissa(number string) string {
	if i := strings.IndexAny(number, "eE"); i >= 0 && !strings.Contains(number, "I") {
		return number[:i]
	}
	return number
}
