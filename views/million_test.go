package views

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

const million = 1_000_000

// millions are sources of a million tensors or storages, each as small as its format allows.
var millions = map[string]struct {
	source func(t testing.TB) []byte
	reason string
}{
	"torch zip, tensors of one storage": {func(t testing.TB) []byte { return torchOf(t, manyTensors("0", false)) }, "budget"},
	"torch zip, a member each": {func(t testing.TB) []byte {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for i := range million {
			if _, err := w.CreateHeader(&zip.FileHeader{Name: "a/data/" + strconv.Itoa(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}, "members"},
	"legacy, a storage each": {func(testing.TB) []byte {
		head := append([]byte(legacyMagic), pickle().int(1001).stop()...)
		head = append(head, pickle().op("}").stop()...)
		return append(append(head, manyTensors("first", true)...), pickle().op("]").stop()...)
	}, "more than 50000 storages"},
	"legacy, storages listed": {func(testing.TB) []byte {
		keys := make([]string, million)
		for i := range keys {
			keys[i] = strconv.Itoa(i)
		}
		return legacyOf(pickle().op("}"), keys)
	}, "more than 50000 storages are listed"},
	"tar, a storage each": {func(t testing.TB) []byte { return manyStorages(t) }, "1000000 storages or tensors, at most 10000"},
	"flax": {func(testing.TB) []byte {
		out := binary.BigEndian.AppendUint32([]byte{0xdf}, million)
		for i := range million {
			name := fmt.Sprint(i)
			out = append(append(out, 0xa0|byte(len(name))), name...)
			out = append(out, "\xc7\x0c\x01\x93\x91\x01\xa5uint8\xc4\x01a"...)
		}
		return out
	}, "more than 50000 tensors"},
}

// manyStorages is a tar archive of a million empty storages.
func manyStorages(t testing.TB) []byte {
	storages := pickle().int(million).stop()
	for i := range million {
		storages = append(storages, pickle().op("(").int(int64(i)).text("cpu").name("torch", "ByteStorage").op("t.").b...)
		storages = append(storages, little(0)...)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, data := range map[string][]byte{"storages": append(storages, "\x80\x02]."...), "tensors": []byte("\x80\x02K\x00."), "pickle": []byte("\x80\x02}.")} {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data))})
		if err == nil {
			_, err = w.Write(data)
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

// manyTensors is a state dict of a million tensors: of one storage, or with a key each.
func manyTensors(key string, each bool) []byte {
	p := pickle().name("torch._utils", "_rebuild_tensor_v2").op("q\x00")
	p.text("storage").op("q\x01").name("torch", "ByteStorage").op("q\x02").text("cpu").op("q\x03")
	p.op("(h\x01h\x02").text(key).op("h\x03K\x10tQq\x04").op("}(")
	for i := range million {
		name := strconv.Itoa(i)
		p.text(name).op("h\x00(")
		if each {
			p.op("(h\x01h\x02").text(name).op("h\x03K\x00NtQ")
		} else {
			p.op("h\x04")
		}
		p.op("K\x00K\x00\x85K\x01\x85\x89}tR")
	}
	return p.op("u").stop()
}

// mostMegabytes bounds what one source makes trustfs allocate in all, most of it freed again at once.
const mostMegabytes = 512

// A million tensors end in a named limit, before work or memory grow with them.
func TestMillionsAreNamed(t *testing.T) {
	for name, m := range millions {
		t.Run(name, func(t *testing.T) {
			source := m.source(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := build(source)
			runtime.ReadMemStats(&after)
			if _, named := errors.AsType[*LimitError](err); !named || !strings.Contains(err.Error(), m.reason) {
				t.Errorf("%v, expected %q", err, m.reason)
			}
			if all := (after.TotalAlloc - before.TotalAlloc) >> 20; all > mostMegabytes {
				t.Errorf("%d MB allocated in all, for a source of %d MB", all, len(source)>>20)
			}
		})
	}
}
