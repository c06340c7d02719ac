"""Makes a safetensors file of a pickle as torch and safetensors do it. Usage: convert.py IN OUT

Prints seconds: of the imports, of torch.load, of save_file, and until the disk has it."""
import os
import sys
import time

start = time.perf_counter()
import torch
from safetensors.torch import save_file

imported = time.perf_counter()
state = torch.load(sys.argv[1], map_location="cpu")
loaded = time.perf_counter()
save_file(state, sys.argv[2], metadata={"format": "pt"})
saved = time.perf_counter()
with open(sys.argv[2], "rb") as f:
    os.fsync(f.fileno())
print(imported - start, loaded - imported, saved - loaded, time.perf_counter() - saved)
