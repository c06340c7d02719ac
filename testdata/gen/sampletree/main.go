// Command sampletree writes the sample models into a new directory: sampletree DIR. Hostile ones would create the file
// DIR.marker and nothing else.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"trustfs/testdata/gen"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sampletree DIR")
		os.Exit(2)
	}
	dir, err := filepath.Abs(os.Args[1])
	if err == nil {
		err = gen.Write(dir, dir+".marker")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sampletree:", err)
		os.Exit(1)
	}
}
