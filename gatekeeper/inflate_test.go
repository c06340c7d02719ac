package gatekeeper

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"trustfs/formats"
	"trustfs/gatekeeper/spool"
	"trustfs/integrity"
	"trustfs/provenance"
	"trustfs/testdata/gen"
	"trustfs/views"
)

// A packer makes views and inflates in this process, as a jailed worker would elsewhere.
type packer struct {
	views, inflations atomic.Int32
	change            func(w io.Writer, write func(io.Writer) error) error // of an inflation, if set
}

func (p *packer) View(_ context.Context, f *os.File, m *integrity.Manifest, _ string, kind views.Kind) (*views.Answer, error) {
	p.views.Add(1)
	a, err := views.Answering(integrity.NewReader(f, m), m.Size, kind, func(io.ReaderAt, int64) formats.Result {
		return formats.Result{Format: formats.FormatSafetensors, Class: formats.ClassModel}
	})
	return &a, err
}

func (p *packer) Inflate(_ context.Context, f *os.File, m *integrity.Manifest, members []views.Member, w io.Writer) error {
	p.inflations.Add(1)
	write := func(w io.Writer) error {
		err := views.Inflate(w, integrity.NewReader(f, m), members, formats.Budget{})
		if limit, ok := errors.AsType[*views.LimitError](err); ok {
			err = &NoViewError{limit.Error()}
		}
		return err
	}
	if p.change != nil {
		return p.change(w, write)
	}
	return write(w)
}

