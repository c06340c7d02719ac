package pbwire

import (
	"errors"

	"trustfs/formats"
)

// Explain adds to c why a walk over s ended early: a bound that was reached, or broken encoding. A failed read is nothing to
// say here: the reader below remembers it, and it refuses the file.
func Explain(c *formats.Context, s *formats.Source, err error) {
	var e *Error
	switch {
	case err == nil || c.Stopped() || errors.As(err, &e) && e.Err != nil:
	case errors.As(err, &e) && e.Limit:
		c.Exceeded(s.At(e.Offset), "%s", e.Msg)
	default:
		c.Addf(formats.RuleFormatMalformed, s.Where, "protocol buffer: %v", err)
	}
}
