//go:build !lean

package main

import (
	"fmt"
	"os"
)

// sameBuild says why this program must not take over from the one that became it: the two are of different builds, and might
// read the same command line in two ways. The variable is for this program alone, and is gone when anything else starts.
func sameBuild() error {
	front, handed := os.LookupEnv(frontBuild)
	if !handed {
		return nil
	}
	if err := os.Unsetenv(frontBuild); err != nil {
		return err
	}
	if front == version {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		self = "the engine"
	}
	return fmt.Errorf("trustfs is of the build %q and %s of the build %q: install both from the same one (make build, make install)",
		front, self, version)
}
