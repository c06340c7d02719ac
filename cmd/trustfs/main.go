// Command trustfs mounts a models directory so that open() enforces trust, and judges files without a mount.
//
// One file holds one command; what a command decides lies in the packages it calls. Two programs are built of these files:
// bin/trustfs with the tag lean, which has the commands of commands_lean.go and starts in little time, and
// bin/trustfs-engine, which has all and takes over from the former whenever that lacks something. A file without a tag
// belongs to both. A build without the tag needs no other program.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"trustfs/internal/lean"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program but the exit. The first SIGINT or SIGTERM ends the command in good order; a second one kills.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if err := sameBuild(); err != nil {
		return newApp(stdin, stdout, stderr).finish(err)
	}
	if missing(args) {
		return newApp(stdin, stdout, stderr).finish(handOver())
	}
	if lean.Build {
		// It ends before the garbage is worth collecting, unless something is out of the ordinary.
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(256 << 20)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	a := newApp(stdin, stdout, stderr)
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if errors.Is(err, lean.ErrBeyond) {
		err = handOver()
	}
	return a.finish(err)
}
