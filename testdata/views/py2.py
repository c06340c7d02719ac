"""Pickles as Python 2 wrote them: str is bytes, by STRING, SHORT_BINSTRING and BINSTRING, and names are Python 2's.

They are loaded with pickle.load(f, encoding="latin1"), as numpy's users do.
"""
import pickle, struct


class Pickler(pickle._Pickler):
    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        self.save_str8(value)
        self.memoize(value)

    def save_str(self, value):  # names of Python are str there, and so are most keys
        if not value.isascii():
            return pickle._Pickler.save_str(self, value)
        self.save_str8(value.encode("ascii"))
        self.memoize(value)

    def save_str8(self, value):
        if self.proto == 0:
            self.write(pickle.STRING + repr(value)[1:].encode("ascii") + b"\n")
        elif len(value) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(value)]) + value)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)

    dispatch[bytes] = save_bytes
    dispatch[str] = save_str


def dump(value, file, protocol):
    Pickler(file, protocol).dump(value)
