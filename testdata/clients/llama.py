"""llama.cpp answers a prompt. Usage: llama.py MODEL mmap|none|direct_io; prints the answer alone."""
import sys

import xllamacpp as x

p = x.CommonParams()
p.model.path = sys.argv[1]
p.n_ctx, p.n_parallel, p.cpuparams.n_threads = 256, 1, 1
p.load_mode = x.llama_load_mode["LLAMA_LOAD_MODE_" + sys.argv[2].upper()]
p.warmup = False
r = x.Server(p).handle_completions({"prompt": "The capital of France is", "n_predict": 8, "temperature": 0})
print("ANSWER" + r["choices"][0]["text"])
