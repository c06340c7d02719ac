package gatekeeper

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/ristretto/v2"

	"trustfs/formats"
	"trustfs/integrity"
)

// memory holds what judgements cost to make: the Manifest by identity, the Findings by digest and names, the Verdict by
// identity and path. Losing any of it costs time, never safety.
type memory struct {
	verdicts  *ristretto.Cache[string, *entry]
	manifests *ristretto.Cache[string, *integrity.Manifest]
	results   *ristretto.Cache[string, *formats.Result]
}

// verdictKey names one content version at one path.
type verdictKey struct {
	id   integrity.Identity
	path string
}

func (k verdictKey) String() string { return string(append(identityBytes(k.id), k.path...)) }

func identityBytes(id integrity.Identity) []byte {
	b := make([]byte, 0, 48+64)
	for _, v := range [...]uint64{id.Dev, id.Ino, uint64(id.Size), uint64(id.Mtime), uint64(id.Ctime), uint64(id.Btime)} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// findingsKey names the same bytes under the same names. A name widens what is inspected, so it is part of the key.
func findingsKey(d integrity.Digest, names []string) string {
	h := sha256.New()
	for _, n := range names {
		fmt.Fprintf(h, "%d:%s", len(n), n)
	}
	return string(h.Sum(d[:]))
}

// defaultCacheBytes remembers about 100,000 small files, or the leaves of half a terabyte of models.
const defaultCacheBytes = 256 << 20

func newMemory(bytes int64) (*memory, error) {
	if bytes == 0 {
		bytes = defaultCacheBytes
	}
	m := &memory{}
	var err error
	if m.verdicts, err = newCache[*entry](bytes / 4); err != nil {
		return nil, err
	}
	if m.manifests, err = newCache[*integrity.Manifest](bytes / 2); err != nil {
		return nil, err
	}
	m.results, err = newCache[*formats.Result](bytes / 4)
	return m, err
}

func newCache[V any](bytes int64) (*ristretto.Cache[string, V], error) {
	return ristretto.NewCache(&ristretto.Config[string, V]{
		NumCounters: max(1000, bytes/100), MaxCost: bytes, BufferItems: 64,
	})
}

func (m *memory) close() {
	m.verdicts.Close()
	m.manifests.Close()
	m.results.Close()
}

func (m *memory) verdict(k verdictKey) *entry {
	e, _ := m.verdicts.Get(k.String())
	return e
}

func (m *memory) manifest(id integrity.Identity) *integrity.Manifest {
	v, _ := m.manifests.Get(string(identityBytes(id)))
	return v
}

func (m *memory) findings(key string) *formats.Result {
	r, _ := m.results.Get(key)
	return r
}

// keep stores a value and waits until the cache has it: the next open must not judge again because a buffer was not
// drained yet.
func keep[V any](c *ristretto.Cache[string, V], key string, v V, cost int64) {
	// An item beyond the whole cache would never be kept, and its file hashed again at every open: it counts as a quarter.
	if c.Set(key, v, min(cost+int64(len(key))+200, c.MaxCost()/4)) {
		c.Wait()
	}
}

func (m *memory) keepVerdict(k verdictKey, e *entry) {
	r := e.judgement.Report
	cost := int64(2000 + 300*(len(r.Findings)+len(e.inputs)) + 80*len(r.Facts.Globals) + 200*len(r.Facts.Calls))
	if e.answer != nil {
		cost += e.answer.MemoryBytes()
	}
	if m := e.judgement.Manifest; m != nil {
		cost += m.MemoryBytes() // it may be the last to hold it
	}
	keep(m.verdicts, k.String(), e, cost)
}

func (m *memory) keepManifest(id integrity.Identity, v *integrity.Manifest) {
	keep(m.manifests, string(identityBytes(id)), v, v.MemoryBytes())
}

func (m *memory) keepFindings(key string, r *formats.Result) {
	keep(m.results, key, r, int64(500+300*len(r.Findings)+80*(len(r.Facts.Globals)+len(r.Facts.Calls))))
}

// forget drops what is known of one version at one path: its bytes are not what was judged.
func (m *memory) forget(k verdictKey) {
	m.verdicts.Del(k.String())
	m.manifests.Del(string(identityBytes(k.id)))
	m.verdicts.Wait()
	m.manifests.Wait()
}
