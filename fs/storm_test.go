package fs

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
)

// stormReads is how many reads must have succeeded while writers were at work.
const stormReads = 100_000

const stormBlock = 512 // what is compared; versions are no multiple of it

// A judgedVersion is an admitted content, as the hashes of its blocks.
type judgedVersion []uint64

// A chronicle records each content that the gate admits.
type chronicle struct {
	mu       sync.Mutex
	versions map[integrity.Digest]judgedVersion
}

// record reads the judged bytes, and says whether all could be had.
func (c *chronicle) record(s gatekeeper.Subject, m *integrity.Manifest) bool {
	content := make([]byte, m.Size)
	if n, _ := integrity.NewReader(s.File, m).ReadAt(content, 0); int64(n) != m.Size {
		return false
	}
	var v judgedVersion
	for len(content) > 0 {
		n := min(stormBlock, len(content))
		v = append(v, blockHash(content[:n]))
		content = content[n:]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[m.Digest] = v
	return true
}

// holds says whether some one admitted version has all the blocks that one descriptor gave.
func (c *chronicle) holds(got map[int]uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
next:
	for _, v := range c.versions {
		for i, h := range got {
			if i >= len(v) || v[i] != h {
				continue next
			}
		}
		return true
	}
	return false
}

// stormVersions are two contents that the gate admits and a hostile one, each of another length.
func stormVersions() (contents [3][]byte) {
	for i := range contents {
		contents[i] = make([]byte, 150_000+i*70_001)
		r := rand.NewChaCha8([32]byte{byte(i + 1)})
		_, _ = r.Read(contents[i])
	}
	copy(contents[2], evil)
	return contents
}

// stormWriter overwrites the file in every way there is, until stop.
func stormWriter(t *testing.T, path string, stop chan struct{}, seed uint64) {
	contents, r := stormVersions(), rand.New(rand.NewPCG(seed, 1))
	pause := 4000
	if raceDetector { // or no pass over the file would ever be done before the next change
		pause *= 10
	}
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(r.IntN(pause)) * time.Microsecond):
		}
		c := contents[r.IntN(3)]
		var err error
		switch r.IntN(5) {
		case 0: // in place, whole
			err = overwrite(path, func(f *os.File) error {
				if _, err := f.WriteAt(c, 0); err != nil {
					return err
				}
				return f.Truncate(int64(len(c)))
			})
		case 1: // cut, and written again
			err = os.WriteFile(path, c, 0o644)
		case 2: // one piece in the middle
			off := r.IntN(140_000)
			err = overwrite(path, func(f *os.File) error { _, err := f.WriteAt(c[off:off+5000], int64(off)); return err })
		case 3: // stores into a mapping
			err = overwrite(path, func(f *os.File) error { return store(f, c, r) })
		case 4: // replaced
			if err = os.WriteFile(path+".new", c, 0o644); err == nil {
				err = os.Rename(path+".new", path)
			}
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error("writer:", err)
			return
		}
	}
}

func overwrite(path string, f func(*os.File) error) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return f(file)
}

// store changes bytes through a shared mapping; the other writer may cut the file meanwhile.
func store(f *os.File, c []byte, r *rand.Rand) error {
	const n = 128 << 10
	mem, err := unix.Mmap(int(f.Fd()), 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	defer unix.Munmap(mem)
	onFault(func() {
		for range 20 {
			off := r.IntN(n - 100)
			copy(mem[off:off+100], c[off:])
		}
	})
	return nil
}

// onFault runs f, and says whether it touched memory that could not be had (a mapped page whose read failed).
func onFault(f func()) (fault bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { fault = recover() != nil }()
	f()
	return
}

// Readers, processes of their own, read through the mount while writers overwrite the file under it, in place, by truncation,
// through mappings and by rename, with admitted contents and a hostile one. Every byte that one descriptor gave belongs to
// one version that the gate has admitted as a whole.
func TestConcurrentWriters(t *testing.T) {
	r := newRig(t)
	book := &chronicle{versions: map[integrity.Digest]judgedVersion{}}
	r.gate.record = book.record
	path := r.put("m", string(stormVersions()[0]))
	stop := make(chan struct{})
	var writers, readers sync.WaitGroup
	for i := range 2 {
		writers.Go(func() { stormWriter(t, path, stop, uint64(i)) })
	}
	var total stormTally
	for i, how := range []string{"pread", "mmap", "pread", "mmap"} {
		c := startChild(t, "storm", r.in("m"), how, strconv.Itoa(i))
		readers.Go(func() {
			for c.lines.Scan() && total.reads.Load() < stormReads {
				if err := total.take(book, c.lines.Text()); err != nil {
					t.Errorf("%s: %v", how, err)
				}
			}
			_ = c.cmd.Process.Kill()
		})
	}
	readers.Wait()
	close(stop)
	writers.Wait()
	told, _, _ := r.gate.told()
	t.Logf("%d reads of %d descriptors, %d opens refused, %d reads EIO or SIGBUS, %d versions admitted, %d times tampered",
		total.reads.Load(), total.opens.Load(), total.refused.Load(), total.failed.Load(), len(book.versions), len(told))
	if total.reads.Load() < stormReads || total.refused.Load() == 0 || len(book.versions) < 10 {
		t.Error("the storm was too mild to show anything")
	}
}

// A stormTally adds up what the readers say, one line a descriptor.
type stormTally struct{ reads, opens, refused, failed atomic.Int64 }

// take checks one line: "refused <errno>", or "read <failed>" and index:hash for each block.
func (s *stormTally) take(book *chronicle, line string) error {
	words := strings.Fields(line)
	if words[0] == "refused" {
		s.refused.Add(1)
		if e := words[1]; e != strconv.Itoa(int(unix.EACCES)) && e != strconv.Itoa(int(unix.ENOENT)) {
			return fmt.Errorf("open gives errno %s", e)
		}
		return nil
	}
	failed, _ := strconv.ParseInt(words[1], 10, 64)
	got := map[int]uint64{}
	for _, w := range words[2:] {
		var i int
		var h uint64
		if _, err := fmt.Sscanf(w, "%d:%x", &i, &h); err != nil {
			return err
		}
		got[i] = h
	}
	s.opens.Add(1)
	s.failed.Add(failed)
	s.reads.Add(int64(len(words) - 2))
	if !book.holds(got) {
		return fmt.Errorf("one descriptor gave %d blocks that no admitted version has together", len(got))
	}
	return nil
}

// childStorm reads a file again and again, and prints what each descriptor gave.
func childStorm(path, how, seed string) {
	n, _ := strconv.ParseUint(seed, 10, 64)
	rnd := rand.New(rand.NewPCG(n, 2))
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			fmt.Printf("refused %d\n", err)
			time.Sleep(time.Millisecond)
			continue
		}
		fmt.Println(readBlocks(fd, how == "mmap", rnd))
		unix.Close(fd)
	}
}

