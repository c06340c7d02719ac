package pickle

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"

	"trustfs/formats"
)

// Bounds of the search for pickles that a stream carries as data. What lies beyond them stays unseen: nothing runs it
// unless some program takes it out and loads it.
const (
	carriedScan  = 16 << 20 // bytes of one file that are searched
	carriedTries = 64       // places of one file that are run
	carriedSize  = 64 << 10 // bytes of one carried pickle
	carriedSteps = 100_000  // opcodes of it
	carriedText  = 4 << 20  // letters of one file that are read to be decoded
)

// carried looks for pickles in the texts and bytes of the stream from start to end: as they are, in base64 and in
// hexadecimal. Loading the stream does not run them; a complete one that names what is dangerous is a payload which waits
// for a program that unpickles it, and no model has one.
func (w *work) carried(start, end int64) {
	if w.opt.carried {
		return
	}
	const overlap = 8 // a beginning that two windows share
	buf := make([]byte, min(scanWindow, max(end-start, 0)))
	for off := start + 1; off < end && w.known.scanned < carriedScan; {
		n, err := w.s.R.ReadAt(buf[:min(int64(len(buf)), end-off)], off)
		w.known.scanned += int64(n)
		w.window(buf[:n], off, end)
		if err != nil || n <= overlap {
			return
		}
		off += int64(n - overlap)
	}
}

// window tries each place of a window of the file, which begins at off, at which a pickle may begin.
func (w *work) window(b []byte, off, end int64) {
	for i := 0; i+3 < len(b); i++ {
		j := bytes.IndexByte(b[i:], 0x80)
		if j < 0 {
			break
		}
		i += j
		if i+2 < len(b) && begins(b[i:]) {
			w.try(off+int64(i), "", io.NewSectionReader(w.s.R, off+int64(i), min(carriedSize, end-off-int64(i))))
		}
	}
	w.spelled(b, off, end, "gA", "base64", isBase64, base64.RawStdEncoding.DecodeString)
	w.spelled(b, off, end, "80", "hexadecimal", isHex, hex.DecodeString)
}

// spelled tries the places of a window at which a pickle begins that is spelled in text. Reading and decoding what may
// follow costs far more than the few letters that ask for it, so that both are bounded for the whole file.
func (w *work) spelled(b []byte, off, end int64, prefix, how string, in func(byte) bool, decode func(string) ([]byte, error)) {
	for i := 0; i+8 <= len(b); i += len(prefix) {
		j := bytes.Index(b[i:], []byte(prefix))
		if j < 0 || i+j+8 > len(b) {
			return
		}
		i += j
		head, err := decode(string(b[i : i+8]))
		if err != nil || !begins(head) {
			continue
		}
		at := off + int64(i)
		if w.known.tries >= carriedTries || w.known.decoded >= carriedText {
			return
		}
		if w.known.carriedAt[at] {
			continue
		}
		text := make([]byte, min(2*carriedSize, end-at))
		n, _ := w.s.R.ReadAt(text, at)
		text = text[:n]
		w.known.decoded += int64(n)
		if k := bytes.IndexFunc(text, func(r rune) bool { return r > 0x7f || !in(byte(r)) }); k >= 0 {
			text = text[:k]
		}
		if data, err := decode(string(text[:len(text)&^3])); err == nil || len(data) > 0 {
			w.try(at, " in "+how, bytes.NewReader(append(data, tail(decode, text)...)))
		}
	}
}

// tail decodes the last letters of a text whose length is no multiple of four.
func tail(decode func(string) ([]byte, error), text []byte) []byte {
	data, err := decode(string(text[len(text)&^3:]))
	if err != nil {
		return nil
	}
	return data
}

// begins says that b looks like the beginning of a pickle: PROTO, and an opcode that some pickler writes behind it.
func begins(b []byte) bool {
	return len(b) >= 3 && b[0] == 0x80 && b[1] >= 2 && b[1] <= 5 && strings.IndexByte("\x95c(})]X\x8cCBUTKMJGNl", b[2]) >= 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '/'
}

// try runs what may be a carried pickle, by itself: what it would do is no fact about the file that carries it.
func (w *work) try(at int64, how string, r interface {
	io.ReaderAt
	Size() int64
}) {
	if w.known.tries >= carriedTries || w.known.carriedAt[at] {
		return
	}
	w.known.tries++
	w.known.carriedAt[at] = true
	c := &formats.Context{Budget: formats.DefaultBudget(), Presets: w.c.Presets}
	c.Budget.Opcodes, c.Budget.MemoEntries, c.Budget.StringBytes = carriedSteps, carriedSteps, 16*carriedSize
	out := Inspect(c, &formats.Source{R: r, Size: r.Size(), Where: w.s.At(at)}, Options{LeaveRest: true, carried: true})
	if out.Streams == 0 {
		return
	}
	for _, f := range c.Result.Findings {
		if f.Rule == formats.RuleGlobalDangerous || f.Rule == formats.RuleGlobalDynamic {
			w.c.Addf(formats.RulePickleCarried, w.s.At(at), "a pickle kept as data%s, which would resolve %s", how, f.Detail)
			return
		}
	}
}
