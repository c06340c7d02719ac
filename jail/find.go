package jail

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const workerName = "trustfs-worker"

// FindWorker is the path of the worker binary: path itself if it is not empty, else beside the running executable, in
// /usr/lib/trustfs, in /usr/libexec/trustfs, or in PATH.
func FindWorker(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	var places []string
	if exe, err := os.Executable(); err == nil {
		places = append(places, filepath.Dir(exe))
	}
	for _, dir := range append(places, "/usr/lib/trustfs", "/usr/libexec/trustfs") {
		p := filepath.Join(dir, workerName)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() {
			return p, nil
		}
	}
	if p, err := exec.LookPath(workerName); err == nil {
		return p, nil
	}
	return "", fmt.Errorf("%s is neither beside the trustfs binary nor in /usr/lib/trustfs, /usr/libexec/trustfs or PATH; "+
		"build it with: CGO_ENABLED=0 go build ./cmd/trustfs-worker", workerName)
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
