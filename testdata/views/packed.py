"""Sources of views in compressed form, as numpy, torch and joblib read them: the same values as their plain forms."""
import os, zipfile

import numpy as np


def rezip(source, target, method, only=lambda name: True):
    """The members of a zip archive once more, those that only() names compressed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info.filename), method if only(info.filename) else zipfile.ZIP_STORED)


def write(directory, arrays):
    """Packs what is in directory again, and arrays (name: array) in every way that joblib has."""
    import joblib

    def at(name):
        return os.path.join(directory, name)

    for name, method in (("deflate", zipfile.ZIP_DEFLATED), ("bzip2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA)):
        rezip(at("arrays.npz"), at("arrays %s.npz" % name), method)
    big = {"noise": np.random.randn(700, 900), "turned": np.asfortranarray(np.random.randn(300, 500)), "zeros": np.zeros((1000, 1000), "f4")}
    np.savez_compressed(at("large packed.npz"), **big)
    for name in sorted(os.listdir(directory)):
        if name.endswith(".pt") and zipfile.is_zipfile(at(name)) and not name.endswith("deflated.pt") and (
                not name.startswith("random") or name.endswith("5.pt")):
            rezip(at(name), at(name[:-3] + " deflated.pt"), zipfile.ZIP_DEFLATED)
    rezip(at("module.pt"), at("pickle deflated.pt"), zipfile.ZIP_DEFLATED, lambda name: name.endswith("data.pkl"))
    for method in ("zlib", "gzip", "bz2", "lzma", "xz"):
        joblib.dump(arrays, at("dump %s.joblib" % method), compress=(method, 3))
    joblib.dump(big, at("packed large.joblib"), compress=3)
