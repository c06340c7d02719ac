package jail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"trustfs/internal/beside"
)

const workerName = "trustfs-worker"

// FindWorker is the path of the worker binary: path itself if it is not empty, else where the programs of this installation
// lie (see beside.Find), else in PATH. One in the installation that others might have put there is an error.
func FindWorker(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	p, err := beside.Find(workerName)
	if err == nil {
		return p, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the jail's worker: %w", err)
	}
	if p, pathErr := exec.LookPath(workerName); pathErr == nil {
		return p, nil
	}
	return "", fmt.Errorf("the jail needs %w nor in PATH; build it with: CGO_ENABLED=0 go build ./cmd/trustfs-worker", err)
}

// openWorker opens the worker binary. It is executed by this descriptor, so that every worker runs the same file.
func openWorker(path string) (*os.File, error) {
	path, err := FindWorker(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("worker binary: %w", err)
	}
	if err := executableByWorkers(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("worker binary %s: %w", path, err)
	}
	return f, nil
}

func executableByWorkers(f *os.File) error {
	st, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !st.Mode().IsRegular():
		return errors.New("not a regular file")
	case os.Geteuid() == 0 && st.Mode()&0o001 == 0:
		return fmt.Errorf("mode %s: workers run as nobody and may not execute it; chmod a+x mends that", st.Mode())
	}
	return nil
}
