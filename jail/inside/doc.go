// Package inside is the part of the jail that runs in the worker: it takes power away in a fixed order, loads the
// seccomp filter last, and then serves tasks, one request after another.
//
// It is pure Go and must be built with CGO_ENABLED=0: the filter's list of system calls is that of the Go runtime alone,
// and the memory limit is measured for it. A main package that calls Main must carry these directives, or the runtime makes
// system calls that the filter answers with death:
//
//	//go:debug containermaxprocs=0   (no reading of cgroup files)
//	//go:debug updatemaxprocs=0
//	//go:debug decoratemappings=0    (no prctl)
//
// The parent adds asyncpreemptoff=1 (no tgkill) through GODEBUG, which has no directive, and GOMAXPROCS=1: a worker does one
// thing at a time, and every thread that the runtime does not start is one that the layers need not be put on.
package inside
