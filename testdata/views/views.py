"""Writes sources of views with torch, numpy and joblib, and compares their views with what those libraries load.

    views.py write DIR N     N random nested state dicts, and one file for each special case
    views.py check DIR       every X.safetensors in DIR against the source that it is a view of
    views.py mounted DIR MNT the views in MNT, a mount of DIR that hides the sources
    views.py models DIR      pickle-only transformers folders, sharded and not, and a Hugging Face cache of one
    views.py pretrained DIR MNT
                             transformers loads those from both, to the same numbers
    views.py load DIR...     transformers loads each, and prints a digest of what the model says

Only files that this program has written itself are ever loaded with a pickle loader.
"""
import collections, hashlib, json, os, random, sys

import numpy as np
import torch

import layout, packed, py2, tarform
import safetensors
import safetensors.torch

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
          torch.uint8, torch.bool, torch.complex64]


def tensor(rng, dtype=None):
    dtype = dtype or rng.choice(DTYPES)
    shape = [rng.randrange(0, 6) for _ in range(rng.randrange(0, 4))]
    if dtype is torch.bool:
        t = torch.randint(0, 2, shape).bool()
    elif dtype is torch.complex64:
        t = torch.complex(torch.randn(shape), torch.randn(shape))
    elif dtype.is_floating_point:
        t = torch.randn(shape, dtype=torch.float32).to(dtype)
    else:
        t = torch.randint(0, 100, shape).to(dtype)
    for _ in range(rng.randrange(0, 3)):
        kind = rng.randrange(6)
        if kind == 0 and t.dim() >= 2:
            t = t.transpose(0, t.dim() - 1)
        elif kind == 1 and t.dim() >= 1 and t.shape[0] > 1:
            t = t[1:]
        elif kind == 2 and t.dim() >= 1:
            t = t[..., ::2]
        elif kind == 3:
            t = t.unsqueeze(0).expand([3] + list(t.shape))
        elif kind == 4 and t.dim() >= 1:
            t = t.narrow(t.dim() - 1, 0, t.shape[-1])
        elif kind == 5 and t.dim() >= 2:
            t = t.permute(*reversed(range(t.dim())))
    return t


def state(rng, depth=0, pool=None):
    pool = pool if pool is not None else []
    out = collections.OrderedDict() if rng.random() < 0.5 else {}
    for i in range(rng.randrange(1, 5)):
        key = rng.choice(["w", "bias", "layer.%d" % i, "ünï", "k%d" % i]) + str(i)
        kind = rng.random()
        if kind < 0.5 or depth > 2:
            t = tensor(rng)
            pool.append(t)
            out[key] = torch.nn.Parameter(t) if t.dtype.is_floating_point and rng.random() < 0.3 else t
        elif kind < 0.6 and pool:
            out[key] = rng.choice(pool)
        elif kind < 0.8:
            out[key] = state(rng, depth + 1, pool)
        elif kind < 0.9:
            out[key] = [tensor(rng), 3, "x", (tensor(rng), None)]
        else:
            out[rng.choice([i, key])] = rng.choice([1, 2.5, "text", None, True, b"bytes"])
    return out


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(4, 3)
        self.b = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2, bias=False))
        self.register_buffer("kept", torch.arange(5))
        self.register_buffer("transient", torch.arange(7), persistent=False)
        self.a2 = self.a


def special(directory):
    big = torch.randn(3, 700, 900)
    shared = torch.arange(100).float()
    net = Net()
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.zeros(2, 4)) if False else None
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    cases = {
        "module": net.state_dict(),
        "optimizer": {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3},
        "single": torch.randn(3, 4).t(),
        "scalars": {"zero-d": torch.tensor(3.5), "empty": torch.empty(0), "empty3": torch.empty(2, 0, 3)},
        "views": {"all": shared, "tail": shared[50:], "even": shared[::2], "matrix": shared.view(10, 10).t()},
        "large": {"t": big.transpose(0, 2), "p": big.permute(1, 2, 0), "s": big[:, ::3, ::-1 if False else 1]},
        "whole": torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.GRU(3, 2)),
        "objects": {"packed": torch.nn.utils.rnn.pack_sequence([torch.ones(3), torch.zeros(2)]), "normal": torch.distributions.Normal(
            torch.zeros(2), torch.ones(2)), "after": torch.ones(1)},
        "all dtypes": {str(d): tensor(random.Random(3), d) for d in DTYPES},
    }
    for name, value in cases.items():
        torch.save(value, os.path.join(directory, name + ".pt"))
        tarform.save(value, os.path.join(directory, name + " tar.pt"), random.Random(name))
        for order in ("little", "big"):
            layout.rewrite(os.path.join(directory, name + ".pt"), os.path.join(directory, name + " newer " + order + ".pt"), name, order, order == "big")
        torch.save(value, os.path.join(directory, name + " legacy.pt"), _use_new_zipfile_serialization=False)
    for protocol in range(6):
        if protocol > 0:  # torch's persistent ids are no text, as protocol 0 wants them
            torch.save(cases["module"], os.path.join(directory, "protocol%d.pt" % protocol), pickle_protocol=protocol)
            torch.save(cases["views"], os.path.join(directory, "legacy protocol%d.pt" % protocol), pickle_protocol=protocol,
                       _use_new_zipfile_serialization=False)
        np_case = {"c": np.random.randn(3, 4), "f": np.asfortranarray(np.random.randn(5, 6).astype("f4")), "big endian": np.arange(9, dtype=">i4"),
                   "zero-d": np.array(1.5), "empty": np.zeros((0, 3), "i8"), "bools": np.array([True, False]),
                   "bytes": np.arange(2000, dtype="u1"), "text": np.frombuffer(b"\\n\n\r\x1a\0'\"\\u0041 \\x41\\", "u1")}
        import pickle
        with open(os.path.join(directory, "numpy%d.pkl" % protocol), "wb") as f:
            pickle.dump(np_case, f, protocol=protocol)
        if protocol < 3:
            with open(os.path.join(directory, "numpy py2 %d.pkl" % protocol), "wb") as f:
                py2.dump(np_case, f, protocol)
    np.savez(os.path.join(directory, "arrays.npz"), **np_case)
    np.savez_compressed(os.path.join(directory, "packed.npz"), **np_case)
    np.save(os.path.join(directory, "one.npy"), np.asfortranarray(np.random.randn(4, 7)))
    import joblib
    joblib.dump(np_case, os.path.join(directory, "dump.joblib"))
    packed.write(directory, np_case)
    for protocol in range(1, 6):  # text that stands for bytes is decoded where it lies, not in compressed members
        torch.save({"torch": torch.ones(2), "numpy": np.arange(300)}, os.path.join(directory, "both%d.pt" % protocol), pickle_protocol=protocol)


