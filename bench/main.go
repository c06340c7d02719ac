// Command bench measures what trustfs costs beside what it is an alternative to, all in one run, in alternating rounds, best
// against best. It needs root, /dev/fuse, and bin/ as make build leaves it; scripts/bench gives it the rest.
//
//	bench [-only GROUP,...] [-size MiB] [-rounds N] WORKDIR
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A run is one measuring of everything that was asked for.
type run struct {
	work, inputs string // directories: of this run, and of models that the next run takes again
	bin          string // the trustfs
	python       string // an interpreter with torch, safetensors and transformers
	peers        string // where other scanners lie
	size         int64  // bytes of the large models
	rounds       int
	rows         []row
}

func (r *run) add(rows ...row) { r.rows = append(r.rows, rows...) }

// A group is what is measured on one stage.
type group struct {
	name    string
	about   string
	measure func(*run) error
}

var groups = []group{
	{"mount", "opens, reads, first opens and memory of a mount", mountRows},
	{"pickles", "one small pickle and a thousand, beside other scanners", pickleRows},
	{"dense", "pickles that are nearly all opcodes", denseRows},
	{"views", "a view's listing, look-up, opening, reading", viewRows},
	{"pretrained", "transformers reading a folder through its view", pretrainedRows},
	{"convert", "convert beside torch.load and safetensors' save_file", convertRows},
}

func main() {
	if len(os.Args) > 2 && subcommands[os.Args[1]] != nil {
		exit(subcommands[os.Args[1]](os.Args[2:]))
	}
	r := &run{}
	var only, save string
	flag.StringVar(&only, "only", "", "measure these `groups` alone, separated by commas: "+names())
	flag.StringVar(&save, "json", "", "write the rows to `FILE` too")
	flag.IntVar(&r.rounds, "rounds", 5, "rounds of each measurement")
	flag.StringVar(&r.bin, "bin", "bin/trustfs", "the trustfs to measure")
	flag.StringVar(&r.python, "python", "", "a Python with torch, safetensors and transformers")
	flag.StringVar(&r.peers, "peers", "build/peers", "where scripts/peers has put other scanners")
	flag.StringVar(&r.inputs, "inputs", "", "where models are kept for the next run (default: inputs beside WORKDIR)")
	size := flag.Int64("size", 1024, "size of the large models in `MiB`")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	r.size = *size << 20
	exit(r.all(flag.Arg(0), only, save))
}

// subcommands are what bench starts itself again for, in processes of their own.
var subcommands = map[string]func([]string) error{
	"serve-plain": func(args []string) error { return servePlain(args[0], args[1]) },
	"analyse":     func(args []string) error { return analyse(args[0], args[1] == "true") },
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func names() string {
	var all []string
	for _, g := range groups {
		all = append(all, g.name)
	}
	return strings.Join(all, ", ")
}

// all measures what was asked for, and prints the table. A group that fails does not take the others with it.
func (r *run) all(work, only, save string) error {
	wanted := strings.FieldsFunc(only, func(c rune) bool { return c == ',' || c == ' ' })
	for _, name := range wanted {
		if !slices.ContainsFunc(groups, func(g group) bool { return g.name == name }) {
			return fmt.Errorf("-only %s: expected some of %s", name, names())
		}
	}
	if r.inputs == "" {
		r.inputs = filepath.Join(filepath.Dir(work), "inputs")
	}
	r.work = work
	var errs []error
	for _, path := range []*string{&r.work, &r.inputs, &r.bin, &r.peers} {
		var err error
		*path, err = filepath.Abs(*path)
		errs = append(errs, err)
	}
	errs = append(errs, os.MkdirAll(r.work, 0o755), os.MkdirAll(r.inputs, 0o755))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, g := range groups {
		if len(wanted) > 0 && !slices.Contains(wanted, g.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", g.name, g.about)
		if err := g.measure(r); err != nil {
			errs = append(errs, fmt.Errorf("%s: NOT MEASURED: %w", g.name, err))
		}
	}
	errs = append(errs, printRows(os.Stdout, r.rows))
	if save != "" {
		errs = append(errs, saveRows(save, r.rows))
	}
	return errors.Join(errs...)
}
