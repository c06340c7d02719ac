package jail

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mendNamespace finds the setting that forbids a namespace.
func mendNamespace(name string, err error) string {
	return mendNamespaceFrom(name, err, sysctl)
}

// mendNamespaceFrom takes the reader of settings, so that hosts other than this one can be tested.
func mendNamespaceFrom(name string, err error, get func(string) string) string {
	if max := "user.max_" + map[string]string{"mount": "mnt"}[name] + strings.TrimPrefix(name, "mount") + "_namespaces"; get(max) == "0" {
		return "sysctl -w " + max + "=10000"
	}
	switch {
	case get("user.max_user_namespaces") == "0":
		return "sysctl -w user.max_user_namespaces=10000"
	case get("kernel.unprivileged_userns_clone") == "0":
		return "sysctl -w kernel.unprivileged_userns_clone=1"
	case get("kernel.apparmor_restrict_unprivileged_userns") == "1":
		return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for trustfs with 'userns,'"
	case errors.Is(err, unix.EINVAL):
		return "a kernel with CONFIG_USER_NS, CONFIG_PID_NS, CONFIG_NET_NS, CONFIG_IPC_NS and CONFIG_UTS_NS"
	case errors.Is(err, unix.ENOSPC):
		return "sysctl -w user.max_user_namespaces=10000 (also the limits of the other namespaces there), or fewer nested containers"
	case errors.Is(err, unix.EPERM):
		return "for root: CAP_SETUID and CAP_SETGID (a unit's CapabilityBoundingSet=), which make the worker nobody; in a container: --security-opt seccomp=unconfined --security-opt apparmor=unconfined; or jail.require: seccomp"
	}
	return "the message says what the kernel refused; jail.require: seccomp does without namespaces"
}

func sysctl(name string) string {
	b, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