// deflated packs the members of a torch file again.
func deflated(t *testing.T, source []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	r, err := zip.NewReader(bytes.NewReader(source), int64(len(source)))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(&out)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		member, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate})
		if err == nil {
			_, err = io.Copy(member, in)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// packedBench is a gate over a deflated torch file, with room to inflate max bytes.
func packedBench(t *testing.T, max int64, change func(*Config)) (*bench, *packer, *spool.Spool) {
	t.Helper()
	p := &packer{}
	b := newBench(t, func(c *Config) {
		c.Viewer = p
		if change != nil {
			change(c)
		}
	})
	room := spool.New(filepath.Join(t.TempDir(), "spool"), max)
	t.Cleanup(room.Close)
	b.gate.UseSpool(room)
	b.write("pytorch_model.bin", string(deflated(t, gen.TorchZip([]gen.Tensor{gen.Ramp("w", 0, 300, 301)}, ""))))
	return b, p, room
}

func TestViewOfACompressedSource(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b, p, _ := packedBench(t, 1<<20, nil)
	b.settle()
	_, text, err := b.view(t) // reads it, and works out its digest
	if err != nil {
		t.Fatal(err)
	}
	plain, _, _ := packedBench(t, 1<<20, nil)
	plain.write("pytorch_model.bin", string(gen.TorchZip([]gen.Tensor{gen.Ramp("w", 0, 300, 301)}, "")))
	if _, want, err := plain.view(t); err != nil || text != want {
		t.Errorf("another view than that of the stored source, %v", err)
	}
	if _, again, err := b.view(t); err != nil || again != text || p.inflations.Load() != 1 || p.views.Load() != 1 {
		t.Errorf("%v, inflated %d times, made %d times", err, p.inflations.Load(), p.views.Load())
	}
}

// Without room there is no view, and that is known before anything is inflated.
func TestViewsThatHaveNoRoom(t *testing.T) {
	for max, want := range map[int64]string{0: "allows no room", 1000: "it inflates to 361200 bytes, and views-spool allows 1000"} {
		b, p, _ := packedBench(t, max, nil)
		var none *NoViewError
		if _, _, err := b.view(t); !errors.As(err, &none) || !strings.Contains(err.Error(), want) || p.inflations.Load() != 0 {
			t.Errorf("room for %d: %v", max, err)
		}
	}
	b, _, _ := packedBench(t, 1<<20, nil)
	b.gate.spool = nil
	var none *NoViewError
	if _, _, err := b.view(t); !errors.As(err, &none) {
		t.Errorf("no spool: %v", err)
	}
}

// A worker that gives other bytes than the plan says is refused by the daemon itself, and leaves nothing.
func TestInflationsThatLie(t *testing.T) {
	flip := func(at int) func(io.Writer, func(io.Writer) error) error {
		return func(w io.Writer, write func(io.Writer) error) error {
			var b bytes.Buffer
			err := write(&b)
			b.Bytes()[at] ^= 1
			_, err2 := w.Write(b.Bytes())
			return errors.Join(err, err2)
		}
	}
	dead := errors.New("jailed worker (inflate): killed by SIGKILL")
	for name, c := range map[string]struct {
		change func(io.Writer, func(io.Writer) error) error
		want   string
	}{
		"the first byte": {flip(0), "other bytes than the plan says: CRC"},
		"the last byte":  {flip(361199), "other bytes than the plan says: CRC"},
		"a byte more": {func(w io.Writer, write func(io.Writer) error) error {
			err := write(w)
			_, err2 := w.Write([]byte{0})
			return errors.Join(err, err2)
		}, "than the"},
		"an end in the middle": {func(w io.Writer, _ func(io.Writer) error) error { _, _ = w.Write(make([]byte, 1000)); return dead }, dead.Error()},
	} {
		b, p, room := packedBench(t, 1<<20, nil)
		p.change = c.change
		_, _, err := b.view(t)
		var none *NoViewError
		if err == nil || errors.As(err, &none) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if c, ok, err := room.Lookup(spool.Key{}, 0); ok || c != nil || err != nil {
			t.Error("something is left")
		}
		p.change = nil
		if _, _, err := b.view(t); err != nil {
			t.Errorf("%s: it is remembered: %v", name, err)
		}
	}
}

// A source that does not hold what its archive says has no view, and is not inflated again to find that out.
func TestMembersThatLieAreRemembered(t *testing.T) {
	t.Parallel() // it waits until timestamps prove something
	b, p, _ := packedBench(t, 1<<20, nil)
	p.change = func(w io.Writer, write func(io.Writer) error) error {
		_ = write(w)
		return &NoViewError{"no view: CRC mismatch"}
	}
	b.settle()
	for range 2 {
		_, _, err := b.view(t)
		var none *NoViewError
		if !errors.As(err, &none) || p.inflations.Load() != 1 || p.views.Load() != 1 {
			t.Errorf("%v, inflated %d times, made %d times", err, p.inflations.Load(), p.views.Load())
		}
	}
}

// Where a signature is required, a view of a source without one is refused before it is made, and says so in its report.
func TestViewsWithoutARequiredSignatureAreNotMade(t *testing.T) {
	for _, from := range []ViewsFrom{ViewsFromClean, ViewsFromDisarm} {
		b, p, _ := packedBench(t, 1<<20, func(c *Config) {
			c.Profile, c.ViewsFrom, c.Require = ProfileStrict, from, provenance.Requirements{Signature: true}
		})
		_, _, err := b.view(t)
		refused, ok := errors.AsType[*RefusedError](err)
		if !ok || p.views.Load() != 0 {
			t.Fatalf("%v, made %d times", err, p.views.Load())
		}
		r := refused.Report
		if r.Verdict != Deny || r.Path != "model.safetensors" || r.Facts.ViewOf != "pytorch_model.bin" || !strings.Contains(strings.Join(r.Reasons, ""), "signature") {
			t.Errorf("%+v", r)
		}
	}
	b, p, _ := packedBench(t, 1<<20, func(c *Config) {
		c.Profile, c.Require = ProfileAudit, provenance.Requirements{Signature: true}
	})
	if _, _, err := b.view(t); err != nil || p.views.Load() != 1 {
		t.Errorf("under the audit profile: %v", err)
	}
}
