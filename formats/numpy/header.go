package numpy

import (
	"errors"
	"fmt"
	"io"

	"trustfs/formats"
)

// A Header is what a .npy header of a plain array says.
type Header struct {
	Type    string  // numpy's type string: "<f4"
	Fortran bool    // stored column by column
	Shape   []int64 // elements
	Data    int64   // offset of the array's bytes
}

// ReadHeader reads the header of the .npy file in r. Arrays of structs or objects are an error: they are no tensors.
func ReadHeader(r io.ReaderAt, size int64) (Header, error) {
	c := &formats.Context{Budget: formats.DefaultBudget()}
	text, data, err := readHeader(c, &formats.Source{R: r, Size: size}, 0)
	if err != nil {
		return Header{}, fmt.Errorf("npy: %w", err)
	}
	if _, err := parseHeader(text); err != nil {
		return Header{}, fmt.Errorf("npy: %w", err)
	}
	h := Header{Data: data}
	v, _ := parseLiteral(text)
	for _, p := range v.(dict) {
		switch p.key {
		case "descr":
			s, ok := p.value.(string)
			if !ok {
				return h, errors.New("npy: an array of structs")
			}
			h.Type = s
		case "fortran_order":
			h.Fortran = p.value.(bool)
		case "shape":
			for _, n := range p.value.(tuple) {
				d, ok := n.(int64)
				if !ok || d < 0 {
					return h, fmt.Errorf("npy: shape %v", p.value)
				}
				h.Shape = append(h.Shape, d)
			}
		}
	}
	return h, nil
}
