// Package integrity carries the promise that bytes read are bytes judged.
//
// One pass over a file makes a Manifest: its SHA-256 (the digest that verdicts, pins and signatures speak of) and one
// BLAKE3 leaf for each 128 KiB. From then on nobody reads the file except through a Reader, which reads into private
// memory, checks the chunk against its leaf, and hands out that very memory: a file that changes under the analysis, under
// a view or under a served read is caught by the same few lines, whoever writes to it and however (pwrite, truncate,
// a store into a shared mapping that changes no timestamp).
//
// The package opens nothing and decides nothing: it takes an io.ReaderAt or a descriptor number, and says what it found.
package integrity
