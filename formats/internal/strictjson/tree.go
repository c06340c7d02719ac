package strictjson

// A Node is a parsed value. Objects keep all members in order, duplicates too.
type Node struct {
	Kind     Kind   // ObjectStart, ArrayStart or a scalar's kind
	Text     string // of a String or Number
	Keys     []string
	Children []*Node // values of Keys, or elements
	Offset   int64
}

// Get returns the value of an object's key, the last if there are several, nil if there is none or n is no object.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != ObjectStart {
		return nil
	}
	for i := len(n.Keys) - 1; i >= 0; i-- {
		if n.Keys[i] == key {
			return n.Children[i]
		}
	}
	return nil
}

// String returns the text of a string, "" for nil and anything else.
func (n *Node) String() string {
	if n == nil || n.Kind != String {
		return ""
	}
	return n.Text
}

// Parse reads d to its end as one value of at most maxNodes nodes. duplicates says that some object has a key twice,
// which is an error already unless Options.AllowDup is set.
func Parse(d *Decoder, maxNodes int) (root *Node, duplicates bool, err error) {
	var open []*Node
	for n := 0; ; n++ {
		t, err := d.Next()
		if err != nil || t.Kind == EOF {
			return root, duplicates, err
		}
		if n >= maxNodes {
			return nil, duplicates, d.errorf(Limit, t.Offset, "more than %d values", maxNodes)
		}
		if t.Truncated {
			return nil, duplicates, d.errorf(Limit, t.Offset, "a string longer than %d bytes", d.o.MaxString)
		}
		switch t.Kind {
		case Key:
			parent := open[len(open)-1]
			parent.Keys = append(parent.Keys, string(t.Text))
			duplicates = duplicates || t.Duplicate
			continue
		case ObjectEnd, ArrayEnd:
			open = open[:len(open)-1]
			continue
		}
		node := &Node{Kind: t.Kind, Text: string(t.Text), Offset: t.Offset}
		if len(open) == 0 {
			root = node
		} else {
			parent := open[len(open)-1]
			parent.Children = append(parent.Children, node)
		}
		if t.Kind == ObjectStart || t.Kind == ArrayStart {
			open = append(open, node)
		}
	}
}
