package jail

import (
	"time"

	"golang.org/x/sys/unix"

	"trustfs/jail/wire"
)

// layers names sets of layers; the zero value is none.
type layers uint

const (
	layerNamespaces layers = 1 << iota // with the empty root
	layerLandlock
	layerSeccomp
	layerCaps
	layerLimits
)

const allLayers = layerNamespaces | layerLandlock | layerSeccomp | layerCaps | layerLimits

func (l layers) has(x layers) bool { return l&x == x }

// namespaces are those a worker is born into.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS |
	unix.CLONE_NEWNS

// nobody is the uid and gid that a root parent's workers have outside their user namespace.
const nobody = 65534

const (
	maxThreads = 64       // of a worker; the Go runtime uses about six
	addresses  = 64 << 30 // RLIMIT_AS in bytes: only a ceiling, since Go reserves far more than it uses
	stack      = 1 << 20  // RLIMIT_STACK in bytes: of the first thread; goroutines have theirs on the heap
	openFiles  = wire.FirstFile + wire.MaxFiles
)

// setup is what a worker is told to put on.
func setup(on layers, filter []byte, l Limits) wire.Setup {
	s := wire.Setup{
		Root:     on.has(layerNamespaces),
		Landlock: on.has(layerLandlock),
		Caps:     on.has(layerCaps),
	}
	if on.has(layerSeccomp) {
		s.Filter = filter
	}
	if on.has(layerLimits) {
		s.Rlimits = rlimits(on, l)
	}
	return s
}

// rlimits are the limits that no job changes. RLIMIT_NPROC counts a user's processes in the whole user namespace: only
// in a namespace of its own does it count the worker alone.
//
// Without a user namespace the parent may not have the right to set another user's limits later (CAP_SYS_RESOURCE), so the
// worker is born with the largest that any job may have.
func rlimits(on layers, l Limits) []wire.Rlimit {
	r := []wire.Rlimit{
		{Resource: unix.RLIMIT_NOFILE, Limit: openFiles},
		{Resource: unix.RLIMIT_FSIZE, Limit: 0},
		{Resource: unix.RLIMIT_CORE, Limit: 0},
		{Resource: unix.RLIMIT_STACK, Limit: stack},
		{Resource: unix.RLIMIT_MEMLOCK, Limit: 0},
		{Resource: unix.RLIMIT_MSGQUEUE, Limit: 0},
		{Resource: unix.RLIMIT_AS, Limit: addresses},
	}
	if on.has(layerNamespaces) {
		return append(r, wire.Rlimit{Resource: unix.RLIMIT_NPROC, Limit: maxThreads})
	}
	l = l.withDefaults()
	return append(r, wire.Rlimit{Resource: unix.RLIMIT_DATA, Limit: uint64(l.DataMax + 2*wire.MaxManifest)},
		wire.Rlimit{Resource: unix.RLIMIT_CPU, Limit: uint64(max(l.CPU, time.Hour) / time.Second)})
}
