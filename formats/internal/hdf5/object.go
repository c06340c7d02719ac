package hdf5

import "trustfs/formats/internal/cursor"

// Types of object header messages.
const (
	msgLinkInfo     = 0x02
	msgLink         = 0x06
	msgExternal     = 0x07
	msgLayout       = 0x08
	msgFilters      = 0x0b
	msgAttribute    = 0x0c
	msgContinuation = 0x10
	msgSymbolTable  = 0x11
	msgAttrInfo     = 0x15
)

// flagShared marks a message that is stored elsewhere.
const flagShared = 0x02

// block is a run of messages.
type block struct {
	start, size uint64
	signed      bool // between OCHK and a checksum
}

// object reads an object's header with its continuations.
func (f *file) object(o object) error {
	c := f.at(o.addr)
	var h header
	if sig := c.Peek(4); string(sig) == "OHDR" {
		h.v2(c)
	} else {
		h.v1(c)
	}
	if c.Err() != nil {
		return c.Err()
	}
	blocks := []block{{uint64(c.Offset() - f.base), h.size, false}}
	seen := map[uint64]bool{blocks[0].start: true}
	for count := 0; len(blocks) > 0; {
		b := blocks[0]
		blocks = blocks[1:]
		c, err := f.block(b)
		if err != nil {
			return err
		}
		for c.Len() >= int64(h.prefix()) {
			m := h.message(c)
			if count++; count > maxMessages {
				c.Fail("more than %d messages", maxMessages)
			}
			if c.Err() != nil {
				return c.Err()
			}
			body := cursor.New(f.r, c.Offset(), c.Offset()+int64(m.size))
			if m.kind == msgContinuation {
				next := block{f.offset(body), f.length(body), h.version == 2}
				if body.Err() == nil && !seen[next.start] {
					seen[next.start] = true
					blocks = append(blocks, next)
				}
			} else {
				f.message(o, m, body)
			}
			if body.Err() != nil {
				return body.Err()
			}
			c.Skip(uint64(m.size))
		}
	}
	return nil
}

// block returns a cursor over a block's messages.
func (f *file) block(b block) (*cursor.Cursor, error) {
	c := f.at(b.start)
	if c.Err() == nil && b.size > uint64(c.Len()) {
		c.Fail("a header of %d bytes in %d", b.size, c.Len())
	}
	if b.signed {
		want(c, "OCHK")
		if c.Err() == nil && b.size < 8 {
			c.Fail("a continuation of %d bytes", b.size)
		}
		b.size -= 8
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	return cursor.New(f.r, c.Offset(), c.Offset()+int64(b.size)), nil
}

// header is how an object's messages are written.
type header struct {
	version int
	size    uint64 // of the first block
	ordered bool   // messages have a creation order
}

type message struct {
	kind  uint16
	size  uint16
	flags uint8
}

func (h *header) v1(c *cursor.Cursor) {
	h.version = 1
	if v := c.U8(); c.Err() == nil && v != 1 {
		c.Fail("object header version %d: 1 and 2 are known", v)
	}
	c.Skip(1 + 2 + 4)
	h.size = uint64(c.U32())
	c.Skip(4)
}

func (h *header) v2(c *cursor.Cursor) {
	h.version = 2
	c.Skip(4)
	if v := c.U8(); c.Err() == nil && v != 2 {
		c.Fail("object header version %d with a signature: 2 is known", v)
	}
	flags := c.U8()
	h.ordered = flags&0x04 != 0
	if flags&0x20 != 0 {
		c.Skip(16)
	}
	if flags&0x10 != 0 {
		c.Skip(4)
	}
	h.size = uintN(c, 1<<(flags&3))
}

// prefix is the bytes before a message's body.
func (h *header) prefix() int {
	switch {
	case h.version == 1:
		return 8
	case h.ordered:
		return 6
	}
	return 4
}

func (h *header) message(c *cursor.Cursor) (m message) {
	if h.version == 1 {
		m = message{c.U16(), c.U16(), c.U8()}
		c.Skip(3)
		return m
	}
	m = message{uint16(c.U8()), c.U16(), c.U8()}
	if h.ordered {
		c.Skip(2)
	}
	return m
}

// message reads one message's body. Kinds that say nothing about code or other files are passed over.
func (f *file) message(o object, m message, c *cursor.Cursor) {
	if m.flags&flagShared != 0 {
		switch m.kind {
		case msgAttribute, msgLink, msgLayout, msgExternal, msgFilters, msgSymbolTable, msgLinkInfo:
			f.v.Unknown(o.path, "a message stored in another place")
		}
		return
	}
	switch m.kind {
	case msgSymbolTable:
		tree, heap := f.offset(c), f.offset(c)
		if c.Err() == nil {
			f.symbolTable(o, c, tree, heap)
		}
	case msgLink:
		f.link(o, c)
	case msgLinkInfo:
		f.linkInfo(o, c)
	case msgAttrInfo:
		f.attrInfo(o, c)
	case msgAttribute:
		f.attribute(o, c)
	case msgExternal:
		f.v.External(o.path, "storage", "")
	case msgLayout:
		if version, class := c.U8(), c.U8(); version >= 4 && version <= 5 && class == 3 {
			f.v.External(o.path, "virtual dataset", "")
		} else if c.Err() == nil && version > 5 {
			f.v.Unknown(o.path, "a data layout of a later version")
		}
	case msgFilters:
		f.filters(o, c)
	}
}

// filters reads a filter pipeline: version 1 has padding that version 2 lacks.
func (f *file) filters(o object, c *cursor.Cursor) {
	version, n := c.U8(), c.U8()
	if version == 1 {
		c.Skip(6)
	}
	for range n {
		id := c.U16()
		var name uint64
		if version == 1 || id >= 256 {
			name = uint64(c.U16())
		}
		c.Skip(2)
		values := uint64(c.U16())
		if version == 1 {
			name = (name + 7) &^ 7
			values += values & 1
		}
		c.Skip(name)
		c.Skip(4 * values)
		if c.Err() != nil {
			return
		}
		f.v.Filter(o.path, id)
	}
}
