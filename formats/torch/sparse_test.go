package torch

import (
	"strings"
	"testing"

	"trustfs/formats"
)

func tuple(ns ...int) string {
	b := "("
	for _, n := range ns {
		b += num(n)
	}
	return b + "t"
}

// strided pushes a tensor of any shape.
func strided(key, class string, numel, offset int, shape, strides []int) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + class + "\n" + text(key) + text("cpu") + num(numel) + "tQ" +
		num(offset) + tuple(shape...) + tuple(strides...) + "\x89ccollections\nOrderedDict\n)RtR"
}

func layoutRef(name string) string {
	return "ctorch.serialization\n_get_layout\n(" + text(name) + "tR"
}

func sparse(function, layout string, parts ...string) string {
	return "\x80\x02ctorch._utils\n" + function + "\n(" + layoutRef(layout) + "(" + strings.Join(parts, "") + "ttR."
}

func parameter(of string) string { return "ctorch.nn.parameter\nParameter\n(" + of + "tR" }

func longs(ns ...int64) []byte { return le(ns...) }

func TestSparseTensors(t *testing.T) {
	// Two values in a tensor of 3 by 4: indices 2 by 2, row by row.
	const coo, csr = "_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor"
	indices := strided("0", "LongStorage", 4, 0, []int{2, 2}, []int{2, 1})
	turned := strided("0", "LongStorage", 4, 0, []int{2, 2}, []int{1, 2})
	two := strided("1", "FloatStorage", 2, 0, []int{2}, []int{1})
	size := "ctorch\nSize\n(" + tuple(3, 4) + "tR"
	plain := sparse(coo, "torch.sparse_coo", indices, two, size)
	starts, others := strided("0", "LongStorage", 4, 0, []int{4}, []int{1}), strided("2", "LongStorage", 2, 0, []int{2}, []int{1})
	rows := sparse(csr, "torch.sparse_csr", starts, others, two, size)
	columns := sparse(coo, "torch.sparse_csc", strided("0", "LongStorage", 5, 0, []int{5}, []int{1}), others, two, size)
	unsound := []string{formats.RuleReduce}
	list := func(s string) string { // the first tuple of two numbers, as a list
		return strings.Replace(s, tuple(2, 2), "]"+tuple(2, 2)[:len(tuple(2, 2))-1]+"e", 1)
	}
	// What was looked at is another when the sparse tensor is made.
	changed := func(between string) string {
		return strings.Replace(plain, indices, indices+between, 1)
	}
	for _, tt := range []struct {
		name   string
		pickle string
		zero   []byte // the indices or starts
		third  []byte // the others
		more   []member
		rules  []string
	}{
		{"coordinates", plain, longs(2, 0, 3, 1), nil, nil, nil},
		{"column by column", sparse(coo, "torch.sparse_coo", turned, two, size), longs(2, 3, 0, 1), nil, nil, nil},
		{"column by column, beyond", sparse(coo, "torch.sparse_coo", turned, two, size), longs(2, 0, 3, 1), nil, nil, unsound},
		{"coalesced", sparse(coo, "torch.sparse_coo", indices, two, size, "\x88"), longs(0, 2, 3, 1), nil, nil, nil},
		{"not coalesced, which it says", sparse(coo, "torch.sparse_coo", indices, two, size, "\x89"), longs(2, 0, 3, 1), nil, nil, nil},
		{"coalesced, out of order", sparse(coo, "torch.sparse_coo", indices, two, size, "\x88"), longs(2, 0, 3, 1), nil, nil, unsound},
		{"coalesced, twice", sparse(coo, "torch.sparse_coo", indices, two, size, "\x88"), longs(1, 1, 3, 3), nil, nil, unsound},
		{"beyond the first size", plain, longs(3, 0, 3, 1), nil, nil, unsound},
		{"beyond the second size", plain, longs(2, 0, 4, 1), nil, nil, unsound},
		{"a negative index", plain, longs(2, -1, 3, 1), nil, nil, unsound},
		{"another number of values", sparse(coo, "torch.sparse_coo", indices, strided("1", "FloatStorage", 2, 0, []int{1}, []int{1}), size), longs(2, 0, 3, 1), nil, nil, unsound},
		{"more dimensions than the size", sparse(coo, "torch.sparse_coo", indices, two, tuple(3)), longs(2, 0, 0, 0), nil, nil, unsound},
		{"a size more", sparse(coo, "torch.sparse_coo", indices, two, tuple(3, 4, 5)), longs(2, 0, 3, 1), nil, nil, unsound},
		{"a negative size", sparse(coo, "torch.sparse_coo", indices, two, tuple(-3, 4)), longs(2, 0, 3, 1), nil, nil, unsound},
		{"steps between the indices", sparse(coo, "torch.sparse_coo", strided("0", "LongStorage", 4, 0, []int{2, 1}, []int{1, 2}), strided("1", "FloatStorage", 2, 0, []int{1}, []int{1}), size),
			longs(2, 0, 3, 1), nil, nil, nil},
		{"indices of floats", sparse(coo, "torch.sparse_coo", strings.Replace(indices, "LongStorage", "DoubleStorage", 1), two, size), longs(2, 0, 3, 1), nil, nil, unsound},
		{"another layout", sparse(coo, "torch.sparse_bsr", indices, two, size), longs(2, 0, 3, 1), nil, nil, unsound},
		{"a layout of another name", strings.Replace(plain, "ctorch.serialization\n_get_layout\n", "ccollections\nOrderedDict\n", 1), longs(2, 0, 3, 1), nil, nil, unsound},
		{"the other byte order", plain, longs(2, 0, 3, 1), nil, []member{{Name: "m/byteorder", Data: []byte("big")}}, unsound},
		{"in capitals", plain, longs(2, 0, 3, 1), nil, []member{{Name: "m/BYTEORDER", Data: []byte("big\x00\x00\x00")}}, unsound},
		{"this byte order", plain, longs(2, 0, 3, 1), nil, []member{{Name: "m/byteorder", Data: []byte("little")}}, nil},
		{"sizes that are a list", list(plain), longs(2, 0, 3, 1), nil, nil, unsound},
		{"a size that is a list", strings.Replace(plain, size, "](K\x03K\x04e", 1), longs(2, 0, 3, 1), nil, nil, unsound},
		{"a list of parts", strings.TrimSuffix(plain, "ttR.") + "ltR.", longs(2, 0, 3, 1), nil, nil, unsound},
		{"an index that is set", changed("K\x00K\x09s"), longs(2, 0, 3, 1), nil, nil, unsound},
		{"an index that is set in a tensor of the same storage", strings.Replace(plain, "\x80\x02", "\x80\x02"+indices+"K\x00K\x09s0", 1), longs(2, 0, 3, 1), nil, nil, unsound},
		{"an index that is set in a parameter", strings.Replace(plain, "\x80\x02", "\x80\x02"+parameter(indices)+"K\x00K\x09s0", 1), longs(2, 0, 3, 1), nil, nil, unsound},
		{"a state for the indices", changed("}b"), longs(2, 0, 3, 1), nil, nil, unsound},
		{"rows", rows, longs(0, 1, 1, 2), longs(3, 0), nil, nil},
		{"a row in order", rows, longs(0, 2, 2, 2), longs(0, 3), nil, nil},
		{"a row out of order", rows, longs(0, 2, 2, 2), longs(3, 0), nil, unsound},
		{"a row of one index twice", rows, longs(0, 2, 2, 2), longs(3, 3), nil, unsound},
		{"rows that fall", rows, longs(0, 2, 1, 2), longs(0, 3), nil, unsound},
		{"rows that start later", rows, longs(1, 1, 1, 2), longs(0, 3), nil, unsound},
		{"rows that end sooner", rows, longs(0, 1, 1, 1), longs(0, 3), nil, unsound},
		{"rows that end later", rows, longs(0, 1, 1, 3), longs(0, 3), nil, unsound},
		{"a column beyond", rows, longs(0, 1, 1, 2), longs(4, 0), nil, unsound},
		{"a negative column", rows, longs(0, 1, 1, 2), longs(-1, 0), nil, unsound},
		{"columns", columns, longs(0, 0, 1, 1, 2), longs(2, 2), nil, nil},
		{"columns, a row beyond", columns, longs(0, 0, 1, 1, 2), longs(3, 2), nil, unsound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := append([]member{{Name: "m/data/0", Data: tt.zero}, {Name: "m/data/1", Data: make([]byte, 8)}}, tt.more...)
			if tt.third != nil {
				files = append(files, member{Name: "m/data/2", Data: tt.third})
			}
			c, _ := inspect(torchZip(tt.pickle, files...))
			expect(t, c, tt.rules, "")
		})
	}
	both := strings.TrimSuffix(strings.TrimPrefix(plain, "\x80\x02"), ".")
	wrong := strings.Replace(both, text("0")+text("cpu"), text("3")+text("cpu"), 1)
	for _, order := range []string{both + wrong, wrong + both} { // one that is unsound is not hidden by one that is sound
		c, _ := inspect(torchZip("\x80\x02("+order+"t.", member{Name: "m/data/0", Data: longs(2, 0, 3, 1)}, member{Name: "m/data/1", Data: make([]byte, 8)},
			member{Name: "m/data/3", Data: longs(2, 0, 3, 9)}))
		expect(t, c, unsound, "")
	}
	legacy := strings.ReplaceAll(plain, "tQ", "NtQ")
	c, _ := inspect([]byte(legacyHead + legacy + "\x80\x02](" + text("0") + text("1") + "e." + raw(4, string(longs(2, 0, 3, 1))) + raw(2, "ffffFFFF")))
	expect(t, c, unsound, "") // where its storages lie is not known when the pickle is judged
}

// A storage of indices that is named again and again is not read again and again.
func TestSparseIndicesAreReadSeldom(t *testing.T) {
	const n = 20_000
	one := strided("0", "LongStorage", n, 0, []int{1, n}, []int{n, 1})
	values := strided("1", "FloatStorage", 0, 0, []int{n, 0}, []int{1, 1})
	body := "\x80\x02]("
	for range 50 {
		body += "ctorch._utils\n_rebuild_sparse_tensor\n(" + layoutRef("torch.sparse_coo") + "(" + one + values + tuple(5, 0) + "ttR"
	}
	c, _ := inspect(torchZip(body+"e.", member{Name: "m/data/0", Data: make([]byte, 8*n)}, member{Name: "m/data/1"}))
	expect(t, c, []string{formats.RuleReduce}, "_rebuild_sparse_tensor")
}
