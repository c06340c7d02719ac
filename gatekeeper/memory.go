package gatekeeper

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"trustfs/formats"
	"trustfs/integrity"
)

// memory holds what judgements cost to make: the Manifest by identity, the Findings by digest and names, the Verdict by
// identity and path. Losing any of it costs time, never safety.
type memory struct {
	verdicts  store[*entry]
	manifests store[*integrity.Manifest]
	results   store[*formats.Result]
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

func newMemory(bytes int64, passing bool) (*memory, error) {
	if bytes == 0 {
		bytes = defaultCacheBytes
	}
	m := &memory{}
	var err error
	if m.verdicts, err = newStore[*entry](bytes/4, passing); err != nil {
		return nil, err
	}
	if m.manifests, err = newStore[*integrity.Manifest](bytes/2, passing); err != nil {
		return nil, err
	}
	m.results, err = newStore[*formats.Result](bytes/4, passing)
	return m, err
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

func (m *memory) keepVerdict(k verdictKey, e *entry) {
	r := e.judgement.Report
	cost := int64(2000 + 300*(len(r.Findings)+len(e.inputs)) + 80*len(r.Facts.Globals) + 200*len(r.Facts.Calls))
	if e.answer != nil {
		cost += e.answer.MemoryBytes()
	}
	if m := e.judgement.Manifest; m != nil {
		cost += m.MemoryBytes() // it may be the last to hold it
	}
	m.verdicts.keep(k.String(), e, cost)
}

func (m *memory) keepManifest(id integrity.Identity, v *integrity.Manifest) {
	m.manifests.keep(string(identityBytes(id)), v, v.MemoryBytes())
}

func (m *memory) keepFindings(key string, r *formats.Result) {
	m.results.keep(key, r, int64(500+300*len(r.Findings)+80*(len(r.Facts.Globals)+len(r.Facts.Calls))))
}

// forget drops what is known of one version at one path: its bytes are not what was judged.
func (m *memory) forget(k verdictKey) {
	m.verdicts.drop(k.String())
	m.manifests.drop(string(identityBytes(k.id)))
}
