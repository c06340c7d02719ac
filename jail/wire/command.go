package wire

// Command is what the launcher of a jailed program (trustfs-worker command) reads from descriptor 0 before it becomes
// that program. Paths on the left are the host's, on the right inside the jail.
type Command struct {
	Filter   []byte
	Landlock bool
	Uid, Gid int // inside the user namespace, for the program
	Rlimits  []Rlimit
	Mounts   []Mount
	TmpBytes int64 // of the private /tmp
	Argv     []string
	Env      []string
}

// Mount makes one host path visible.
type Mount struct {
	Source   string
	Target   string // absolute, inside the jail
	Write    bool
	Exec     bool
	Device   bool   // a device node that stays one
	Optional bool   // skipped where the host has no such path
	Dev, Ino uint64 // what Source must be, when Ino is not 0: it was checked before by descriptor
}
