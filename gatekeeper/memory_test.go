package gatekeeper

import (
	"testing"

	"trustfs/integrity"
)

// What is kept stays within the budget, manifests included; and a file beyond it is still remembered.
func TestMemoryIsBounded(t *testing.T) {
	t.Run("of a mount", func(t *testing.T) { testMemory(t, false) })
	t.Run("of a command", func(t *testing.T) { testMemory(t, true) })
}

func testMemory(t *testing.T, passing bool) {
	const budget = 8 << 20
	m, err := newMemory(budget, passing)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	large := func(bytes int) *integrity.Manifest {
		b := make([]byte, 48+bytes)
		copy(b, "TFSM0001")
		size := int64(bytes/32) * integrity.ChunkSize
		for i := range 8 {
			b[8+i] = byte(size >> (8 * i))
		}
		var out integrity.Manifest
		if err := out.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		return &out
	}
	kept := 0
	for i := range 200 {
		man := large(256 << 10)
		k := verdictKey{path: string(rune('a' + i)), id: integrity.Identity{Ino: uint64(i)}}
		m.keepVerdict(k, &entry{judgement: &Judgement{Report: &Report{}, Manifest: man}})
	}
	for i := range 200 {
		if m.verdict(verdictKey{path: string(rune('a' + i)), id: integrity.Identity{Ino: uint64(i)}}) != nil {
			kept++
		}
	}
	if held := kept * (256 << 10); held > budget || kept == 0 {
		t.Errorf("%d verdicts hold %d bytes of manifests within %d", kept, held, budget)
	}
	giant := verdictKey{path: "giant"}
	for range 20 { // ristretto admits what is asked for
		m.verdict(giant)
	}
	m.keepVerdict(giant, &entry{judgement: &Judgement{Report: &Report{}, Manifest: large(16 << 20)}})
	if m.verdict(giant) == nil {
		t.Error("a file whose manifest exceeds the cache is hashed at every open")
	}
	id := integrity.Identity{Ino: 7}
	m.keepManifest(id, large(1<<10))
	if m.manifest(id) == nil {
		t.Error("what was just kept is gone")
	}
	m.forget(verdictKey{path: "giant", id: id})
	m.forget(giant)
	if m.verdict(giant) != nil || m.manifest(id) != nil {
		t.Error("what was forgotten is still there")
	}
}
