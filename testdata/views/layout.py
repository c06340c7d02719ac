"""Writes a torch zip anew as later versions of torch lay it out (torch/serialization.py, caffe2/serialize/inline_container.cc):
more records, storages aligned by padding in the local header's extra field, the sizes in a descriptor behind each record.
"""
import pickle, struct, zipfile, zlib

import torch

ALIGNMENT = 64


def storages(path):
    """The element type of each storage of a file that this program has written."""
    types = {}

    class Reader(pickle.Unpickler):
        def persistent_load(self, saved):
            types[saved[2]] = saved[1].dtype
            return torch.tensor([], dtype=saved[1].dtype).storage()

    with zipfile.ZipFile(path) as z:
        root = z.namelist()[0].split("/")[0]
        Reader(z.open(root + "/data.pkl")).load()
    return types


def swapped(data, dtype):
    """The bytes of a storage as a big-endian machine writes them. The halves of complex numbers are swapped apart."""
    width = torch.tensor([], dtype=dtype).element_size() // (2 if dtype.is_complex else 1)
    out = bytearray(len(data))
    for i in range(width):
        out[i::width] = data[width - 1 - i :: width]
    return bytes(out)


class Writer:
    def __init__(self, path, zip64):
        self.file, self.zip64, self.central = open(path, "wb"), zip64, []

    def add(self, name, data):
        name, at = name.encode(), self.file.tell()
        extra = struct.pack("<HHQQ", 1, 16, len(data), len(data)) if self.zip64 else b""
        begin = at + 30 + len(name) + len(extra) + 4
        padding = -begin % ALIGNMENT
        extra += b"FB" + struct.pack("<H", padding) + b"Z" * padding
        size, crc = 0xFFFFFFFF if self.zip64 else len(data), zlib.crc32(data)
        self.file.write(struct.pack("<IHHHHHIIIHH", 0x04034B50, 0, 0x0808, 0, 0, 0, 0, size if self.zip64 else 0, size if self.zip64 else 0,
                                    len(name), len(extra)) + name + extra)
        assert self.file.tell() % ALIGNMENT == 0
        self.file.write(data)
        self.file.write(struct.pack("<IIQQ" if self.zip64 else "<IIII", 0x08074B50, crc, len(data), len(data)))
        more = struct.pack("<HHQQQ", 1, 24, len(data), len(data), at) if self.zip64 else b""
        self.central.append(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 0, 0, 0x0808, 0, 0, 0, crc, size, size, len(name), len(more), 0, 0, 0, 0,
                                        0xFFFFFFFF if self.zip64 else at) + name + more)

    def close(self):
        at, directory, n = self.file.tell(), b"".join(self.central), len(self.central)
        self.file.write(directory)
        self.file.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 0x031E, 45, 0, 0, n, n, len(directory), at))
        self.file.write(struct.pack("<IIQI", 0x07064B50, 0, at + len(directory), 1))
        limit = 0xFFFFFFFF if self.zip64 else at
        self.file.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, n, n, len(directory), limit, 0))
        self.file.close()


def rewrite(source, target, root, order, zip64):
    types = storages(source)
    with zipfile.ZipFile(source) as z:
        was = z.namelist()[0].split("/")[0]
        out = Writer(target, zip64)
        out.add(root + "/data.pkl", z.read(was + "/data.pkl"))
        out.add(root + "/.format_version", b"1")
        out.add(root + "/.storage_alignment", b"%d" % ALIGNMENT)
        out.add(root + "/byteorder", order.encode())
        for name in z.namelist():
            if name.startswith(was + "/data/"):
                key = name.split("/")[-1]
                out.add(root + "/data/" + key, swapped(z.read(name), types[key]) if order == "big" else z.read(name))
        out.add(root + "/version", b"3\n")
        out.add(root + "/.data/serialization_id", b"1234567890" * 4)
        out.close()
