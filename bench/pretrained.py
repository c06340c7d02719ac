"""Times BertModel.from_pretrained over folders in turn. Usage: pretrained.py ROUNDS fresh|kept FOLDER=BACKING...

Prints the best time of each folder in seconds, one a line. fresh: before each load the kernel forgets what it holds of the
folder's file, and holds all of BACKING, the file that its bytes come from."""
import glob
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import BertModel, logging

logging.set_verbosity_error()


def load(folder: str) -> float:
    start = time.perf_counter()
    model = BertModel.from_pretrained(folder)
    took = time.perf_counter() - start
    assert sum(p.numel() for p in model.parameters()) > 100_000_000
    return took


def forget(folder: str, backing: str) -> None:
    for name in glob.glob(os.path.join(folder, "*.safetensors")):
        with open(name, "rb") as f:
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with open(backing, "rb", buffering=0) as f:
        while f.read(1 << 22):
            pass


def main() -> None:
    rounds, fresh = int(sys.argv[1]), sys.argv[2] == "fresh"
    folders = [a.split("=") for a in sys.argv[3:]]
    best = [float("inf")] * len(folders)
    for turn in range(rounds + 1):
        for i, (folder, backing) in enumerate(folders):
            if fresh:
                forget(folder, backing)
            took = load(folder)
            if turn > 0:  # the first warms up
                best[i] = min(best[i], took)
    for b in best:
        print(b)


main()
