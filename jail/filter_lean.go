//go:build lean && amd64

package jail

import _ "embed"

// workerFilter is what compileFilter made of workerCalls when the sources were written: libseccomp takes a dynamic linker
// and a millisecond. TestBakedFilter holds the two against each other.
func workerFilter() ([]byte, error) { return bakedFilter, nil }

//go:embed filter_amd64.bpf
var bakedFilter []byte
