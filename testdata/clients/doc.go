// Package clients drives real, unmodified readers through a real mount: torch, safetensors, transformers, llama.cpp and
// the usual tools. scripts/clients gets them and sets TRUSTFS_CLIENTS; without it the tests skip, loudly.
package clients
