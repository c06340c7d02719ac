package gen

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"strconv"
)

// TorchZip is a state dict as torch.save has written it since 1.6: a zip of stored members. With a marker, the pickle also
// runs `touch marker` when it is loaded; the tensors are there all the same.
func TorchZip(tensors []Tensor, marker string) []byte {
	return torchZip(stateDict(tensors, marker, false), tensors)
}

// TorchZipBehind is a state dict whose pickle another one stands in front of, as tools inject code: both are run when it is
// loaded, and what the first gives is dropped.
func TorchZipBehind(tensors []Tensor, first []byte) []byte {
	pickle := append(bytes.Clone(first[:len(first)-1]), '0') // POP in the place of STOP
	return torchZip(append(pickle, stateDict(tensors, "", false)...), tensors)
}

func torchZip(pickle []byte, tensors []Tensor) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	add := func(name string, data []byte) {
		m, err := w.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err == nil {
			_, err = m.Write(data)
		}
		if err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	add("data.pkl", pickle)
	add("byteorder", []byte("little"))
	for i, t := range tensors {
		add("data/"+strconv.Itoa(i), t.Bytes())
	}
	add("version", []byte("3\n"))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func stateDict(tensors []Tensor, marker string, legacy bool) []byte {
	s := newStream().op('}', '(')
	for i, t := range tensors {
		s.text(t.Name).tensor(t, strconv.Itoa(i), legacy)
	}
	if marker != "" {
		s.text("step").call("posix", "system", "touch '"+marker+"'")
	}
	return s.op('u').stop()
}

// torchMagic is 0x1950a86a20f9469cfc6c as LONG1 takes it: little-endian, ten bytes. See torch/serialization.py.
var torchMagic = []byte{0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19}

// TorchLegacy is a state dict as torch.save wrote it before 1.6: five pickles, then the storages.
func TorchLegacy(tensors []Tensor, marker string) []byte {
	out := newStream().op(torchMagic...).stop()
	out = append(out, newStream().int(1001).stop()...)
	info := newStream().op('}', '(')
	info.text("protocol_version").int(1001)
	info.text("little_endian").op(0x88)
	info.text("type_sizes").op('}', '(').text("short").int(2).text("int").int(4).text("long").int(4).op('u')
	out = append(out, info.op('u').stop()...)
	out = append(out, stateDict(tensors, marker, true)...)
	keys := newStream().op(']', '(')
	for i := range tensors {
		keys.text(strconv.Itoa(i))
	}
	out = append(out, keys.op('e').stop()...)
	for _, t := range tensors {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(t.Values)))
		out = append(out, t.Bytes()...)
	}
	return out
}
