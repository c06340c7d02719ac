package fs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func benchRig(b *testing.B, content string) (mounted, plain string) {
	needMount(b)
	base := b.TempDir()
	dir, mnt := filepath.Join(base, "models"), filepath.Join(base, "mnt")
	for _, d := range []string{dir, mnt} {
		if err := os.Mkdir(d, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	plain = filepath.Join(dir, "m")
	if err := os.WriteFile(plain, []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
	s, err := Mount(Options{Dir: dir, Mountpoint: mnt, Gate: newTestGate()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = s.Close() })
	return filepath.Join(mnt, "m"), plain
}

func BenchmarkCachedOpen(b *testing.B) {
	mounted, _ := benchRig(b, "weights")
	for b.Loop() {
		fd, err := unix.Open(mounted, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		unix.Close(fd)
	}
}

// BenchmarkRead reads past the mount's page cache with O_DIRECT, so that each byte comes from the daemon and is checked.
func BenchmarkRead(b *testing.B) {
	mounted, _ := benchRig(b, strings.Repeat("w", 64<<20))
	fd, err := unix.Open(mounted, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fd)
	buf := make([]byte, 1<<20)
	b.SetBytes(1 << 20)
	for i := int64(0); b.Loop(); i++ {
		if n, err := unix.Pread(fd, buf, i%64<<20); n != 1<<20 || err != nil {
			b.Fatal(n, err)
		}
	}
}