def write(directory, n):
    torch.manual_seed(n)
    np.random.seed(n)
    rng = random.Random(n)
    for i in range(n):
        source, value, zipped = os.path.join(directory, "random%04d.pt" % i), state(rng), rng.random() < 0.7
        if i % 5 == 4:
            tarform.save(value, source, rng)
            continue
        torch.save(value, source, _use_new_zipfile_serialization=zipped)
        if zipped and i % 4 == 0:
            root, order = rng.choice(["archive", "my model", "modèle", "a.b"]), rng.choice(["little", "big"])
            layout.rewrite(source, source[:-3] + " newer " + order + ".pt", root, order, rng.random() < 0.3)
    special(directory)


def flatten(value, name, out):
    """The tensors of a loaded source, under the names that a view gives them."""
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value.astype(value.dtype.newbyteorder("="))).reshape(value.shape))
    if isinstance(value, torch.Tensor):
        out[name or "tensor"] = value
    elif isinstance(value, torch.nn.Module):
        flatten(value.state_dict(), name, out)
    elif isinstance(value, torch.distributions.Distribution):
        flatten(vars(value), name, out)
    elif isinstance(value, dict):
        for k, v in value.items():
            flatten(v, (name + "." if name else "") + str(k), out)
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value):
            flatten(v, (name + "." if name else "") + str(i), out)


def load(source):
    source = source.replace(" newer big", "")  # torch 1.13 knows nothing of the other byte order
    if source.endswith(".npz"):
        return dict(np.load(source))
    if source.endswith(".npy"):
        return {"array": np.load(source)}
    if source.endswith(".pkl"):
        import pickle
        with open(source, "rb") as f:
            return pickle.load(f, encoding="latin1" if " py2 " in source else "ASCII")
    if source.endswith(".joblib"):
        import joblib
        return joblib.load(source)
    return torch.load(source, weights_only=False)  # which only files of this program are loaded with


def same(a, b):
    a, b = a.detach().contiguous(), b.detach().contiguous()
    return a.dtype == b.dtype and a.shape == b.shape and bytes(a.flatten().view(torch.uint8).numpy() if a.numel() else b"") == bytes(
        b.flatten().view(torch.uint8).numpy() if b.numel() else b"")


def raw(t):
    if t.numel() == 0:
        return b""
    if t.dtype is torch.bool:
        return t.contiguous().to(torch.uint8).numpy().tobytes()
    if t.dtype is torch.bfloat16:
        return t.contiguous().view(torch.int16).numpy().tobytes()
    return t.contiguous().numpy().tobytes()


def check(directory):
    views = [v for v in sorted(os.listdir(directory)) if v.endswith(".safetensors")]
    return compare((os.path.join(directory, v[: -len(".safetensors")]), os.path.join(directory, v)) for v in views)


def mounted(directory, mount):
    """Views that are not there are counted: only a source without tensors has none."""
    pairs, without = [], []
    for source in sorted(os.listdir(directory)):
        view = os.path.join(mount, os.path.splitext(source)[0] + ".safetensors")
        assert not os.path.exists(os.path.join(mount, source)), source + " is not hidden"
        if os.path.exists(view):
            pairs.append((os.path.join(directory, source), view))
            continue
        want = {}
        flatten(load(os.path.join(directory, source)), "", want)
        if want:
            without.append(source)
    if without:
        print("no view of %s" % without)
    return compare(pairs) or len(without) > 0


