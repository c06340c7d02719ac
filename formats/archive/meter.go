package archive

import (
	"errors"
	"io"

	"trustfs/formats"
)

// ratioFrom is how much output a member may give before its compression ratio is looked at: small members compress
// well without meaning anything.
const ratioFrom = 1 << 20

// errBudget ends a decompression that used up its budget; the finding is already recorded.
var errBudget = errors.New("the decompression budget is used up")

// A meter counts what one decompressor produces, against the budget of the whole file and the ratio of this member.
type meter struct {
	r      io.Reader
	c      *formats.Context
	where  string
	packed int64 // compressed bytes that the output comes from
	out    int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.c.Stopped() {
		return 0, errBudget
	}
	n, err := m.r.Read(p)
	m.out += int64(n)
	m.c.Budget.Inflated -= int64(n)
	if m.c.Budget.Inflated < 0 {
		m.c.Exceeded(m.where, "inflated: the members of this file decompress to more bytes than the budget of all of them")
		return 0, errBudget
	}
	if r := m.c.Budget.Ratio; m.out > ratioFrom && r > 0 && m.out/r > m.packed {
		m.c.Exceeded(m.where, "ratio: %d compressed bytes gave %d already, more than %d for each", m.packed, m.out, r)
		return 0, errBudget
	}
	return n, err
}

// takeMember takes one member off the budget of all archives in the file.
func takeMember(c *formats.Context, where string) bool {
	if c.Budget.Members--; c.Budget.Members < 0 {
		c.Exceeded(where, "members: the archives in this file have more members than the budget allows")
		return false
	}
	return true
}
