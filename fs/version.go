package fs

import (
	"errors"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
	"trustfs/integrity"
)

// A version is one judged content of one file, as long as some reader has it open. All its readers share one descriptor of
// the backing file, the one that was judged or another of the same inode and identity; every byte is checked either way.
type version struct {
	file      *os.File
	reader    content
	judgement *gatekeeper.Judgement // what its first reader was admitted by; immutable
	view      *gatekeeper.View      // of a view; immutable
	own       bool                  // the content is the file's own bytes, at their places; a view's is not
	identity  integrity.Identity
	readers   int         // guarded by node.mu
	served    atomic.Bool // something was read from the file for a reader
	announced atomic.Bool
}

// content gives checked bytes alone, and knows how many there are.
type content interface {
	io.ReaderAt
	Size() int64
}

// bind gives the version of n that judgement j admits, and takes over file. ok is false if the page cache of n holds
// other content than was judged now: two contents under one identity, which no timestamp told apart.
func (n *node) bind(file *os.File, j *gatekeeper.Judgement) (v *version, ok bool) {
	return n.bindTo(&version{
		file: file, reader: integrity.NewReader(file, j.Manifest), judgement: j, identity: j.Identity, own: true,
	}, j.Manifest.Digest)
}

// bindView is bind for a view; c gives its bytes, from file, and is taken over too.
func (n *node) bindView(file *os.File, view *gatekeeper.View, c *gatekeeper.ViewContent) (v *version, ok bool) {
	return n.bindTo(&version{
		file: file, reader: c, judgement: view.Judgement, view: view, identity: view.Judgement.Identity,
	}, view.Fingerprint())
}

// bindTo is bind for a version whose bytes digest names.
func (n *node) bindTo(fresh *version, digest integrity.Digest) (v *version, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.retired || n.bound != nil && *n.bound != digest {
		fresh.close()
		return nil, false
	}
	if n.version != nil {
		fresh.close()
	} else {
		n.version = fresh
	}
	n.bound = &digest
	n.version.readers++
	return n.version, true
}

// held gives the version that somebody has open, where err says that its name leads elsewhere now: whoever asks through a
// descriptor means that version still. nil if there is none, or its bytes turned out not to be the judged ones. The caller
// releases it.
func (n *node) held(err error) *version {
	if !isErr(err, unix.ESTALE) {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.version == nil || n.version.announced.Load() {
		return nil
	}
	n.version.readers++
	return n.version
}

// release ends one reader of v; the last closes the file, and leaves no copy of what it served in the page cache beside
// the mount's own.
func (n *node) release(v *version) {
	n.mu.Lock()
	v.readers--
	last := v.readers == 0
	if last && n.version == v {
		n.version = nil
	}
	n.mu.Unlock()
	if last {
		if v.served.Load() { // otherwise the page cache is as its other users want it
			v.drop(0, 0)
		}
		v.close()
	}
}

// close lets go of what the version reads from.
func (v *version) close() {
	if c, ok := v.reader.(io.Closer); ok {
		c.Close()
	}
	v.file.Close()
}

// read fills buf from off. The bytes returned lie in buf, which nobody else can write. Fewer than len(buf) means the end
// of the file. An error means that no byte may be used.
func (v *version) read(buf []byte, off int64) ([]byte, error) {
	if !v.own {
		n, err := v.reader.ReadAt(buf, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return buf[:n], nil
	}
	start := off / integrity.ChunkSize * integrity.ChunkSize
	end := min((off+int64(len(buf))+integrity.ChunkSize-1)/integrity.ChunkSize*integrity.ChunkSize, v.reader.Size())
	if end-start > integrity.ChunkSize {
		// The chunks are read one by one; one hint lets the disk see the whole request. Readers interleave, so the
		// kernel's own guess for this shared descriptor would be "random".
		_ = unix.Fadvise(int(v.file.Fd()), start, end-start, unix.FADV_WILLNEED)
	}
	v.served.Store(true)
	n, err := v.reader.ReadAt(buf, off)
	v.drop(start, end-start)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return buf[:n], nil
}

// drop lets the page cache forget a range of the backing file: what was served lies in the mount's own page cache now.
// Length 0 means to the end. It is advice, and losing it loses memory, not safety.
func (v *version) drop(off, length int64) {
	_ = unix.Fadvise(int(v.file.Fd()), off, length, unix.FADV_DONTNEED)
}
