package inside

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// The functions here make the system calls themselves: os.File asks questions (fcntl, fstat, epoll) that the filter
// does not answer.

// errGone says that the parent has closed the request socket.
var errGone = errors.New("the parent has gone")

// readFrame reads one frame of at most limit bytes. Descriptors that come with it are appended to fds, if fds is not nil.
func readFrame(limit int, fds *[]int) ([]byte, error) {
	var head [4]byte
	if err := readHead(head[:], fds); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if int64(n) > int64(limit) {
		return nil, fmt.Errorf("a frame of %d bytes, at most %d", n, limit)
	}
	b := make([]byte, n)
	return b, readFull(b)
}

// readHead fills head and takes the descriptors that come with its first byte.
func readHead(head []byte, fds *[]int) error {
	oob := make([]byte, unix.CmsgSpace(4*wire.MaxFiles))
	var n, oobn, flags int
	var err error
	for {
		n, oobn, flags, _, err = unix.Recvmsg(wire.FDRequest, head, oob, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return errGone
	}
	if flags&unix.MSG_CTRUNC != 0 {
		return errors.New("descriptors were lost on the way")
	}
	if err := takeDescriptors(oob[:oobn], fds); err != nil {
		return err
	}
	return readFull(head[n:])
}

func takeDescriptors(oob []byte, fds *[]int) error {
	if len(oob) == 0 {
		return nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return err
	}
	for i := range msgs {
		got, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			return err
		}
		if fds == nil {
			return errors.New("descriptors where none are expected")
		}
		*fds = append(*fds, got...)
	}
	return nil
}

// readFull fills b from the request socket.
func readFull(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Read(wire.FDRequest, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return errGone
		default:
			b = b[n:]
		}
	}
	return nil
}

// writeAll writes b whole.
func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// preader reads a descriptor by pread(2).
type preader int

func (fd preader) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		k, err := unix.Pread(int(fd), p[n:], off+int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, err
		case k == 0:
			return n, io.EOF
		default:
			n += k
		}
	}
	return n, nil
}
