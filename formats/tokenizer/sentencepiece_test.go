package tokenizer

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"trustfs/formats"
	"trustfs/formats/internal/inspecttest"
	"trustfs/formats/internal/pbwire"
)

func piece(text string) pbwire.Message {
	p := pbwire.Message{}.String(pieceText, text)
	p = protowire.AppendFixed32(protowire.AppendTag(p, pieceScore, protowire.Fixed32Type), 7)
	return p.Varint(pieceType, 2)
}

func vocabulary(n int) pbwire.Message {
	var m pbwire.Message
	for i := range n {
		m = m.Bytes(modelPiece, piece(fmt.Sprint("▁word", i)))
	}
	return m.Bytes(2, pbwire.Message{}.String(1, "corpus.txt")).Bytes(3, pbwire.Message{}.Bytes(2, []byte{1, 2, 3}))
}

func TestSentencePiece(t *testing.T) {
	inspecttest.Expect(t, SentencePiece{}, vocabulary(10), "")
	inspecttest.Expect(t, SentencePiece{}, append(vocabulary(10), 0x0a, 0x7f), formats.RuleFormatMalformed)
	inspecttest.Expect(t, SentencePiece{}, vocabulary(10).String(50, "x"), formats.RuleFormatMalformed)
	inspecttest.Expect(t, SentencePiece{}, vocabulary(10).Bytes(modelPiece, pbwire.Message{}.String(9, "x")), formats.RuleFormatMalformed)
	graph := pbwire.Message{}
	for range 10 {
		graph = graph.Bytes(1, pbwire.Message{}.String(1, "x").String(2, "NoOp"))
	}
	for _, b := range [][]byte{nil, vocabulary(3), graph, []byte("text"), make([]byte, 50)} {
		if _, ok := inspecttest.Run(SentencePiece{}, b); ok {
			t.Errorf("%.20q is detected", b)
		}
	}
	inspecttest.Mutations(t, SentencePiece{}, vocabulary(10))
}

func FuzzSentencePiece(f *testing.F) {
	inspecttest.Fuzz(f, SentencePiece{}, "tokenizer.model", vocabulary(5))
}
