package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"
)

func TestReadAnswer(t *testing.T) {
	frame := EncodeAnswer(KindResult, []byte("{}"))
	kind, b, err := ReadAnswer(bytes.NewReader(frame), 2)
	if err != nil || kind != KindResult || string(b) != "{}" {
		t.Fatalf("%v %q %v", kind, b, err)
	}
	var fe *FrameError
	if _, _, err := ReadAnswer(bytes.NewReader(frame), 1); !errors.As(err, &fe) {
		t.Errorf("one byte over the limit: %v", err)
	}
	for n := range frame {
		_, _, err := ReadAnswer(bytes.NewReader(frame[:n]), 100)
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if err != want {
			t.Errorf("cut after %d bytes: %v, expected %v", n, err, want)
		}
	}
	if _, _, err := ReadAnswer(bytes.NewReader(make([]byte, 5)), 100); !errors.As(err, &fe) {
		t.Errorf("a length of zero, without a kind: %v", err)
	}
}

// TestReadAnswerBelievesNoLength: memory grows with what has come, not with what was claimed.
func TestReadAnswerBelievesNoLength(t *testing.T) {
	head := binary.LittleEndian.AppendUint32(nil, 1<<30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := ReadAnswer(bytes.NewReader(append(head, 1, 2, 3)), 1<<31); err != io.ErrUnexpectedEOF {
		t.Errorf("%v", err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes allocated for a frame of 2 bytes that claims a gibibyte", n)
	}
}

func TestEncodeJSONIsBounded(t *testing.T) {
	if _, err := EncodeJSON("12345", 6); err == nil {
		t.Error("7 bytes of JSON fit in 6")
	}
	b, err := EncodeJSON("12345", 7)
	if err != nil || len(b) != 11 || binary.LittleEndian.Uint32(b) != 7 {
		t.Errorf("%q %v", b, err)
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(EncodeAnswer(KindResult, []byte(`{"a":1}`)))
	f.Add(EncodeAnswer(KindFailure, nil))
	f.Add([]byte{255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, payload, err := ReadAnswer(bytes.NewReader(b), 1000)
		if err != nil {
			return
		}
		if len(payload) > 1000 || !bytes.HasPrefix(b, EncodeAnswer(kind, payload)) {
			t.Fatalf("%q read as %d %q", b, kind, payload)
		}
	})
}

// TestReadDataCountsFrames: data may come in pieces, and not in crumbs.
func TestReadDataCountsFrames(t *testing.T) {
	frames := func(n, each int) []byte {
		var b []byte
		for range n {
			b = append(append(b, DataHead(each)...), make([]byte, each)...)
		}
		return append(b, EncodeAnswer(KindResult, []byte("{}"))...)
	}
	for _, c := range []struct {
		frames, each int
		want         error
	}{{16, 0, nil}, {17, 0, ErrManyFrames}, {16, 1, nil}, {17, 1, ErrManyFrames}, {8, 512, nil}} {
		var got bytes.Buffer
		_, _, err := ReadData(bytes.NewReader(frames(c.frames, c.each)), 100, &got, 4095)
		if c.each == 512 { // 4,096 bytes are one too many
			if fe := (*FrameError)(nil); !errors.As(err, &fe) {
				t.Errorf("one byte over the size: %v", err)
			}
			continue
		}
		if !errors.Is(err, c.want) || err == nil && got.Len() != c.frames*c.each {
			t.Errorf("%d frames of %d bytes: %v, expected %v", c.frames, c.each, err, c.want)
		}
	}
}
