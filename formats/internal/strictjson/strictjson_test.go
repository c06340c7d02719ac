package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func tokens(doc string, o Options) (string, error) {
	d := New(iotest.OneByteReader(strings.NewReader(doc)), 0, o)
	var out []string
	for {
		t, err := d.Next()
		if err != nil {
			return strings.Join(out, " "), err
		}
		switch t.Kind {
		case EOF:
			return strings.Join(out, " "), nil
		case Key, String, Number:
			out = append(out, fmt.Sprintf("%d:%s", t.Kind, t.Text))
		default:
			out = append(out, fmt.Sprint(t.Kind))
		}
	}
}

func TestAccepts(t *testing.T) {
	tests := []struct{ doc, want string }{
		{`{}`, "1 2"},
		{` [ ] `, "3 4"},
		{`{"a":[1,-0.5e+3,true,false,null,"x"],"b":{}}`, "1 5:a 3 7:1 7:-0.5e+3 8 9 10 6:x 4 5:b 1 2 2"},
		{`"\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00é😀"`, "6:\"\\/\b\f\n\r\tAé😀é😀"},
		{`0`, "7:0"},
		{`{"a":1,"A":2}`, "1 5:a 7:1 5:A 7:2 2"},
	}
	for _, tt := range tests {
		if got, err := tokens(tt.doc, Options{}); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.doc, got, err, tt.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	tests := []struct {
		doc, kind string
		offset    int64
	}{
		{``, Syntax, 0}, {` `, Syntax, 1}, {`{`, Syntax, 1}, {`[1`, Syntax, 2}, {`[1,]`, Syntax, 3}, {`[,1]`, Syntax, 1},
		{`{"a"}`, Syntax, 4}, {`{"a":}`, Syntax, 5}, {`{"a":1,}`, Syntax, 7}, {`{1:2}`, Syntax, 1}, {`[1 2]`, Syntax, 3},
		{`[1}`, Syntax, 2}, {`{"a":1]`, Syntax, 6}, {`01`, Syntax, 0}, {`1.`, Syntax, 0}, {`.5`, Syntax, 0}, {`+1`, Syntax, 0},
		{`1e`, Syntax, 0}, {`-`, Syntax, 0}, {`--1`, Syntax, 0}, {`nul`, Syntax, 0}, {`True`, Syntax, 0}, {`NaN`, Syntax, 0},
		{`-Infinity`, Syntax, 0}, {`"a`, Syntax, 2}, {"\"a\nb\"", Syntax, 2}, {`"\x"`, Syntax, 1}, {`"\u12g4"`, Syntax, 1},
		{`1 2`, Syntax, 2}, {`{}x`, Syntax, 2}, {"\ufeff{}", Syntax, 0}, {`'a'`, Syntax, 0}, {`{}//`, Syntax, 2},
		{`{"a":1,"a":2}`, Duplicate, 7}, {`{"a":1,"\u0061":2}`, Duplicate, 7},
		{"\"\xff\"", Encoding, 1}, {"\"\xc0\x80\"", Encoding, 1}, {"\"\xed\xa0\x80\"", Encoding, 1}, {"\"\xe2\x82\"", Encoding, 1},
		{`"\ud800"`, Encoding, 1}, {`"\ud800\n"`, Encoding, 1}, {`"\ud800\u0041"`, Encoding, 1}, {`"\udc00"`, Encoding, 1},
	}
	for _, tt := range tests {
		_, err := tokens(tt.doc, Options{})
		var e *Error
		if !errors.As(err, &e) || e.Kind != tt.kind || e.Offset != tt.offset {
			t.Errorf("%q: %v, want %s at %d", tt.doc, err, tt.kind, tt.offset)
		}
	}
}

func TestLenient(t *testing.T) {
	o := Options{AllowNaN: true, AllowDup: true, AllowUTF8: true}
	tests := []struct{ doc, want string }{
		{`[NaN,Infinity,-Infinity,-1]`, "3 7:NaN 7:Infinity 7:Infinity 7:-1 4"},
		{`{"a":1,"a":2}`, "1 5:a 7:1 5:a 7:2 2"},
		{"\"a\xff\"", "6:a\ufffd"},
		{`"\ud800\n\ud800\u0041\ud800\ud83d\ude00"`, "6:\ufffd\n\ufffdA\ufffd😀"},
	}
	for _, tt := range tests {
		if got, err := tokens(tt.doc, o); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.doc, got, err, tt.want)
		}
	}
}

func TestBounds(t *testing.T) {
	deep := strings.Repeat("[", 5) + strings.Repeat("]", 5)
	keys := `{"a":1,"b":{"c":1},"d":2}`
	tests := []struct {
		doc string
		o   Options
		ok  bool
	}{
		{deep, Options{MaxDepth: 5}, true}, {deep, Options{MaxDepth: 4}, false},
		{keys, Options{MaxKeys: 3}, true}, {keys, Options{MaxKeys: 2}, false},
		{strings.Repeat("1", maxNumber), Options{}, true}, {strings.Repeat("1", maxNumber+1), Options{}, false},
	}
	for _, tt := range tests {
		_, err := tokens(tt.doc, tt.o)
		var e *Error
		if (err == nil) != tt.ok || err != nil && (!errors.As(err, &e) || e.Kind != Limit) {
			t.Errorf("%.40s with %+v: %v, want accepted %v or a limit error", tt.doc, tt.o, err, tt.ok)
		}
	}
}

