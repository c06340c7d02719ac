"""Makes the models that bench reads. Usage: inputs.py large DIR MIB | bert DIR"""
import os
import sys


def large(top: str, mib: int) -> None:
    """The same tensors of 16 MiB as a pickle and as safetensors. Random bits: nothing on the way may compress them."""
    import numpy as np
    import torch
    from safetensors.torch import save_file

    rng = np.random.default_rng(1)
    state = {}
    for i in range(mib // 16):
        bits = rng.integers(0, 1 << 62, size=(16 << 20) // 8, dtype=np.int64)
        state["model.layers.%d.weight" % i] = torch.from_numpy(bits.view(np.float32).reshape(2048, 2048))
    for sub in ("pickled", "safe"):
        os.makedirs(os.path.join(top, sub))
    torch.save(state, os.path.join(top, "pickled", "pytorch_model.bin"))
    save_file(state, os.path.join(top, "safe", "model.safetensors"), metadata={"format": "pt"})


def bert(top: str) -> None:
    """A BERT of the usual size (110 million parameters, 438 MB) as two folders."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(7)
    model = BertModel(BertConfig())
    model.save_pretrained(os.path.join(top, "pickled"), safe_serialization=False)
    model.save_pretrained(os.path.join(top, "safe"), safe_serialization=True)


if __name__ == "__main__":
    if sys.argv[1] == "large":
        large(sys.argv[2], int(sys.argv[3]))
    else:
        bert(sys.argv[2])