WIDTHS = {"F64": 8, "I64": 8, "U64": 8, "C64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def rules(view, got):
    """The Rust crate's checks of a whole file (the Python package is its bindings), and the format's rules beside them:
    names once, tensors in order, without holes, from the first byte behind the header to the last, aligned."""
    with open(view, "rb") as f:
        data = f.read()
    assert {name for name, _ in safetensors.deserialize(data)} == set(got), "deserialize sees other names"
    size = int.from_bytes(data[:8], "little")
    names = []
    header = json.loads(data[8 : 8 + size], object_pairs_hook=lambda pairs: names.extend(k for k, _ in pairs) or dict(pairs))
    assert data[8:9] == b"{" and size % 8 == 0, "the header"
    assert sorted(n for n in names if n in got) == sorted(got), "a name twice"
    at = 0
    for name, entry in sorted(((n, e) for n, e in header.items() if n != "__metadata__"), key=lambda x: x[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        assert begin == at and begin % WIDTHS[entry["dtype"]] == 0, "%s begins at %d, the one before it ends at %d" % (name, begin, at)
        at = end
    assert 8 + size + at == len(data), "%d bytes behind the tensors" % (len(data) - 8 - size - at)


def compare(pairs):
    bad = checked = 0
    for source, view in pairs:
        want = {}
        flatten(load(source), "", want)
        try:
            with safetensors.safe_open(view, "pt") as f:
                got = {k: f.get_tensor(k) for k in f.keys()}
                metadata = f.metadata()
            rules(view, got)
        except Exception as e:
            print("%s: %s" % (view, e))
            bad += 1
            continue
        if metadata != {"format": "pt"}:
            print("%s: metadata %r" % (view, metadata))
            bad += 1
        if set(got) != set(want):
            print("%s: names differ: only there %s, only here %s" % (view, sorted(set(want) - set(got)), sorted(set(got) - set(want))))
            bad += 1
            continue
        for k in want:
            checked += 1
            a, b = want[k].detach(), got[k]
            if a.dtype != b.dtype or a.shape != b.shape or raw(a) != raw(b):
                print("%s: %s differs: %s %s, %s %s" % (view, k, a.dtype, tuple(a.shape), b.dtype, tuple(b.shape)))
                bad += 1
    print(json.dumps({"tensors": checked, "bad": bad}))
    return 1 if bad else 0


def models(top):
    from transformers import BertConfig, BertModel
    for name, shard in (("whole", "1GB"), ("sharded", "30KB")):
        torch.manual_seed(7)
        config = BertConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                            max_position_embeddings=32)
        BertModel(config).save_pretrained(os.path.join(top, name), safe_serialization=False, max_shard_size=shard)
    assert len([n for n in os.listdir(os.path.join(top, "sharded")) if n.endswith(".bin")]) > 2
    revision = "0123456789abcdef0123456789abcdef01234567"
    repo = os.path.join(top, "hub", "models--acme--tiny")
    for sub in ("blobs", "refs", "snapshots/" + revision):
        os.makedirs(os.path.join(repo, sub))
    with open(os.path.join(repo, "refs/main"), "w") as f:
        f.write(revision)
    for name in os.listdir(os.path.join(top, "whole")):
        with open(os.path.join(top, "whole", name), "rb") as f:
            data = f.read()
        blob = hashlib.sha256(data).hexdigest()
        with open(os.path.join(repo, "blobs", blob), "wb") as f:
            f.write(data)
        os.symlink("../../blobs/" + blob, os.path.join(repo, "snapshots", revision, name))


def answer(name, **where):
    from transformers import AutoModel
    model = AutoModel.from_pretrained(name, **where).eval()
    with torch.no_grad():
        return model(input_ids=torch.arange(10).reshape(1, 10)).last_hidden_state


def pretrained(plain, mount):
    seen = []
    opened = torch.load
    torch.load = lambda *args, **kwargs: seen.append(args) or opened(*args, **kwargs)
    for name in ("whole", "sharded"):
        here, before = answer(os.path.join(plain, name)), len(seen)
        assert before > 0
        assert torch.equal(here, answer(os.path.join(mount, name))), name
        assert len(seen) == before, "a pickle was loaded from the mount: %s" % seen[before:]
        assert not [n for n in os.listdir(os.path.join(mount, name)) if n.endswith(".bin")]
    here, before = answer("acme/tiny", cache_dir=os.path.join(plain, "hub")), len(seen)
    assert torch.equal(here, answer("acme/tiny", cache_dir=os.path.join(mount, "hub")))
    assert len(seen) == before, "a pickle was loaded from the mounted cache"
    print("ok")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1] == "check":
        sys.exit(check(sys.argv[2]))
    elif sys.argv[1] == "mounted":
        sys.exit(mounted(sys.argv[2], sys.argv[3]))
    elif sys.argv[1] == "models":
        models(sys.argv[2])
    elif sys.argv[1] == "pretrained":
        pretrained(sys.argv[2], sys.argv[3])
    elif sys.argv[1] == "load":
        for name in sys.argv[2:]:
            print(hashlib.sha256(answer(name).numpy().tobytes()).hexdigest(), name)
