package integrity

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Identity says which version of which file a descriptor leads to, as far as the kernel's bookkeeping goes. It decides
// whether a verdict is looked up, never whether a byte is served: a store into a mapped page that is dirty already changes
// no timestamp, and is caught by the Reader alone.
type Identity struct {
	Dev   uint64 // major<<32 | minor
	Ino   uint64
	Size  int64
	Mtime int64 // nanoseconds since the epoch
	Ctime int64 // nanoseconds since the epoch
	Btime int64 // nanoseconds since the epoch; 0 where the filesystem keeps none
}

// String is for logs and errors.
func (id Identity) String() string {
	return fmt.Sprintf("dev %d:%d inode %d size %d", id.Dev>>32, uint32(id.Dev), id.Ino, id.Size)
}

const identityMask = unix.STATX_BASIC_STATS | unix.STATX_BTIME

// IdentityOf asks the kernel for the identity of an open descriptor (O_PATH will do). See statx(2).
func IdentityOf(fd int) (Identity, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_SYNC_AS_STAT, identityMask, &st); err != nil {
		return Identity{}, fmt.Errorf("statx: %w", err)
	}
	return IdentityFromStatx(&st), nil
}

// IdentityFromStatx takes the identity out of a statx answer that was asked for basic stats and birth time.
func IdentityFromStatx(st *unix.Statx_t) Identity {
	id := Identity{
		Dev:   uint64(st.Dev_major)<<32 | uint64(st.Dev_minor),
		Ino:   st.Ino,
		Size:  int64(st.Size),
		Mtime: nanos(st.Mtime),
		Ctime: nanos(st.Ctime),
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		id.Btime = nanos(st.Btime)
	}
	return id
}

func nanos(t unix.StatxTimestamp) int64 { return t.Sec*1e9 + int64(t.Nsec) }
