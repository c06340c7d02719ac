package views

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// arrayPickle holds one array of bytes, as protocol 5 writes it.
func arrayPickle(data []byte) []byte {
	p := pickle().op("}").text("x").name("numpy.core.numeric", "_frombuffer").op("(B")
	p.b = append(binary.LittleEndian.AppendUint32(p.b, uint32(len(data))), data...)
	p.name("numpy", "dtype").op("(").text("u1").op("\x89\x88tR")
	p.op("(").int(3).text("|").op("NNN").int(-1).int(-1).int(0).op("tb")
	return p.ints("(", "t", int64(len(data))).text("C").op("tRs").stop()
}

func compressed(t testing.TB, open func(io.Writer) io.WriteCloser, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := open(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func zlibbed(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }

// A compressed pickle has the view of the plain one.
func TestCompressedPickles(t *testing.T) {
	plain := arrayPickle(numbers(20 << 20)) // more than the worker keeps whole
	_, want, err := view(plain)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(io.Writer) io.WriteCloser{"gzip": gzipped, "zlib": zlibbed} {
		p, got, err := view(compressed(t, open, plain))
		if err != nil || !bytes.Equal(got, want) || len(p.Members) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCompressedFilesThatHaveNoView(t *testing.T) {
	whole := compressed(t, gzipped, arrayPickle(numbers(1000)))
	broken := bytes.Clone(whole)
	broken[len(broken)-6] ^= 1 // of the checksum
	for name, c := range map[string]struct {
		source []byte
		reason string
	}{
		"no pickle":      {compressed(t, gzipped, []byte("some text that is no pickle")), "no pickle"},
		"a cut stream":   {whole[:len(whole)-100], "does not decompress"},
		"a wrong sum":    {broken, "does not decompress"},
		"no array in it": {compressed(t, zlibbed, pickle().op("}").stop()), "holds no tensor"},
	} {
		_, _, err := view(c.source)
		if _, named := errors.AsType[*LimitError](err); !named || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: got %v, want a limit with %q", name, err, c.reason)
		}
	}
}
