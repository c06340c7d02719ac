// Package tokenizer knows the vocabularies that stand beside models in formats of their own, so that they are not taken
// for unknown models.
package tokenizer

import (
	"errors"
	"io"

	"trustfs/formats"
	"trustfs/formats/internal/pbwire"
)

// FormatSentencePiece is the name that reports carry.
const FormatSentencePiece = "sentencepiece"

// Field numbers of ModelProto and its SentencePiece: src/sentencepiece_model.proto of github.com/google/sentencepiece.
const (
	modelPiece   = 1
	highestField = 5
	pieceText    = 1
	pieceScore   = 2
	pieceType    = 3
)

// probePieces is how many pieces Detect looks at.
const probePieces = 4

// SentencePiece inspects vocabularies of SentencePiece (tokenizer.model, spiece.model). They are data through and through:
// what is checked is that each message is of its kind.
type SentencePiece struct{}

// Name implements formats.Inspector.
func (SentencePiece) Name() string { return FormatSentencePiece }

var errEnough = errors.New("enough")

// Detect implements formats.Inspector: the first fields are pieces, each a text with a score.
func (SentencePiece) Detect(_ *formats.Context, s *formats.Source) bool {
	n := 0
	err := walk(s, func(f pbwire.Field, scored bool) error {
		if f.Num != modelPiece || !scored {
			return io.EOF
		}
		if n++; n == probePieces {
			return errEnough
		}
		return nil
	})
	return errors.Is(err, errEnough)
}

// Inspect implements formats.Inspector.
func (SentencePiece) Inspect(c *formats.Context, s *formats.Source) {
	err := walk(s, func(pbwire.Field, bool) error { return nil })
	var e *pbwire.Error
	switch {
	case err == nil || errors.As(err, &e) && e.Err != nil:
	case errors.As(err, &e) && e.Limit:
		c.Exceeded(s.At(e.Offset), "%s", e.Msg)
	default:
		c.Addf(formats.RuleFormatMalformed, s.Where, "sentencepiece vocabulary: %v", err)
	}
}

// walk calls visit for each field of the model; scored says that it is a piece with a text and a score.
func walk(s *formats.Source, visit func(f pbwire.Field, scored bool) error) error {
	r := pbwire.New(s.R, s.Size)
	return r.Fields(pbwire.Span{From: 0, End: s.Size}, func(f pbwire.Field) error {
		if f.Num > highestField && f.Num < 200 || !f.IsBytes() { // from 200 on are extensions
			return &pbwire.Error{Offset: f.From, Msg: "a field that a vocabulary does not have"}
		}
		var hasText, hasScore bool
		if f.Num == modelPiece {
			err := r.Fields(f.Span, func(p pbwire.Field) error {
				switch {
				case p.Num == pieceText && p.IsBytes():
					hasText = true
				case p.Num == pieceScore && p.Type == pbwire.Fixed32Type:
					hasScore = true
				case p.Num == pieceType && !p.IsBytes(), p.Num >= 200:
				default:
					return &pbwire.Error{Offset: f.From, Msg: "a piece that is none"}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return visit(f, hasText && hasScore)
	})
}
