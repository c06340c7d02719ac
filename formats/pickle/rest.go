package pickle

import (
	"trustfs/formats"
)

const (
	maxPadding = 1 << 20 // bytes of padding skipped before a further stream
	maxTries   = 64      // places at which a further stream is looked for
	scanWindow = 64 << 10
)

// rest looks at what follows the last stream the way that loaders of stacked pickles, joblib and legacy torch would:
// further streams at once or behind padding, and streams anywhere behind that begin with a PROTO opcode.
func rest(c *formats.Context, s *formats.Source, opt *Options, out *Outcome, depth int) {
	for n := 0; out.End < s.Size && n < maxStacked && !c.Stopped(); n++ {
		start := skipPadding(s, out.End)
		if start == s.Size {
			return
		}
		if !promising(c, s, start) {
			scan(c, s, opt, out, start, depth)
			return
		}
		end, err := stream(c, s, opt, out, start, depth)
		if err != nil {
			newJudge(c, s, opt, out).broken(err)
			scan(c, s, opt, out, start+1, depth)
			return
		}
		out.Streams, out.End = out.Streams+1, end
	}
	if out.End < s.Size && !c.Stopped() {
		c.Exceeded(s.At(out.End), "more than %d pickles behind one another", maxStacked)
	}
}

// skipPadding gives the offset of the first byte from off on that is no padding.
func skipPadding(s *formats.Source, off int64) int64 {
	buf := make([]byte, 4096)
	for end := min(s.Size, off+maxPadding); off < end; {
		n, err := s.R.ReadAt(buf[:min(int64(len(buf)), end-off)], off)
		for i, b := range buf[:n] {
			if b != 0 && b != ' ' && b != '\n' && b != '\r' && b != '\t' {
				return off + int64(i)
			}
		}
		off += int64(n)
		if err != nil {
			break
		}
	}
	return off
}

// scan looks for further streams by their PROTO opcode in bytes that no known loader explains, and says that there
// are such bytes.
func scan(c *formats.Context, s *formats.Source, opt *Options, out *Outcome, off int64, depth int) {
	c.Addf(formats.RulePickleTrailing, s.At(out.End), "%d bytes after the last pickle that no loader of pickles expects", s.Size-out.End)
	buf := make([]byte, scanWindow)
	for tries := 0; off < s.Size && tries < maxTries && !c.Stopped(); {
		n, err := s.R.ReadAt(buf[:min(int64(len(buf)), s.Size-off)], off)
		next := off + int64(max(n-1, 1))
		for i := 0; i+1 < n && tries < maxTries; i++ {
			if buf[i] != 0x80 || buf[i+1] > 5 {
				continue
			}
			if start := off + int64(i); active(c, s, start) {
				tries++
				end, serr := stream(c, s, opt, out, start, depth)
				if serr == nil {
					out.Streams++
					next = max(end, start+1)
					break
				}
			}
		}
		if err != nil && n == 0 {
			return
		}
		off = next
	}
}
