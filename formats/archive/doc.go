// Package archive opens containers: zip, tar, 7z and the single-stream compressions, so that every member is inspected
// as the loader that reaches it would see it.
//
// Loaders disagree about the same archive. Python's zipfile takes the last end record and corrects offsets by what it
// finds in front; miniz, inside torch, takes offsets as they stand and never looks at a local header's name, CRC or
// flags; streaming readers know nothing of the central directory. A reader that picks one view is blind to the others,
// which is how archives pass scanners (CVE-2025-1944, CVE-2025-1945, CVE-2025-10156). This package therefore parses by
// itself and keeps every reading: each disagreement is a finding, and the members of all readings are inspected.
//
// Decompressed bytes are never kept whole beyond a small bound: stored members are read in place, compressed ones through
// a reader that inflates again when somebody seeks back. All of it counts against the Context's Budget.
package archive