func TestLongStringIsCut(t *testing.T) {
	d := New(strings.NewReader(`"abcdé"`), 0, Options{MaxString: 5})
	tok, err := d.Next()
	if err != nil || string(tok.Text) != "abcd" || !tok.Truncated {
		t.Errorf("%q truncated %v, %v: want abcd cut before the two-byte letter", tok.Text, tok.Truncated, err)
	}
}

func TestManyKeysAndCaseTwins(t *testing.T) {
	var b strings.Builder
	b.WriteString("{")
	for i := range 1000 {
		fmt.Fprintf(&b, `"k%d":%d,`, i, i)
	}
	for _, tt := range []struct {
		last      string
		dup, twin bool
	}{{"k999", true, false}, {"K7", false, true}, {"new", false, false}} {
		d := New(strings.NewReader(b.String()+`"`+tt.last+`":1}`), 0, Options{AllowDup: true, CaseTwins: true})
		var last Token
		for {
			tok, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			if tok.Kind == EOF {
				break
			}
			if tok.Kind == Key {
				last = tok
			}
		}
		if last.Duplicate != tt.dup || last.CaseTwin != tt.twin {
			t.Errorf("%s: duplicate %v twin %v, want %v %v", tt.last, last.Duplicate, last.CaseTwin, tt.dup, tt.twin)
		}
	}
}

func TestReadErrorIsNotTheEnd(t *testing.T) {
	broken := errors.New("disk")
	for _, doc := range []string{``, `[1`, `12`, `"a`, `{"a"`, `[1] `} {
		d := New(io.MultiReader(strings.NewReader(doc), iotest.ErrReader(broken)), 0, Options{})
		var err error
		for i := 0; err == nil && i < 10; i++ {
			_, err = d.Next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("%q then a failed read: %v, want the read's error", doc, err)
		}
	}
}

func TestRest(t *testing.T) {
	d := New(strings.NewReader(`{"a":1}   tail`), 8, Options{AllowRest: true})
	for {
		tok, err := d.Next()
		if err != nil {
			t.Fatal(err)
		}
		if tok.Kind == EOF {
			break
		}
	}
	if d.Offset() != 8+7 {
		t.Errorf("offset %d, want 15", d.Offset())
	}
	if rest, err := io.ReadAll(d.Rest()); err != nil || string(rest) != "   tail" {
		t.Errorf("rest %q, %v", rest, err)
	}
}

func TestWalkPaths(t *testing.T) {
	doc := `{"a":{"b":[1,{"c":"x"}]},"d":"y"}`
	var got []string
	err := Walk(New(strings.NewReader(doc), 0, Options{}), func(p *Path, t Token) error {
		if t.Kind == String || t.Kind == Number {
			got = append(got, fmt.Sprintf("%s/%s/%d", p, p.NearestKey(), p.Index(0)))
		}
		return nil
	})
	if want := "a.b[0]/b/0 a.b[1].c/c/-1 d/d/-1"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("%v, %v; want %s", got, err, want)
	}
}

// FuzzAgainstStdlib holds the decoder against encoding/json: what is strictly right is right for both.
func FuzzAgainstStdlib(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00"]}`, `[[],{}]`, `"\ud800"`, `{"a":1,"a":2}`, "\"\xff\"", `1e999`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		o := Options{MaxDepth: 10_000, AllowDup: true, AllowUTF8: true}
		_, err := tokens(string(doc), o)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%q: error of type %T", doc, err)
		}
		if e != nil && e.Kind == Limit {
			return
		}
		if (err == nil) != json.Valid(doc) {
			t.Fatalf("%q: %v, encoding/json says valid=%v", doc, err, json.Valid(doc))
		}
		_, strict := tokens(string(doc), Options{MaxDepth: 10_000})
		if strict == nil && (err != nil || !utf8.Valid(doc)) {
			t.Fatalf("%q: strict accepts what lenient refuses (%v) or what is no UTF-8", doc, err)
		}
		if strict == nil && !bytes.Contains(doc, []byte(`\`)) && err != nil {
			t.Fatalf("%q: %v", doc, err)
		}
	})
}

func TestParse(t *testing.T) {
	root, dup, err := Parse(New(strings.NewReader(`{"a":[1,{"b":"x"}],"c":null,"a":"last"}`), 0, Options{AllowDup: true}), 100)
	if err != nil || !dup {
		t.Fatalf("duplicates %v, %v", dup, err)
	}
	if got := root.Get("a").String(); got != "last" || len(root.Children) != 3 {
		t.Errorf("a is %q of %d members, want the last of 3", got, len(root.Children))
	}
	if b := root.Children[0].Children[1].Get("b"); b.String() != "x" || root.Get("none").Get("x").String() != "" {
		t.Errorf("b is %v", b)
	}
	if _, _, err := Parse(New(strings.NewReader(`[1,2,3]`), 0, Options{}), 3); err == nil {
		t.Error("more values than allowed")
	}
}