// readBlocks reads blocks at random through one descriptor, slowly enough for writers to come in between.
func readBlocks(fd int, mapped bool, rnd *rand.Rand) string {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Size == 0 {
		time.Sleep(time.Millisecond) // cut just now; let the writer go on
		return "read 0"
	}
	var mem []byte
	if mapped {
		var err error
		if mem, err = unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ, unix.MAP_SHARED); err != nil {
			return "read 1"
		}
		defer unix.Munmap(mem)
	}
	var out strings.Builder
	buf, failed, count := make([]byte, stormBlock), 0, 100
	if raceDetector { // an open costs the more
		count = 250
	}
	for k := range count {
		i := rnd.IntN(int((st.Size + stormBlock - 1) / stormBlock))
		want := int(min(stormBlock, st.Size-int64(i)*stormBlock))
		n := want
		if !mapped {
			n, _ = unix.Pread(fd, buf, int64(i)*stormBlock)
		} else if onFault(func() { copy(buf, mem[i*stormBlock:i*stormBlock+want]) }) {
			n = -1
		}
		if n != want {
			failed++
			continue
		}
		fmt.Fprintf(&out, " %d:%x", i, blockHash(buf[:n]))
		if k%20 == 19 {
			time.Sleep(time.Duration(rnd.IntN(2000)) * time.Microsecond)
		}
	}
	return fmt.Sprintf("read %d%s", failed, out.String())
}

func blockHash(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}

// Eight threads fault one mapped file at random places: they neither hang nor err, and see what was judged. They live in
// another process: a Go program that waits for a page holds a part of its scheduler, and so could not serve itself.
func TestParallelFaults(t *testing.T) {
	size, faults := 1<<30, 3000
	if testing.Short() || raceDetector { // the detector makes each check tens of times slower
		size, faults = 64<<20, 200
	}
	r := newRig(t)
	writePattern(t, r.put("big", ""), size)
	c := startChild(t, "faults", r.in("big"), strconv.Itoa(size), strconv.Itoa(faults))
	for c.lines.Scan() {
		if got := c.lines.Text(); got != "ok" {
			t.Error(got)
		}
	}
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func childFaults(path, bytes, faults string) {
	size, _ := strconv.Atoi(bytes)
	count, _ := strconv.Atoi(faults)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fmt.Println("open:", err)
		return
	}
	mem, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		fmt.Println("mmap:", err)
		return
	}
	runtime.GOMAXPROCS(9) // each fault holds one
	_ = unix.Madvise(mem, unix.MADV_RANDOM)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 3))
			for range count {
				page, got := rnd.IntN(size/4096), byte(0)
				if onFault(func() { got = mem[page*4096+7] }) || got != patternAt(page) {
					fmt.Printf("page %d: %d, want %d\n", page, got, patternAt(page))
				}
			}
		})
	}
	wg.Wait()
	fmt.Println("ok")
}

func patternAt(page int) byte { return byte(page*7 + page>>8) }

// writePattern fills a file so that each page says which it is.
func writePattern(t *testing.T, path string, size int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 1<<20)
	for off := 0; off < size; off += len(buf) {
		for p := 0; p < len(buf); p += 4096 {
			buf[p+7] = patternAt((off + p) / 4096)
		}
		if _, err := f.WriteAt(buf, int64(off)); err != nil {
			t.Fatal(err)
		}
	}
}
