package provenance

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// soundStamps are the filesystems in which every change of a folder's names changes the folder's timestamps, as this host
// sees them, at once: local ones, whose code in the kernel says so. Of a FUSE filesystem its daemon answers, and may answer
// what it likes; network filesystems keep attributes for seconds; overlayfs passes on what lies beneath it, which may be
// any of these; FAT and its like stamp folders seldom. See statfs(2) for the numbers.
var soundStamps = []int64{
	unix.EXT4_SUPER_MAGIC, // ext2 and ext3 too
	unix.XFS_SUPER_MAGIC,
	unix.BTRFS_SUPER_MAGIC,
	unix.F2FS_SUPER_MAGIC,
	unix.TMPFS_MAGIC,
	0x2fc12fc1, // ZFS, which is not of the kernel's own tree
}

// soundlyStamped says whether an open folder lies on such a filesystem. What cannot be told does not.
func soundlyStamped(dir *os.File) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(int(dir.Fd()), &st) == nil && slices.Contains(soundStamps, int64(st.Type))
}
