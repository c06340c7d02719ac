package advice

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"trustfs/gatekeeper"
	"trustfs/policy"
)

// opener is what the policy may see of who opens: what FUSE says, and, of what the policy refers to, what /proc says of
// the thread. What cannot be had stays null; a policy that refers to it then refuses (policy.ErrOpenerUnknown).
func opener(who *gatekeeper.Opener, fields []string) policy.Opener {
	var o policy.Opener
	if who == nil {
		return o
	}
	o.UID, o.GID = &who.UID, &who.GID
	if who.PID == 0 { // another pid namespace
		return o
	}
	o.PID = &who.PID
	proc := fmt.Sprintf("/proc/%d/", who.PID)
	if slices.Contains(fields, "groups") {
		o.Groups = groups(proc)
	}
	if slices.Contains(fields, "executable") {
		if exe, err := os.Readlink(proc + "exe"); err == nil {
			o.Executable = &exe
		}
	}
	if slices.Contains(fields, "cgroup") {
		o.Cgroup = cgroup(proc)
	}
	return o
}

// groups reads the supplementary groups of a thread. See proc_pid_status(5).
func groups(proc string) *[]uint32 {
	b, err := os.ReadFile(proc + "status")
	if err != nil {
		return nil
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		list, ok := strings.CutPrefix(line, "Groups:")
		if !ok {
			continue
		}
		out := []uint32{}
		for _, f := range strings.Fields(list) {
			n, err := strconv.ParseUint(f, 10, 32)
			if err != nil {
				return nil
			}
			out = append(out, uint32(n))
		}
		return &out
	}
	return nil
}

// cgroup reads the cgroup v2 path of a thread. See cgroups(7).
func cgroup(proc string) *string {
	b, err := os.ReadFile(proc + "cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return &path
		}
	}
	return nil
}

// expand lists the files of a policy with the folders they stand in.
func expand(files []string) []string {
	var out []string
	for _, f := range files {
		out = append(out, f)
		inside, _ := filepath.Glob(filepath.Join(f, "*.rego"))
		out = append(out, inside...)
	}
	return out
}
