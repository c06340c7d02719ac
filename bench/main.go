// Command bench measures what trustfs costs, beside a server that checks nothing and beside the plain directory, all in one
// run, in alternating rounds, best against best. It needs root, /dev/fuse, and bin/ as make build leaves it.
//
//	bench [-size MiB] [-rounds N] WORKDIR
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "serve-plain" {
		exit(servePlain(os.Args[2], os.Args[3]))
	}
	size := flag.Int64("size", 1024, "size of the large model in MiB")
	rounds := flag.Int("rounds", 5, "rounds of each measurement")
	bin := flag.String("bin", "bin/trustfs", "the trustfs to measure")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	exit(run(flag.Arg(0), *bin, *size<<20, *rounds))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run makes the models, mounts them twice, measures, and prints the table.
func run(work, bin string, size int64, rounds int) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	s, err := newStage(work, bin, size)
	if err != nil {
		return err
	}
	defer s.close()
	var rows []row
	for _, measure := range []func(*stage, int) ([]row, error){cachedOpen, askedOpen, warmRead, warmMap, firstOpen, manyFiles, memory} {
		r, err := measure(s, rounds)
		if err != nil {
			return err
		}
		rows = append(rows, r...)
	}
	return printRows(os.Stdout, rows)
}
