//go:build race

package pickle

const (
	wholeMutations = 20 // bytes of a sample that gets every value at every place; the detector is slow and has nothing to see
	underRace      = true
)
