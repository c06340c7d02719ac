package jail

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// slot is one cgroup v2 leaf, used by one worker at a time.
type slot struct {
	dir  *os.File
	path string
}

// cgroups hands out leaves; a nil *cgroups has none. The leaves are made once and used again, so that a worker's death
// leaves no directory behind.
type cgroups struct {
	free chan *slot
	all  []*slot
}

// newCgroups makes n leaves below root, each with at most memory bytes and maxThreads processes. An empty root gives nil.
func newCgroups(root string, n int, memory int64) (*cgroups, error) {
	if root == "" {
		return nil, nil
	}
	if err := delegated(root); err != nil {
		return nil, err
	}
	c := &cgroups{free: make(chan *slot, n)}
	for i := range n {
		s, err := newSlot(filepath.Join(root, fmt.Sprintf("trustfs-worker-%d-%d", os.Getpid(), i)), memory)
		if err != nil {
			c.close()
			return nil, err
		}
		c.all = append(c.all, s)
		c.free <- s
	}
	return c, nil
}

func newSlot(path string, memory int64) (s *slot, err error) {
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fmt.Errorf("cgroup leaf: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(path)
		}
	}()
	for _, f := range []struct{ name, value string }{
		{"memory.max", strconv.FormatInt(memory, 10)}, {"pids.max", strconv.Itoa(2 * maxThreads)},
	} {
		if err := os.WriteFile(filepath.Join(path, f.name), []byte(f.value), 0); err != nil {
			return nil, fmt.Errorf("cgroup leaf: %w", err)
		}
	}
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cgroup leaf: %w", err)
	}
	return &slot{dir: dir, path: path}, nil
}

func (c *cgroups) take() *slot {
	if c == nil {
		return nil
	}
	return <-c.free
}

func (c *cgroups) give(s *slot) {
	if c != nil && s != nil {
		c.free <- s
	}
}

// close removes the leaves. Precondition: no worker is left.
func (c *cgroups) close() {
	if c == nil {
		return
	}
	for _, s := range c.all {
		s.dir.Close()
		os.Remove(s.path)
	}
}

// delegated says whether dir is a cgroup v2 directory in which leaves with memory and process limits can be made.
func delegated(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("cgroup %s: %w", dir, err)
	}
	if st.Type != unix.CGROUP2_SUPER_MAGIC {
		return fmt.Errorf("cgroup %s: not on a cgroup v2 filesystem", dir)
	}
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return fmt.Errorf("cgroup %s: %w", dir, err)
	}
	have := strings.Fields(string(b))
	for _, want := range []string{"memory", "pids"} {
		found := false
		for _, h := range have {
			found = found || h == want
		}
		if !found {
			return fmt.Errorf("cgroup %s: controller %s is not delegated to its leaves (cgroup.subtree_control has %q)", dir, want, have)
		}
	}
	return nil
}

func probeCgroup(root string) Layer {
	r := Layer{Name: LayerCgroup, State: Missing, Detail: "no delegated cgroup is configured; limits hold all the same, worker by worker",
		Mend: "in the unit: Delegate=memory pids and DelegateSubgroup=daemon, and jail.cgroup: the unit's cgroup directory"}
	if root == "" {
		return r
	}
	c, err := newCgroups(root, 1, 1<<30)
	if err != nil {
		r.State, r.Detail = Broken, err.Error()
		return r
	}
	c.close()
	return Layer{Name: LayerCgroup, State: Present, Detail: root}
}
