"""What CPython's own unpicklers do with a stream, for comparison with package opcodes.

Called with two paths, it reads cases from the first, each a length of four bytes (little endian) and the pickle, and
writes a line of JSON for each to the second: for every reader a list of what it did, in order, whether it reached STOP, and the exception if not. Nothing that a pickle
names is imported or called: names resolve to inert classes that note what is done to them, so that execution goes on.

With --seeds it prints pickles of the standard library's types instead, in hexadecimal, one a line.
With --compat it prints _compat_pickle's tables as JSON.

Labels are bytes, each as one character. Runs with Python 3.6 to 3.14, and with 2.7 (readers py2 and c2).
"""

import io
import json
import struct
import sys

try:
    import copyreg
    import pickle
    PYTHON2 = False
except ImportError:
    import copy_reg as copyreg
    import pickle
    import cPickle
    PYTHON2 = True

done = []       # what the reader at work has done: [kind, label]
position = None  # the offset it stands at, or None where that cannot be told


def note(kind, label):
    done.append([kind, label, position() if position else -1])


class Inert(type):
    """The type of everything that a name or a call gives: a class that takes whatever a stream does to it."""

    def __call__(cls, *args, **kwargs):
        note("call", cls.label)
        return inert("result")

    def __setstate__(cls, state):
        note("build", cls.label)

    def __setitem__(cls, key, value):
        note("setitem", cls.label)

    def extend(cls, items):
        if items:
            note("append", cls.label)

    def append(cls, item):
        note("append", cls.label)

    def add(cls, item):
        note("add", cls.label)

    def __iter__(cls):
        return iter(())

    def keys(cls):
        return []

    def __getitem__(cls, key):
        raise KeyError(key)


def new(cls, *args, **kwargs):
    note("call", cls.label)
    return inert("result")


def inert(label):
    return type.__new__(Inert, "inert", (object,), {"label": label, "__new__": new})


def resolve(module, name):
    if module == "trustfs_extension":
        note("extension", name)
        return inert("extension " + name)
    label = text(module) + ":" + text(name)
    note("global", label)
    return inert(label)


def text(s):
    """The bytes of a name, each as one character, so that JSON carries what is no Unicode."""
    return (s if isinstance(s, bytes) else s.encode("utf-8", "surrogatepass")).decode("latin-1")


def persistent(pid):
    note("persistent", "")
    return inert("persistent")


class Whole(object):
    """A file whose peek shows everything: the C unpickler then has the stream in one piece, as loads has."""

    def __init__(self, data):
        self.file = io.BytesIO(data)
        self.read, self.readline = self.file.read, self.file.readline
        self.readinto = self.file.readinto

    def peek(self, n):
        at = self.file.tell()
        data = self.file.read()
        self.file.seek(at)
        return data


def buffers():
    return [bytearray(b"x") for _ in range(64)]


def readers3(data):
    class C(pickle.Unpickler):
        def find_class(self, module, name):
            return resolve(module, name)

        def persistent_load(self, pid):
            return persistent(pid)

    class Py(pickle._Unpickler):
        def find_class(self, module, name):
            return resolve(module, name)

        def persistent_load(self, pid):
            return persistent(pid)

    more = {"buffers": buffers()} if sys.version_info >= (3, 8) else {}

    def py3():
        f = io.BytesIO(data)
        u = Py(f, encoding="latin-1", **more)

        def tell():
            frame = u._unframer.current_frame
            return f.tell() - (len(frame.getbuffer()) - frame.tell() if frame else 0)
        global position
        position = tell
        u.load()

    yield "c3", lambda: C(Whole(data), encoding="latin-1", **more).load()
    yield "cfile", lambda: C(io.BytesIO(data), encoding="latin-1", **more).load()
    yield "py3", py3
    yield "c3bytes", lambda: C(Whole(data), encoding="bytes", **more).load()


def readers2(data):
    def py2():
        global position
        f = io.BytesIO(data)
        u = pickle.Unpickler(f)
        u.find_class, u.persistent_load = resolve, persistent
        position = f.tell
        u.load()

    def c2():
        global position
        f = io.BytesIO(data)
        u = cPickle.Unpickler(f)
        u.find_global, u.persistent_load = resolve, persistent
        position = f.tell
        u.load()

    yield "py2", py2
    yield "c2", c2


def judge(data):
    global position
    out = {}
    for name, load in (readers2 if PYTHON2 else readers3)(data):
        del done[:]
        position = None
        copyreg.clear_extension_cache()
        error = ""
        try:
            load()
        except BaseException as e:  # whatever a stream provokes is an answer
            error = type(e).__name__ + ": " + repr(e)[:150]
        out[name] = {"did": list(done), "error": error}
    return out


def cases(source, target):
    for code in range(1, 256):
        copyreg.add_extension("trustfs_extension", str(code), code)
    with open(source, "rb") as cases, open(target, "w") as answers:
        while True:
            head = cases.read(4)
            if len(head) < 4:
                return
            data = cases.read(struct.unpack("<I", head)[0])
            answers.write(json.dumps(judge(data)) + "\n")


def seeds():
    import array
    import collections
    import datetime
    import decimal
    import fractions
    shared = [1, "two"]
    values = [
        None, True, 0, 1, -1, 255, 65535, 2**31 - 1, -2**31, 2**63, -2**100, 10**400, 1.5, float("inf"), "text", u"gr\xfc\xdf \u20ac",
        b"bytes", b"\x00\xff" * 200, "x" * 300, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1, "a"], {}, {"k": [1]},
        set(), set([1, 2]), frozenset([3]), shared, [shared, shared], {"a": {"b": {"c": (1, [2])}}},
        list(range(2000)), dict((str(i), i) for i in range(1100)), collections.OrderedDict([("a", 1)]),
        collections.defaultdict(list, {"a": [1]}), collections.deque([1, 2], 5), collections.Counter("aab"),
        datetime.datetime(2020, 1, 2, 3, 4, 5), datetime.timedelta(1), decimal.Decimal("1.25"), fractions.Fraction(1, 3),
        len, print_like(), complex(1, 2), range(3), slice(1, 2), bytearray(b"abc"), array.array("d", [1.0]), ValueError("x"),
    ]
    recursive = []
    recursive.append(recursive)
    values.append(recursive)
    for v in values:
        for proto in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                data = pickle.dumps(v, proto)
            except Exception:
                continue
            print("".join("%02x" % b for b in bytearray(data)))


def print_like():
    return getattr(collections_abc(), "OrderedDict").fromkeys


def collections_abc():
    import collections
    return collections


def compat():
    import _compat_pickle as c
    pairs = lambda d: sorted([list(k), list(v)] for k, v in d.items())
    print(json.dumps({
        "modules": c.IMPORT_MAPPING, "names": pairs(c.NAME_MAPPING),
        "former_modules": c.REVERSE_IMPORT_MAPPING, "former_names": pairs(c.REVERSE_NAME_MAPPING),
    }))


if __name__ == "__main__":
    if sys.argv[-1] == "--seeds":
        seeds()
    elif sys.argv[-1] == "--compat":
        compat()
    else:
        cases(sys.argv[-2], sys.argv[-1])
