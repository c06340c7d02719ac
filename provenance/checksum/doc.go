// Package checksum reads lists of SHA-256 digests, in the forms that people have them in, and looks names up in them.
//
// Lists are hostile input: the caller caps their size, a line that is none of the known forms is reported and never
// skipped in silence, and a name listed twice with two digests matches nothing.
package checksum
