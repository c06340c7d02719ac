// Package mount puts a FUSE filesystem in its place and takes it off again, so that no reader ever falls through to the
// directory beneath.
//
// A filesystem is attached only when its daemon answers already (fsopen, fsmount, then move_mount; see fsopen(2)). What
// stands in its place from before, the mount of a killed daemon or a guard, is never taken off first: the new mount goes
// beneath it (MOVE_MOUNT_BENEATH, Linux 6.5), and then the old one goes. Where the kernel is older, the new one goes on
// top, and the old one stays beneath.
package mount
