"""transformers loads folders and a Hugging Face cache through a mount, to the same numbers as directly.
Usage: HF_HUB_OFFLINE=1 pretrained.py PLAIN MOUNT"""
import pathlib
import sys

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

PLAIN, MOUNT = map(pathlib.Path, sys.argv[1:3])


def answer(name, **where):
    AutoConfig.from_pretrained(name, **where)
    tokens = AutoTokenizer.from_pretrained(name, **where)("w1 w2 w3", return_tensors="pt")
    model = AutoModel.from_pretrained(name, **where).eval()
    with torch.no_grad():
        return model(**tokens).last_hidden_state


for folder in ("bert-safetensors", "bert-pickle"):
    assert torch.equal(answer(PLAIN / folder), answer(MOUNT / folder)), folder
for name in ("acme/tiny", "acme/tiny-pickle"):
    assert torch.equal(answer(name, cache_dir=PLAIN / "hub"), answer(name, cache_dir=MOUNT / "hub")), name
print("ok")
