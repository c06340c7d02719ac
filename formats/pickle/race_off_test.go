//go:build !race

package pickle

const (
	wholeMutations = 40 // bytes of a sample that gets every value at every place
	underRace      = false
)
