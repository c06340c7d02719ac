"""Makes small, really trained-shaped models with transformers: a BERT folder saved as safetensors, one saved as pickle,
and a Hugging Face cache that holds both. Usage: make_models.py DIR"""
import hashlib
import os
import pathlib
import sys

import torch
from transformers import BertConfig, BertModel, BertTokenizer

REVISION = "0123456789abcdef0123456789abcdef01234567"


def save(folder: pathlib.Path, safe: bool) -> None:
    torch.manual_seed(7)
    config = BertConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                        max_position_embeddings=32)
    BertModel(config).save_pretrained(folder, safe_serialization=safe)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"w{i}" for i in range(59)]
    vocabulary = folder / "words.txt"
    vocabulary.write_text("\n".join(words) + "\n")
    BertTokenizer(str(vocabulary)).save_pretrained(folder)
    vocabulary.unlink()


def blob_name(data: bytes, large: bool) -> str:
    if large:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def cache(hub: pathlib.Path, name: str, folder: pathlib.Path) -> None:
    """The layout that huggingface_hub keeps: blobs by digest, and a snapshot of links to them."""
    repo = hub / ("models--acme--" + name)
    for sub in ("blobs", "refs", "snapshots/" + REVISION):
        (repo / sub).mkdir(parents=True)
    (repo / "refs/main").write_text(REVISION)
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        blob = blob_name(data, path.suffix in (".safetensors", ".bin"))
        (repo / "blobs" / blob).write_bytes(data)
        os.symlink("../../blobs/" + blob, repo / "snapshots" / REVISION / path.name)


def main() -> None:
    top = pathlib.Path(sys.argv[1])
    save(top / "bert-safetensors", True)
    save(top / "bert-pickle", False)
    cache(top / "hub", "tiny", top / "bert-safetensors")
    cache(top / "hub", "tiny-pickle", top / "bert-pickle")


main()
