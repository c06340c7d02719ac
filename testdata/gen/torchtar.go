package gen

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"strconv"
)

// Places in a torch tar archive at which TorchTar can put a call of os.system: one for each pickle that torch.load loads.
const (
	TarInPickle     = "pickle"       // beside the tensors
	TarInStorage    = "storage"      // as a storage's location
	TarInViews      = "views"        // behind the storages
	TarInTensor     = "tensor"       // in place of a tensor's class
	TarInFirstCount = "count"        // the number of storages
	TarNowhere      = ""             // a clean archive
	tarKeys         = 0x7f0012345600 // torch took addresses for keys
)

// TorchTar is a state dict as torch.save wrote it until 0.1.9: a tar archive of four members. Each tensor has a storage of
// its own; a last tensor "tail" is the second half of the first one, by a view of its storage. With a marker, the pickle at
// the place runs `touch marker` when it is loaded.
func TorchTar(tensors []Tensor, place, marker string) []byte {
	t := tarForm{place: place, marker: marker}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range []struct {
		name string
		data []byte
	}{{"sys_info", t.info()}, {"pickle", t.object(tensors)}, {"tensors", t.tensors(tensors)}, {"storages", t.storages(tensors)}} {
		err := w.WriteHeader(&tar.Header{Name: m.name, Mode: 0o600, Size: int64(len(m.data)), Format: tar.FormatPAX})
		if err == nil {
			_, err = w.Write(m.data)
		}
		if err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

type tarForm struct{ place, marker string }

// attack puts the call in place of what value pushes.
func (t tarForm) attack(s *stream, place string, value func(s *stream)) {
	if t.place == place && t.marker != "" {
		s.call("posix", "system", "touch '"+t.marker+"'")
		return
	}
	value(s)
}

func (t tarForm) info() []byte {
	s := newStream().op('}', '(')
	s.text("protocol_version").int(1000)
	s.text("little_endian").op(0x88)
	return s.op('u').stop()
}

// object is the state dict; its tensors are persistent ids, the decimal text of their keys.
func (t tarForm) object(tensors []Tensor) []byte {
	s := newStream().global("collections", "OrderedDict").op(')', 'R', '(')
	for i, x := range tensors {
		s.text(x.Name).text(strconv.Itoa(tarKey(i, false))).op('Q')
	}
	s.text("tail").text(strconv.Itoa(tarKey(len(tensors), false))).op('Q')
	s.text("step")
	t.attack(s, TarInPickle, func(s *stream) { s.int(3) })
	return s.op('u').stop()
}

func tarKey(i int, storage bool) int {
	if storage {
		return tarKeys + 64*i + 32
	}
	return tarKeys + 64*i
}

func (s *stream) long(v int) *stream { // LONG1 of eight bytes
	s.b = binary.LittleEndian.AppendUint64(append(s.b, 0x8a, 8), uint64(v))
	return s
}

func (t tarForm) storages(tensors []Tensor) []byte {
	count := newStream()
	t.attack(count, TarInFirstCount, func(s *stream) { s.int(len(tensors)) })
	out := count.stop()
	for i, x := range tensors {
		s := newStream().op('(').long(tarKey(i, true))
		place := TarInStorage
		if i > 0 {
			place = "no second time"
		}
		t.attack(s, place, func(s *stream) { s.text("cpu") })
		out = append(out, s.global("torch", "FloatStorage").op('t').stop()...)
		out = binary.LittleEndian.AppendUint64(out, uint64(len(x.Values)))
		out = append(out, x.Bytes()...)
	}
	half := len(tensors[0].Values) / 2
	s := newStream().op(']', '(', '(').long(tarKey(len(tensors), true)).long(tarKey(0, true)).int(half).int(half).op('t')
	t.attack(s, TarInViews, func(s *stream) { s.op('N', '0') })
	return append(out, s.op('e').stop()...)
}

func (t tarForm) tensors(tensors []Tensor) []byte {
	half := len(tensors[0].Values) / 2
	all := append(append([]Tensor{}, tensors...), Tensor{Shape: []int{half}, Values: tensors[0].Values[half:]})
	out := newStream().int(len(all)).stop()
	for i, x := range all {
		s := newStream().op('(').long(tarKey(i, false)).long(tarKey(i, true))
		place := TarInTensor
		if i > 0 {
			place = "no second time"
		}
		t.attack(s, place, func(s *stream) { s.global("torch", "FloatTensor") })
		out = append(out, s.op('t').stop()...)
		out = binary.LittleEndian.AppendUint64(out, uint64(len(x.Shape)))
		for _, ns := range [][]int{x.Shape, x.strides(), {0}} {
			for _, n := range ns {
				out = binary.LittleEndian.AppendUint64(out, uint64(n))
			}
		}
	}
	return out
}
