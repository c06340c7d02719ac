package strictjson

import "hash/maphash"

// smallObject is how many keys are compared one by one before a map is made: most objects of a model's header have three.
const smallObject = 8

// keySets remembers the keys of the open objects as 64-bit hashes with a secret seed, so that nobody can prepare
// two names that collide.
type keySets struct {
	seed  maphash.Seed
	max   int
	alive int
	stack []keySet
}

type keySet struct {
	few          []uint64 // pairs: hash of the name, hash of its ASCII lower case
	exact, lower map[uint64]struct{}
	count        int
}

func newKeySets(limit int) keySets { return keySets{seed: maphash.MakeSeed(), max: limit} }

func (k *keySets) open() { k.stack = append(k.stack, keySet{}) }

func (k *keySets) close() {
	last := len(k.stack) - 1
	k.alive -= k.stack[last].count
	k.stack = k.stack[:last]
}

// add notes a key of the innermost object. full means that the bound on keys is reached.
func (k *keySets) add(name []byte) (duplicate, caseTwin, full bool) {
	if k.alive >= k.max {
		return false, false, true
	}
	s := &k.stack[len(k.stack)-1]
	h, l := maphash.Bytes(k.seed, name), k.lowerHash(name)
	duplicate, lowerSeen := s.seen(h, l)
	if !duplicate {
		s.put(h, l)
		k.alive++
	}
	return duplicate, lowerSeen && !duplicate, false
}

func (s *keySet) seen(h, l uint64) (exact, lower bool) {
	if s.exact != nil {
		_, exact = s.exact[h]
		_, lower = s.lower[l]
		return exact, lower
	}
	for i := 0; i < len(s.few); i += 2 {
		exact = exact || s.few[i] == h
		lower = lower || s.few[i+1] == l
	}
	return exact, lower
}

func (s *keySet) put(h, l uint64) {
	s.count++
	if s.exact == nil && s.count <= smallObject {
		s.few = append(s.few, h, l)
		return
	}
	if s.exact == nil {
		s.exact, s.lower = map[uint64]struct{}{}, map[uint64]struct{}{}
		for i := 0; i < len(s.few); i += 2 {
			s.exact[s.few[i]], s.lower[s.few[i+1]] = struct{}{}, struct{}{}
		}
		s.few = nil
	}
	s.exact[h], s.lower[l] = struct{}{}, struct{}{}
}

// lowerHash hashes name with ASCII letters in lower case.
func (k *keySets) lowerHash(name []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(k.seed)
	for _, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		_ = h.WriteByte(b)
	}
	return h.Sum64()
}
