// Package fs is the FUSE tree: names, nodes, opens, reads, extended attributes and the .trustfs directory.
//
// It decides nothing: whether a file may be served is the Gate's answer, asked at each open. What it does promise:
//
//   - Bytes read are bytes judged. An admitted file is read through integrity.Reader alone, into private memory, and that
//     very memory is the answer. A difference is EIO.
//   - One node is one content version at one path. The kernel's page cache belongs to a node, so two versions never share
//     one. An open of a node whose file has changed answers ESTALE: the kernel looks the name up again, finds the new
//     node, and the reader notices nothing.
//   - Nothing outside the tree is reachable. Names resolve below one descriptor (internal/beneath), and a link is handed
//     to the kernel only as a relative path that stays inside the mount.
//   - Listing never judges, writing is EROFS, and no answer is ever ENOSYS: the kernel takes that for "this filesystem
//     has no open" and never asks again. errno.go is the one place where an error becomes an errno.
//
// The tree implements go-fuse's RawFileSystem with types of its own: its node identifiers are never reused, so that the
// rule about nodes is visible in one table (node.go), and no operation is inherited (operations_test.go).
//
// The daemon must never touch its own mount. Nothing here opens a path below the mountpoint while it serves.
package fs
