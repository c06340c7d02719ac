// Package numpy inspects numpy's files: .npy arrays, whose header names a data type and, for Python objects, has a pickle
// as data; and .npz archives of them.
//
// The format is numpy's own (numpy/lib/format.py, NEP 1): magic, version, length of the header, the header as a Python
// literal, the data. numpy.load with allow_pickle runs the pickle of an object array (CVE-2019-6446); without, it raises.
// A file does not say which way it will be opened, so the pickle is judged.
package numpy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"trustfs/formats"
	"trustfs/formats/archive"
)

const magic = "\x93NUMPY"

// maxHeader is far above what numpy writes and reads by default (10,000 characters), and what is read whole here.
const maxHeader = 1 << 20

// maxArrays is how many arrays one behind the other are followed in a file: numpy.save to an open file appends.
const maxArrays = 10_000

// NPY inspects .npy files. Pickle inspects the pickle of an object array; nil means whatever the Context's Nested finds.
type NPY struct {
	Pickle func(c *formats.Context, s *formats.Source)
}

// Name implements formats.Inspector.
func (NPY) Name() string { return formats.FormatNPY }

// Detect implements formats.Inspector.
func (NPY) Detect(_ *formats.Context, s *formats.Source) bool {
	b := make([]byte, len(magic))
	n, _ := s.R.ReadAt(b, 0)
	return n == len(b) && string(b) == magic
}

// Inspect implements formats.Inspector.
func (i NPY) Inspect(c *formats.Context, s *formats.Source) {
	pos := int64(0)
	for n := 0; pos < s.Size && !c.Stopped(); n++ {
		if n == maxArrays {
			c.Addf(formats.RuleFormatMalformed, s.At(pos), "more than %d arrays one behind the other", maxArrays)
			return
		}
		if n > 0 && !i.Detect(c, section(s, pos)) {
			c.Addf(formats.RuleFormatMalformed, s.At(pos), "%d bytes behind the array", s.Size-pos)
			rest := section(s, pos)
			rest.Where, rest.Depth = s.At(pos), s.Depth+1
			c.Nested(c, rest)
			return
		}
		end, err := i.array(c, s, pos)
		if err != nil {
			c.Addf(formats.RuleFormatMalformed, s.At(pos), "npy: %v", err)
			return
		}
		pos = end
	}
}

// section is s from off on; positions in findings stay those of s only through the caller.
func section(s *formats.Source, off int64) *formats.Source {
	return &formats.Source{R: io.NewSectionReader(s.R, off, s.Size-off), Size: s.Size - off, Where: s.Where, Depth: s.Depth}
}

// array inspects the array at off and returns where it ends. The data of an object array is looked at even when the
// header says something else that is wrong: numpy may see it otherwise.
func (i NPY) array(c *formats.Context, s *formats.Source, off int64) (end int64, err error) {
	text, data, err := readHeader(c, s, off)
	if err != nil {
		return 0, err
	}
	h, err := parseHeader(text)
	if err != nil || h.dtype.object {
		i.objects(c, s, data)
		return s.Size, err
	}
	hi, size := bits.Mul64(h.elements, h.dtype.size)
	if hi != 0 || size > uint64(s.Size-data) {
		return 0, fmt.Errorf("%d elements of %d bytes, the file has %d bytes left", h.elements, h.dtype.size, s.Size-data)
	}
	c.Result.Facts.Tensors++
	if h.dtype.size > 0 { // so that all sums are bounded by the file's size
		c.Result.Facts.Parameters += int64(h.elements)
	}
	c.Dtype(h.dtype.name)
	return data + int64(size), nil
}

func (i NPY) objects(c *formats.Context, s *formats.Source, data int64) {
	if data >= s.Size {
		return
	}
	src := section(s, data)
	src.Where, src.Depth = s.Where+"(objects)", s.Depth+1
	if i.Pickle != nil {
		i.Pickle(c, src)
		return
	}
	c.Nested(c, src)
}

// readHeader reads version and header, and returns where the data begins.
func readHeader(c *formats.Context, s *formats.Source, off int64) (text string, data int64, err error) {
	fixed := make([]byte, 12)
	if n, _ := s.R.ReadAt(fixed, off); n < 10 {
		return "", 0, errors.New("cut inside the header")
	}
	n, start := int64(binary.LittleEndian.Uint16(fixed[8:])), off+10
	switch major := fixed[6]; major {
	case 1:
	case 2, 3:
		n, start = int64(binary.LittleEndian.Uint32(fixed[8:])), off+12
	default:
		return "", 0, fmt.Errorf("version %d, numpy knows 1 to 3", major)
	}
	if n > maxHeader || n > c.Budget.HeaderBytes {
		c.Addf(formats.RuleHeaderOversized, s.At(off), "npy header of %d bytes; numpy itself refuses more than 10000 unless told", n)
		return "", 0, fmt.Errorf("header of %d bytes, at most %d are read", n, maxHeader)
	}
	if n > s.Size-start {
		return "", 0, fmt.Errorf("header of %d bytes, the file has %d left", n, max(0, s.Size-start))
	}
	b := make([]byte, n)
	if k, err := s.R.ReadAt(b, start); k < len(b) {
		return "", 0, fmt.Errorf("header: %w", err)
	}
	return string(b), start + n, nil
}

type npyHeader struct {
	dtype    dtype
	elements uint64
}

// parseHeader reads the dict, which must have the three keys and no other.
func parseHeader(text string) (npyHeader, error) {
	v, err := parseLiteral(text)
	if err != nil {
		return npyHeader{}, err
	}
	d, ok := v.(dict)
	if !ok {
		return npyHeader{}, errors.New("header is not a dict")
	}
	got := map[string]any{}
	for _, p := range d {
		key, _ := p.key.(string)
		if _, twice := got[key]; twice {
			return npyHeader{}, fmt.Errorf("header has the key %q twice", key)
		}
		got[key] = p.value
	}
	if len(got) != 3 {
		return npyHeader{}, fmt.Errorf("header has %d keys, descr, fortran_order and shape expected", len(got))
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if _, ok := got[key]; !ok {
			return npyHeader{}, fmt.Errorf("header lacks the key %q", key)
		}
	}
	if _, ok := got["fortran_order"].(bool); !ok {
		return npyHeader{}, errors.New("fortran_order is not a boolean")
	}
	if _, ok := got["shape"].(tuple); !ok {
		return npyHeader{}, errors.New("shape is not a tuple")
	}
	t, err := parseDescr(got["descr"], 0)
	if err != nil {
		return npyHeader{}, err
	}
	n, err := product(got["shape"])
	return npyHeader{dtype: t, elements: n}, err
}

// NPZ is the zip flavor of numpy.savez: members are .npy files, each inspected as such. Members that are not are inspected
// as what they are: numpy.load gives their bytes.
type NPZ struct{}

// Accepts implements archive.Flavor.
func (NPZ) Accepts(z *archive.Zip) bool {
	for _, m := range z.Members {
		if n := len(m.Name); n > 4 && m.Name[n-4:] == ".npy" {
			return true
		}
	}
	return false
}

// Inspect implements archive.Flavor.
func (NPZ) Inspect(c *formats.Context, s *formats.Source, _ *archive.Zip) []*archive.Member {
	c.SetFormat(s, formats.FormatNPZ)
	return nil
}
