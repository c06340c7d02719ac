// Package gen writes sample models in Go alone: small, valid, deterministic files of the common formats, and hostile ones
// whose payload is harmless: they would create one empty marker file and nothing else. No file here is ever loaded by the
// package itself; tests hand them to trustfs, and to real readers through a mount.
package gen
