package strictjson

import "hash/maphash"

// smallObject is how many keys are compared one by one before a map is made: most objects of a model's header have three.
const smallObject = 8

// keySets remembers the keys of the open objects as 64-bit hashes with a secret seed, so that nobody can prepare
// two names that collide.
type keySets struct {
	seed  maphash.Seed
	max   int
	twins bool // compare without case too
	alive int
	stack []keySet
	lower []byte
}

type keySet struct {
	few          []uint64 // pairs: hash of the name, hash of its ASCII lower case
	exact, lower map[uint64]struct{}
	count        int
}

func newKeySets(limit int, twins bool) keySets {
	return keySets{seed: maphash.MakeSeed(), max: limit, twins: twins}
}

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
	h := maphash.Bytes(k.seed, name)
	l := h
	if k.twins {
		l = k.lowerHash(name)
	}
	duplicate, lowerSeen := s.seen(h, l)
	if !duplicate {
		s.put(h, l)
		k.alive++
	}
	return duplicate, k.twins && lowerSeen && !duplicate, false
}

func (s *keySet) seen(h, l uint64) (exact, lower bool) {
	if s.exact != nil {
		_, exact = s.exact[h]
		_, lower = s.lower[l]
		_, same := s.exact[l] // an earlier name was in lower case already
		return exact, lower || same
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
			s.exact[s.few[i]] = struct{}{}
			if s.few[i] != s.few[i+1] {
				s.lower[s.few[i+1]] = struct{}{}
			}
		}
		s.few = nil
	}
	s.exact[h] = struct{}{}
	if l != h {
		s.lower[l] = struct{}{}
	}
}

// lowerHash hashes name with ASCII letters in lower case.
func (k *keySets) lowerHash(name []byte) uint64 {
	k.lower = append(k.lower[:0], name...)
	for i, b := range k.lower {
		if 'A' <= b && b <= 'Z' {
			k.lower[i] = b + 'a' - 'A'
		}
	}
	return maphash.Bytes(k.seed, k.lower)
}
