package checksum

import (
	"context"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"

	"trustfs/integrity"
)

// A SelfName is the digest that a content-addressed store put into a file's own name.
type SelfName struct {
	Algorithm string // "sha256", "sha512", "git-sha1"
	Digest    string // lower-case hexadecimal
}

// NamedBy finds the digest in the names that content-addressed stores give:
//
//	blobs/<64 hex>                Hugging Face cache, large files: SHA-256 of the bytes
//	blobs/<40 hex>                Hugging Face cache, other files: the git blob's SHA-1
//	blobs/sha256-<64 hex>         Ollama
//	blobs/sha256/<64 hex>         OCI image layout, also sha512/<128 hex>
//	lfs/objects/ab/cd/<64 hex>    git-lfs
func NamedBy(p string) (SelfName, bool) {
	dir, base := path.Split(path.Clean(p))
	dir = strings.TrimSuffix(dir, "/")
	switch parent := path.Base(dir); {
	case parent == "blobs" && lowerHex(base, 64):
		return SelfName{"sha256", base}, true
	case parent == "blobs" && lowerHex(base, 40):
		return SelfName{"git-sha1", base}, true
	case parent == "blobs" && strings.HasPrefix(base, "sha256-") && lowerHex(base[7:], 64):
		return SelfName{"sha256", base[7:]}, true
	case parent == "sha256" && path.Base(path.Dir(dir)) == "blobs" && lowerHex(base, 64):
		return SelfName{"sha256", base}, true
	case parent == "sha512" && path.Base(path.Dir(dir)) == "blobs" && lowerHex(base, 128):
		return SelfName{"sha512", base}, true
	case lowerHex(base, 64) && strings.HasSuffix("/"+dir, "/lfs/objects/"+base[:2]+"/"+base[2:4]):
		return SelfName{"sha256", base}, true
	}
	return SelfName{}, false
}

func lowerHex(s string, n int) bool {
	if len(s) != n || strings.ToLower(s) != s {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// ErrNoBytes says that a digest other than SHA-256 was to be checked and the bytes are not at hand.
var ErrNoBytes = errors.New("the bytes are needed for a digest other than SHA-256")

// Check compares a file with its name. r may be nil where the name is a SHA-256; otherwise the size bytes of r are read
// in one more pass. actual is in the name's algorithm.
func (n SelfName) Check(ctx context.Context, sum integrity.Digest, r io.ReaderAt, size int64) (ok bool, actual string, err error) {
	var h hash.Hash
	switch n.Algorithm {
	case "sha256":
		return n.Digest == sum.String(), sum.String(), nil
	case "sha512":
		h = sha512.New()
	case "git-sha1": // git's object names are not ours to choose; a collision can only make this check pass, never acquit
		h = sha1.New()
		fmt.Fprintf(h, "blob %d\x00", size)
	default:
		return false, "", fmt.Errorf("digest algorithm %q is not known", n.Algorithm)
	}
	if r == nil {
		return false, "", ErrNoBytes
	}
	if err := copyContext(ctx, h, r, size); err != nil {
		return false, "", err
	}
	actual = hex.EncodeToString(h.Sum(nil))
	return actual == n.Digest, actual, nil
}

func copyContext(ctx context.Context, w io.Writer, r io.ReaderAt, size int64) error {
	const step = 1 << 20
	buf := make([]byte, min(step, max(size, 1)))
	for off := int64(0); off < size; off += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(step, size-off)]
		if n, err := r.ReadAt(b, off); n < len(b) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		w.Write(b)
	}
	return nil
}
