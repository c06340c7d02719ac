//go:build lean

package jail

import "strconv"

// callName is the number of a system call: names are libseccomp's, and the program that has it judges again where a worker
// died of one.
func callName(_ uint32, nr int32) string { return "call " + strconv.Itoa(int(nr)) }
