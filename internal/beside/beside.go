// Package beside finds the programs that are installed together.
package beside

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Places are the folders in which a program of the same installation may lie, the first one first: where the running one is
// (bin/ of a source tree), lib/trustfs beside its folder (/usr/local/lib for /usr/local/bin), and the distribution's.
func Places() []string {
	var places []string
	if exe, err := os.Executable(); err == nil {
		dir := filepath.Dir(exe)
		places = append(places, dir, filepath.Join(filepath.Dir(dir), "lib", "trustfs"))
	}
	for _, dir := range []string{"/usr/lib/trustfs", "/usr/libexec/trustfs"} {
		if len(places) == 0 || places[len(places)-1] != dir {
			places = append(places, dir)
		}
	}
	return places
}

// Find gives the path of a regular file by that name in one of the places; the error names them.
func Find(name string) (string, error) {
	places := Places()
	for _, dir := range places {
		p := filepath.Join(dir, name)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s, which is not in %s", name, strings.Join(places, ", "))
}
