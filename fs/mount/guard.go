package mount

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Guard puts an empty read-only directory of mode 000 at path: beneath a mount of trustfs, to be seen when that goes (kernels
// before 6.5: on top of it), or on top of the bare directory. A place that has a guard already is left as it is.
func Guard(path string) error {
	p, err := Look(path)
	if err != nil {
		return err
	}
	if p.State == Guarded {
		return nil
	}
	m, err := guardMount()
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	defer m.Close()
	if p.AtTop && (p.State == Serving || p.State == Stale) {
		_, err := beneathOrTop(m, p.Path)
		return err
	}
	return move(m, p.Path, 0)
}

func guardMount() (*os.File, error) {
	ctx, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(ctx)
	for _, o := range [][2]string{{"source", GuardSource}, {"mode", "000"}, {"size", "4k"}, {"nr_inodes", "1"}} {
		if err := unix.FsconfigSetString(ctx, o[0], o[1]); err != nil {
			return nil, fmt.Errorf("fsconfig %s=%s: %w", o[0], o[1], err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return nil, fmt.Errorf("fsconfig create: %w", err)
	}
	return detached(ctx, GuardSource)
}

// Unguard takes a guard off the top of path.
func Unguard(path string) error {
	p, err := Look(path)
	if err != nil || p.State != Guarded {
		return err
	}
	return detachID(p.Path, p.Mount.ID)
}
