"""torch and safetensors read the sample tree through a mount as they read it directly, and are refused what is hostile.
Usage: readers.py PLAIN MOUNT"""
import pathlib
import pickle
import sys

import numpy
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

PLAIN, MOUNT = map(pathlib.Path, sys.argv[1:3])


def same(a, b, what):
    assert a.keys() == b.keys() and len(a) > 0, what
    for name in a:
        assert a[name].dtype == b[name].dtype and torch.equal(a[name], b[name]), (what, name)


for name in ("bert-tiny/pytorch_model.bin", "old/legacy.pt"):
    same(torch.load(PLAIN / name), torch.load(MOUNT / name), name)

name = "bert-tiny/model.safetensors"
same(safetensors.torch.load_file(PLAIN / name), safetensors.torch.load_file(MOUNT / name), name)
with safetensors.safe_open(MOUNT / name, "pt") as f:  # mapped, one tensor at a time
    whole = safetensors.torch.load_file(PLAIN / name)
    for key in f.keys():
        assert torch.equal(f.get_tensor(key), whole[key])
assert numpy.array_equal(safetensors.numpy.load_file(MOUNT / name)["layer.0.bias"], whole["layer.0.bias"].numpy())
same(safetensors.torch.load_file(PLAIN / name), safetensors.torch.load_file(MOUNT / "odd/link.safetensors"), "by a link")

assert pickle.loads((MOUNT / "old/metadata.pkl").read_bytes()) == {"epochs": 3, "name": "tiny"}

refused = 0
for path in sorted(PLAIN.glob("hostile/*")) + sorted(PLAIN.glob("broken/*.safetensors")):
    there = MOUNT / path.relative_to(PLAIN)
    for read in (torch.load, lambda p: pickle.load(open(p, "rb")), numpy.load):
        try:
            read(there)
        except PermissionError:
            refused += 1
        else:
            raise AssertionError(f"{path} was served")
    try:  # the library reports every failure to open as one to find: it must fail, and the file must be there
        safetensors.torch.load_file(there)
    except (OSError, safetensors.SafetensorError):
        assert there.exists()
    else:
        raise AssertionError(f"{path} was served")
assert refused >= 9, refused
print("ok", refused)
