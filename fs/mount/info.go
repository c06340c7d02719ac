package mount

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Info is one line of /proc/self/mountinfo, see proc_pid_mountinfo(5).
type Info struct {
	ID, Parent int
	Device     string // major:minor
	Root       string // the directory of the filesystem that is mounted
	Point      string
	Type       string // with subtype: fuse.trustfs
	Source     string
	Super      string // options of the superblock
}

// List reads this process's mount table.
func List() ([]Info, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parse(f)
}

func parse(r io.Reader) ([]Info, error) {
	var all []Info
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		info, err := parseLine(lines.Text())
		if err != nil {
			return nil, err
		}
		all = append(all, info)
	}
	return all, lines.Err()
}

// parseLine reads a line: ID, parent, device, root, point, options, optional fields, "-", type, source, super options.
func parseLine(line string) (Info, error) {
	head, tail, ok := strings.Cut(line, " - ")
	h, t := strings.Split(head, " "), strings.Split(tail, " ")
	if !ok || len(h) < 6 || len(t) < 3 {
		return Info{}, fmt.Errorf("mountinfo: unexpected line %q", line)
	}
	id, err1 := strconv.Atoi(h[0])
	parent, err2 := strconv.Atoi(h[1])
	if err1 != nil || err2 != nil {
		return Info{}, fmt.Errorf("mountinfo: unexpected line %q", line)
	}
	return Info{
		ID: id, Parent: parent, Device: h[2], Root: unescape(h[3]), Point: unescape(h[4]),
		Type: unescape(t[0]), Source: unescape(t[1]), Super: t[2],
	}, nil
}

// unescape undoes the octal escapes of space, tab, line feed and backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// idOf says which mount a descriptor lies in. The kernel's own bookkeeping is read, so that no filesystem is asked, which
// might be dead or our own.
func idOf(fd int) (int, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, fmt.Errorf("/proc/self/fdinfo/%d names no mount", fd)
}

// openPath takes a descriptor of what a path leads to, without asking the filesystem that is mounted there.
func openPath(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}
