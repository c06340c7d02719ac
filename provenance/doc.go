// Package provenance gathers what vouches for a file: checksum lists, the operator's pins, signatures and SBOMs, all for
// the digest that the one pass over the bytes gave. It states Evidence; what that costs is decided in gatekeeper.
//
// Sidecars (everything read from the tree) are hostile: they are read whole only below a cap, parsed strictly, and can
// convict a file but never acquit it. What acquits has its root outside the tree: a pin in the state directory, a list that
// the configuration names, a signature by a configured key or publisher.
//
// The sub-packages each know one kind of evidence, take bytes, and open nothing; this package finds the sidecars. It reads
// model bytes only for digests other than SHA-256 and for signatures over the bytes themselves, through the verified
// reader that it is given, and parses none.
package provenance
