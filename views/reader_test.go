package views

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func numbers(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// reference gathers a tensor element by element, in the plainest way there is.
func reference(src []byte, t Tensor) []byte {
	var out []byte
	n, _ := product(t.Shape...)
	strides := t.Strides
	if strides == nil {
		strides = rowMajor(t.Shape)
	}
	for i := range n {
		at, rest := int64(0), i
		for d := len(t.Shape) - 1; d >= 0; d-- {
			at += rest % t.Shape[d] * strides[d]
			rest /= t.Shape[d]
		}
		e := slices.Clone(src[t.Source+at*t.Dtype.Size:][:t.Dtype.Size])
		if t.Swap {
			slices.Reverse(e)
		}
		out = append(out, e...)
	}
	return out
}

func mustLay(t *testing.T, tensors []Tensor, source int) *Plan {
	t.Helper()
	p, err := Lay(tensors, map[string]string{"format": "pt"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Validate(int64(source)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTensorsComeOutAsTheyAre(t *testing.T) {
	src := numbers(9 << 20)
	tensors := []Tensor{
		{Name: "plain", Dtype: f32, Shape: []int64{10, 7}, Source: 64},
		{Name: "scalar", Dtype: f64, Source: 8},
		{Name: "empty", Dtype: f32, Shape: []int64{0, 5}},
		{Name: "transposed", Dtype: f32, Shape: []int64{300, 200}, Strides: []int64{1, 300}, Source: 4},
		{Name: "wide", Dtype: f32, Shape: []int64{1024, 2000}, Strides: []int64{1, 1024}, Source: 12},
		{Name: "expanded", Dtype: i16, Shape: []int64{5, 6}, Strides: []int64{0, 1}, Source: 2},
		{Name: "reversed", Dtype: i8, Shape: []int64{100}, Strides: []int64{-1}, Source: 500},
		{Name: "steps", Dtype: f64, Shape: []int64{3, 4, 5}, Strides: []int64{200, 30, 3}, Source: 16},
		{Name: "far", Dtype: u8, Shape: []int64{4}, Strides: []int64{2 << 20}, Source: 1},
		{Name: "swapped", Dtype: f32, Shape: []int64{50}, Source: 100, Swap: true},
		{Name: "swapped scalar", Dtype: i64, Source: 24, Swap: true},
		{Name: "bytes are never swapped", Dtype: u8, Shape: []int64{9}, Source: 3, Swap: true},
		{Name: "tied", Dtype: f32, Shape: []int64{10, 7}, Source: 64},
		{Name: "long", Dtype: u8, Shape: []int64{1, 5 << 20}, Strides: []int64{0, 1}, Source: 77, Swap: false},
		{Name: "long reversed", Dtype: u8, Shape: []int64{5 << 20}, Strides: []int64{-1}, Source: 6 << 20},
	}
	p := mustLay(t, tensors, len(src))
	r, err := NewReader(p, bytes.NewReader(src), nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err != nil || int64(len(whole)) != p.Size {
		t.Fatalf("%d bytes of %d, %v", len(whole), p.Size, err)
	}
	check(t, whole, src, tensors)
	again := mustLay(t, tensors, len(src))
	if !bytes.Equal(again.Header, p.Header) {
		t.Error("the same tensors give another header")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		off := rng.Int64N(p.Size)
		b := make([]byte, rng.IntN(100_000))
		n, err := r.ReadAt(b, off)
		if !bytes.Equal(b[:n], whole[off:off+int64(n)]) || (err != nil) != (n < len(b)) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", len(b), off, n, err)
		}
	}
}

// check reads a view as safetensors' documentation says, and compares every tensor.
func check(t *testing.T, view, src []byte, tensors []Tensor) {
	t.Helper()
	n := binary.LittleEndian.Uint64(view)
	var header map[string]json.RawMessage
	if err := json.Unmarshal(view[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	data := view[8+n:]
	if (8+n)%8 != 0 || len(header) != len(tensors)+1 {
		t.Errorf("a header of %d bytes with %d entries", n, len(header))
	}
	for _, tensor := range tensors {
		var e struct {
			Dtype   string
			Shape   []int64
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(header[tensor.Name], &e); err != nil {
			t.Fatal(err)
		}
		if e.Dtype != tensor.Dtype.Name || !slices.Equal(e.Shape, tensor.Shape) {
			t.Errorf("%s: %+v", tensor.Name, e)
		}
		if e.Offsets[0]%tensor.Dtype.Size != 0 {
			t.Errorf("%s begins at %d: not aligned", tensor.Name, e.Offsets[0])
		}
		tensor.Swap = tensor.Swap && tensor.Dtype.Size > 1
		if got := data[e.Offsets[0]:e.Offsets[1]]; !bytes.Equal(got, reference(src, tensor)) {
			t.Errorf("%s: other bytes", tensor.Name)
		}
	}
}

func TestRandomStrides(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	src := numbers(1 << 20)
	all := []Dtype{f64, f32, bf16, i8, c64}
	for range 300 {
		var tensors []Tensor
		for _, name := range strings.Split("abcdef", "") {
			x := Tensor{Name: name, Dtype: all[rng.IntN(len(all))], Shape: []int64{}, Strides: []int64{}}
			for range rng.IntN(4) {
				x.Shape = append(x.Shape, rng.Int64N(7))
				x.Strides = append(x.Strides, rng.Int64N(400)-200)
			}
			low, _, _ := span(x.Shape, x.Strides)
			x.Source = -low*x.Dtype.Size + rng.Int64N(1000)
			tensors = append(tensors, x)
		}
		p := mustLay(t, tensors, len(src))
		r, _ := NewReader(p, bytes.NewReader(src), nil)
		whole, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		if err != nil {
			t.Fatal(err)
		}
		check(t, whole, src, tensors)
	}
}

func TestLimitsAreNamed(t *testing.T) {
	ok := Tensor{Name: "a", Dtype: f32, Shape: []int64{2}}
	with := func(change func(*Tensor)) []Tensor { x := ok; change(&x); return []Tensor{x} }
	tests := map[string][]Tensor{
		"keeps this name":  with(func(x *Tensor) { x.Name = "__metadata__" }),
		"have this name":   {ok, ok},
		"NUL":              with(func(x *Tensor) { x.Name = "a\x00b" }),
		"not UTF-8":        with(func(x *Tensor) { x.Name = "a\xff" }),
		"bytes, at most":   with(func(x *Tensor) { x.Name = strings.Repeat("n", MaxName+1) }),
		"overflows":        with(func(x *Tensor) { x.Shape = []int64{1 << 40, 1 << 40} }),
		"shape [-1]":       with(func(x *Tensor) { x.Shape = []int64{-1} }),
		"dimensions":       with(func(x *Tensor) { x.Shape = make([]int64, MaxRank+1) }),
		"1 dimensions and": with(func(x *Tensor) { x.Strides = []int64{1, 1} }),
		"tensors, at most": make([]Tensor, MaxTensors+1),
	}
	for want, tensors := range tests {
		_, err := Lay(tensors, nil, nil)
		var le *LimitError
		if !errors.As(err, &le) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}

// A worker in an attacker's hands can answer with any plan. None that passes reads outside the source.
func TestHostilePlans(t *testing.T) {
	good := func() *Plan {
		return mustLay(t, []Tensor{{Name: "a", Dtype: f32, Shape: []int64{4}, Source: 8},
			{Name: "b", Dtype: f32, Shape: []int64{2, 2}, Strides: []int64{1, 2}, Source: 8}}, 24)
	}
	for name, change := range map[string]func(*Plan){
		"beyond the source":        func(p *Plan) { p.Tensors[0].Source = 9 },
		"before the source":        func(p *Plan) { p.Tensors[0].Source = -1 },
		"overflowing":              func(p *Plan) { p.Tensors[0].Source = 1<<63 - 1 },
		"gathered beyond":          func(p *Plan) { p.Tensors[1].Strides = []int64{1, 3} },
		"gathered before":          func(p *Plan) { p.Tensors[1].Strides = []int64{-3, 1} },
		"strides that overflow":    func(p *Plan) { p.Tensors[1].Strides = []int64{1 << 62, 1 << 62} },
		"the least stride":         func(p *Plan) { p.Tensors[1].Strides = []int64{-1 << 63, 1} },
		"no strides":               func(p *Plan) { p.Tensors[1].Strides = nil },
		"an item of nothing":       func(p *Plan) { p.Tensors[1].Item = 0 },
		"a huge item":              func(p *Plan) { p.Tensors[1].Item = 1 << 40 },
		"a swap wider than items":  func(p *Plan) { p.Tensors[1].Swap = 8 },
		"a swap of no width":       func(p *Plan) { p.Tensors[1].Swap = -1 },
		"another shape":            func(p *Plan) { p.Tensors[1].Shape = []int64{3, 2} },
		"a shape of nothing":       func(p *Plan) { p.Tensors[1].Shape, p.Tensors[1].Len = []int64{2, 0}, 0; p.Size -= 16 },
		"a hole":                   func(p *Plan) { p.Tensors[1].At++ },
		"a negative length":        func(p *Plan) { p.Tensors[0].Len = -4 },
		"another size":             func(p *Plan) { p.Size++ },
		"a member that is not":     func(p *Plan) { p.Tensors[0].Member = 1 },
		"a negative member":        func(p *Plan) { p.Tensors[0].Member = -1 },
		"a member outside":         func(p *Plan) { p.Members = []Member{{Offset: 20, Packed: 5, Size: 5, Method: "deflate"}} },
		"a member of what method":  func(p *Plan) { p.Members = []Member{{Packed: 5, Size: 5, Method: "lzma"}} },
		"a header of other length": func(p *Plan) { p.Header[0]++ },
		"no header":                func(p *Plan) { p.Header = nil },
	} {
		p := good()
		change(p)
		if err := p.Validate(24); err == nil {
			t.Errorf("a plan with %s is served", name)
		}
	}
	if err := good().Validate(23); err == nil {
		t.Error("a plan for a longer source is served")
	}
}

func FuzzPlan(f *testing.F) {
	p, err := Lay([]Tensor{{Name: "a", Dtype: f32, Shape: []int64{4}, Source: 8},
		{Name: "b", Dtype: f32, Shape: []int64{2, 2}, Strides: []int64{1, 2}, Source: 8}}, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	seed, _ := json.Marshal(p)
	f.Add(seed)
	src := numbers(100)
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Plan
		if json.Unmarshal(b, &p) != nil || p.Validate(int64(len(src))) != nil || p.Size > 1<<20 || len(p.Members) > 0 {
			return
		}
		r, err := NewReader(&p, bytes.NewReader(src), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, r.Size())); err != nil || n != p.Size {
			t.Fatalf("a plan that passed reads %d of %d bytes: %v", n, p.Size, err)
		}
	})
}

// No view begins as a pickle does, however long its header is.
func TestViewsDoNotBeginAsPickles(t *testing.T) {
	for n := range 1500 {
		p, err := Lay([]Tensor{{Name: strings.Repeat("n", n+1), Dtype: u8, Shape: []int64{1}}}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if isPickle(p.Header, nil) || len(p.Header)%8 != 0 {
			t.Fatalf("a header of %d bytes begins %x", len(p.Header), p.Header[:4])
		}
	}
}
