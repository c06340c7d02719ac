// Command trustfs-worker is the jailed analyser. trustfs starts it, hands it one descriptor and a Manifest, and reads its
// answer; it is of no use by hand. Build it with CGO_ENABLED=0.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0
package main

import (
	"os"

	"trustfs/jail/inside"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "command" {
		inside.Command()
	}
	inside.Main(table)
}
