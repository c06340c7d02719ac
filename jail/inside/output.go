package inside

import "trustfs/jail/wire"

// Output sends bytes to the parent ahead of a task's answer. Only a job that asks for data may be answered with it: the
// parent ends a worker that sends more than it was asked for, or anything unasked. It goes the way of the answer, so that no
// worker needs a descriptor to write to.
type Output struct{}

// Write implements io.Writer.
func (Output) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		k := min(len(p)-n, wire.MaxData)
		if err := writeAll(wire.FDAnswer, wire.DataHead(k)); err != nil {
			return n, err
		}
		if err := writeAll(wire.FDAnswer, p[n:n+k]); err != nil {
			return n, err
		}
		n += k
	}
	return len(p), nil
}
