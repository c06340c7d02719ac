//go:build lean

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"trustfs/internal/beside"
)

// engineName is the program that has everything.
const engineName = "trustfs-engine"

// handOver becomes the engine: the same process with the same arguments, environment, files and working directory, and the
// version of this program, which the engine compares with its own. It returns only where that cannot be.
func handOver() error {
	path, err := beside.Find(engineName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("this command needs the engine: %w", err)
	}
	if err != nil {
		return fmt.Errorf("this command needs %w; install it from the same build as trustfs (make build, make install)", err)
	}
	if err := another(path); err != nil {
		return err
	}
	if err := os.Setenv(frontBuild, version); err != nil {
		return err
	}
	return fmt.Errorf("starting %s: %w", path, syscall.Exec(path, os.Args, os.Environ()))
}

// sameBuild is for the program that takes over.
func sameBuild() error { return nil }

// another refuses a copy of this very program in the engine's place, which would start itself for ever.
func another(path string) error {
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		return err
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if os.SameFile(self, st) {
		return fmt.Errorf("%s is this program itself and not the engine: build that without the tag lean", path)
	}
	return nil
}
