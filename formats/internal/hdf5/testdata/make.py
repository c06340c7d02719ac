"""Writes the HDF5 files of this folder with h5py (3.16, HDF5 2.0): python make.py"""

import os

import h5py
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
CONFIG = '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 1}}]}}'


def model(name, **options):
    with h5py.File(os.path.join(here, name), "w", **options) as f:
        f.attrs["model_config"] = CONFIG
        f.attrs["keras_version"] = b"2.15.0"
        f.attrs["numbers"] = np.arange(3)
        f.attrs["names"] = np.array([b"dense_1", b"dense_2"])
        f.attrs["texts"] = np.array(["one", "two"], dtype=h5py.string_dtype())
        g = f.create_group("model_weights/dense_1")
        g.attrs["weight_names"] = np.array([b"kernel:0"])
        g.create_dataset("kernel:0", data=np.zeros((2, 3), "f4"))
        g.create_dataset("packed", data=np.zeros(100, "f4"), compression="gzip")
        f["soft"] = h5py.SoftLink("/model_weights")


model("earliest.h5", libver="earliest")
model("latest.h5", libver="latest")
model("default.h5")
model("ordered.h5", track_order=True)
model("userblock.h5", userblock_size=512)

with h5py.File(os.path.join(here, "dense.h5"), "w", libver="latest") as f:
    for i in range(150):
        f.create_group(f"group_{i}")
    for i in range(150):
        f["group_7"].attrs[f"attr_{i}"] = f"value {i} " + "x" * (i % 300)
    f["group_149"].attrs["model_config"] = CONFIG

with h5py.File(os.path.join(here, "external.h5"), "w") as f:
    f["away"] = h5py.ExternalLink("/etc/other.h5", "/data")
    f.create_dataset("raw", (4,), "u1", external=[("/etc/passwd", 0, 4)])
    layout = h5py.VirtualLayout(shape=(4,), dtype="u1")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "data", shape=(4,))
    f.create_virtual_dataset("virtual", layout)
