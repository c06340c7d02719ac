// Package jail runs everything that reads hostile bytes in a process that can do nothing but read the descriptor it was
// given and answer.
//
// A Pool keeps jailed workers ready and gives each judged file a fresh one (Run). Command runs a real program, a quantizer
// for instance, in the same jail made wide enough for a dynamically linked executable. Probe tries every layer on this
// host and says what is missing and how to mend it.
//
// The layers of a worker, in the order in which they are put on (jail/inside does the inner ones):
//
//  1. clone: user, pid, network, IPC, UTS and mount namespaces; killed when the parent dies; a session of its own; a
//     cgroup v2 leaf where one is delegated; the environment but two settings of the Go runtime
//  2. every descriptor closed but the request socket, the answer pipe and the diagnostics pipe
//  3. limits: processes, open files, file size 0, core 0, stack, locked memory, address space
//  4. an empty, read-only root instead of the host's files
//  5. no_new_privs, Landlock without any access, all capabilities dropped, not dumpable
//  6. the seccomp filter, last: what is not on a short list kills the process
//
// Memory (RLIMIT_DATA) and CPU time are set from outside when the file is known. Nothing here falls back silently: a
// layer that the host cannot give fails NewPool, unless the configuration says Require: RequireSeccomp, and then
// Pool.Missing names what is missing.
//
// The package must not parse model bytes, and must not give a worker a descriptor that can be written through.
package jail
