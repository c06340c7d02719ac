// Package spool keeps what compressed sources of views inflate to, once, in files that have no name.
//
// The bytes come from a jailed worker. They are hashed on their way to the disk, into a Manifest, and are read back through
// integrity.Reader alone: what the disk makes of them afterwards is noticed. The files are made without a name (O_TMPFILE) in
// a directory of the daemon's own, so that nobody finds them by a path, and a daemon that dies leaves none behind.
//
// A Spool is bounded. What nobody reads makes room for what is wanted, the longest unread first; where that is not enough,
// or the disk is full, there is no content, and an error that says so.
package spool
