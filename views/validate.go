package views

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Validate checks a Plan that a worker answered with against the source's size: what passes can be served without reading
// a byte outside the source, without overflow, and within bounds. It does not trust the header's text, which readers
// judge themselves; it makes sure that it is of the announced length.
func (p *Plan) Validate(source int64) error {
	if len(p.Tensors) > MaxTensors || len(p.Header) > MaxHeader+16 || len(p.Members) > MaxTensors {
		return errors.New("view: the plan is out of its bounds")
	}
	if len(p.Header) < 8 || binary.LittleEndian.Uint64(p.Header) != uint64(len(p.Header)-8) {
		return errors.New("view: the header's length does not fit")
	}
	if err := validateMembers(p.Members, source); err != nil {
		return err
	}
	used := make([]bool, len(p.Members))
	at := int64(len(p.Header))
	for i := range p.Tensors {
		x := &p.Tensors[i]
		if x.At != at || x.Len < 0 || x.Len > 1<<61 {
			return fmt.Errorf("view: tensor %d leaves a hole", i)
		}
		size := source
		if x.Member != 0 {
			if x.Member < 0 || x.Member > len(p.Members) {
				return fmt.Errorf("view: tensor %d lies in no member", i)
			}
			size = p.Members[x.Member-1].Size
			used[x.Member-1] = true
		}
		if err := x.validate(size); err != nil {
			return fmt.Errorf("view: tensor %d: %w", i, err)
		}
		at += x.Len
		if at > 1<<61 {
			return errors.New("view: too long")
		}
	}
	if at != p.Size {
		return errors.New("view: the size does not fit")
	}
	if i := slices.Index(used, false); i >= 0 {
		return fmt.Errorf("view: no tensor lies in member %d", i)
	}
	return nil
}

// validateMembers checks that members lie in the source one behind the other, and that what they say they inflate to is
// bounded by it: a source of n bytes never gives more than MaxRatio*n and MaxSlack for each member.
func validateMembers(members []Member, source int64) error {
	end, total := int64(0), int64(0)
	for i, m := range members {
		switch {
		case !m.Method.Known():
			return fmt.Errorf("view: member %d is compressed by no method of members", i)
		case m.Offset < end || m.Packed < 1 || m.Offset > source || m.Packed > source-m.Offset:
			return fmt.Errorf("view: member %d lies outside the source, or in another", i)
		case m.Size < 1 || m.Size > maxInflated-total || !m.plausible():
			return fmt.Errorf("view: member %d of %d bytes says that it inflates to %d", i, m.Packed, m.Size)
		}
		end, total = m.Offset+m.Packed, total+m.Size
	}
	return nil
}

// plausible says that the ratio of compression is one that is served.
func (m *Member) plausible() bool {
	return m.Size <= MaxSlack || (m.Size-MaxSlack)/MaxRatio <= m.Packed
}

var errOutside = errors.New("lies outside the source")

func (x *Extent) validate(size int64) error {
	if x.Shape == nil {
		if x.Item != 0 || x.Swap != 0 || x.Strides != nil || x.Source < 0 || x.Source > size || x.Len > size-x.Source {
			return errOutside
		}
		return nil
	}
	n, ok := product(append([]int64{x.Item}, x.Shape...)...)
	switch {
	case x.Len == 0:
		return errors.New("a tensor without elements needs no shape to gather")
	case len(x.Shape) > MaxRank || len(x.Strides) != len(x.Shape):
		return errors.New("shape and strides do not fit")
	case x.Item < 1 || x.Item > 16 || x.Swap < 0 || x.Swap > 0 && (x.Swap > x.Item || x.Item%x.Swap != 0):
		return errors.New("an element size that no type has")
	case !ok || n != x.Len:
		return errors.New("the shape does not fit the length")
	}
	low, high, ok := span(x.Shape, x.Strides)
	if !ok || x.Source < 0 || x.Source > 1<<60 {
		return errOutside
	}
	if high < low {
		return nil // no element
	}
	if x.Source+low*x.Item < 0 || x.Source+(high+1)*x.Item > size {
		return errOutside
	}
	return nil
}
