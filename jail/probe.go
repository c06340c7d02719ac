package jail

import (
	"errors"
	"fmt"
	"os"
	"strings"

	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Names of the layers, as Probe, Missing and the configuration's errors use them.
const (
	LayerWorker     = "worker binary"
	LayerSeccomp    = "seccomp"
	LayerNamespaces = "namespaces"
	LayerLandlock   = "landlock"
	LayerCgroup     = "cgroup"
	LayerWhole      = "whole jail"
)

// State says how a layer is on this host.
type State string

const (
	Missing State = "missing" // the host does not offer it
	Broken  State = "broken"  // it is offered, but putting it on fails
	Present State = "present" // it was put on, just now, by a real worker
)

// A Layer is what Probe found out about one layer.
type Layer struct {
	Name     string
	State    State
	Required bool   // under RequireFull
	Detail   string // what was tried and what came of it
	Mend     string // the one command or setting that mends it; empty when present
}

// Probe puts on every layer of the jail in real workers, each by itself and then all together, and says what came of it.
func Probe(cfg Config) []Layer {
	l, err := newLauncher(cfg.WorkerPath)
	if err != nil {
		return []Layer{{Name: LayerWorker, State: Missing, Required: true, Detail: err.Error(),
			Mend: "install trustfs-worker beside the trustfs binary (make install), mode 0755"}}
	}
	defer l.close()
	out := []Layer{{Name: LayerWorker, State: Present, Required: true, Detail: l.exe.Name()}}
	out = append(out, l.probeSeccomp(), l.probeLandlock())
	for _, n := range namespaceNames {
		out = append(out, l.probeNamespace(n.name, n.flag))
	}
	return append(out, probeCgroup(cfg.CgroupRoot), l.probeWhole())
}

// namespaceNames lists the namespaces in the order in which people look for what is missing.
var namespaceNames = []struct {
	name string
	flag uintptr
}{
	{"user", unix.CLONE_NEWUSER}, {"pid", unix.CLONE_NEWPID}, {"net", unix.CLONE_NEWNET}, {"ipc", unix.CLONE_NEWIPC},
	{"uts", unix.CLONE_NEWUTS}, {"mount", unix.CLONE_NEWNS},
}

// try starts one worker with the given layers and namespaces.
func (l *launcher) try(on layers, flags uintptr) (*worker, error) {
	one := *l
	one.on, one.flags = on, flags
	w, err := one.start(nil)
	if err != nil {
		return nil, err
	}
	if err := w.ready(); err != nil {
		return nil, err
	}
	defer w.stderr.Close()
	w.end()
	return w, nil
}

func (l *launcher) probeSeccomp() Layer {
	r := Layer{Name: LayerSeccomp, State: Present, Required: true, Detail: "filter of " + fmt.Sprint(len(l.filter)/8) + " instructions loaded"}
	if _, err := l.try(layerSeccomp, 0); err != nil {
		r.State, r.Detail = Broken, err.Error()
		r.Mend = "a kernel with CONFIG_SECCOMP_FILTER=y; in a container: --security-opt seccomp=unconfined, or a profile that allows seccomp(2)"
	}
	return r
}

func (l *launcher) probeLandlock() Layer {
	r := Layer{Name: LayerLandlock, State: Present, Required: true}
	abi, err := llsys.LandlockGetABIVersion()
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		r.State, r.Detail = Missing, "the kernel has it, but it is switched off"
		r.Mend = "add landlock to the boot parameter lsm= (see /sys/kernel/security/lsm for the present list)"
		return r
	case err != nil || abi < 1:
		r.State, r.Detail = Missing, fmt.Sprintf("landlock_create_ruleset: %v", err)
		r.Mend = "Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK=y; in a container: a seccomp profile that allows landlock_*(2)"
		return r
	}
	r.Detail = fmt.Sprintf("ABI %d%s", abi, landlockGaps(abi))
	if _, err := l.try(layerLandlock, 0); err != nil {
		r.State, r.Detail, r.Mend = Broken, err.Error(), "report the message: Landlock is offered but refuses the ruleset"
	}
	return r
}

// landlockGaps says what an older ABI lacks. It is no reason to refuse: the network namespace and seccomp cover it.
func landlockGaps(abi int) string {
	var gaps []string
	for _, g := range []struct {
		abi  int
		what string
	}{{3, "truncate"}, {4, "TCP"}, {5, "device ioctl"}, {6, "signals and abstract sockets"}} {
		if abi < g.abi {
			gaps = append(gaps, g.what)
		}
	}
	if len(gaps) == 0 {
		return ""
	}
	return ", without " + strings.Join(gaps, ", ") + " (a newer kernel has them; the other layers cover them)"
}

func (l *launcher) probeNamespace(name string, flag uintptr) Layer {
	r := Layer{Name: name + " namespace", State: Present, Required: true, Detail: "a worker was born into one"}
	if _, err := l.try(0, unix.CLONE_NEWUSER|flag); err != nil {
		r.State, r.Detail, r.Mend = Broken, err.Error(), mendNamespace(name, err)
		if _, statErr := os.Stat("/proc/self/ns/" + map[string]string{"mount": "mnt"}[name] + strings.TrimPrefix(name, "mount")); statErr != nil {
			r.State = Missing
		}
	}
	return r
}

func (l *launcher) probeWhole() Layer {
	r := Layer{Name: LayerWhole, State: Present, Required: true, Detail: "all layers together, empty root, no capabilities, limits"}
	if _, err := l.try(allLayers, 0); err != nil {
		r.State, r.Detail, r.Mend = Broken, err.Error(), "mend the layers above; if they are all present, report the message"
	}
	return r
}
