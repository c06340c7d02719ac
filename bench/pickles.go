package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// manyPickles is how many small pickles a folder has.
const manyPickles = 1000

// pickleRows measures whole processes: everything that somebody waits for who types the command.
func pickleRows(r *run) error {
	one := filepath.Join(r.work, "one.pkl")
	if err := os.WriteFile(one, smallPickle(0, 350), 0o644); err != nil {
		return err
	}
	if err := r.race("a small pickle (350 bytes), whole process", one, true, r.rounds, 3); err != nil {
		return err
	}
	for _, size := range []int{350, 6000} {
		dir := filepath.Join(r.work, fmt.Sprintf("pickles-%d", size))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for i := range manyPickles {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.pkl", i)), smallPickle(i, size), 0o644); err != nil {
				return err
			}
		}
		if err := r.race(fmt.Sprintf("a folder of %d pickles of %d bytes, whole process", manyPickles, size), dir, false, max(1, r.rounds-2), 8); err != nil {
			return err
		}
	}
	return nil
}

// smallPickle is a settings dictionary of about size bytes as a trainer saves it, no two alike: protocol 4, strings in the
// memo, an OrderedDict.
func smallPickle(number, size int) []byte {
	text := func(b []byte, s string) []byte { return fmt.Appendf(b, "\x8c%c%s\x94", len(s), s) }
	b := []byte("\x80\x04\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94(")
	b = binary.LittleEndian.AppendUint32(append(text(b, "run"), 'J'), uint32(number))
	for i := 0; len(b) < size-2; i++ {
		b = text(b, fmt.Sprintf("layer.%d.w", i))
		switch i % 3 {
		case 0:
			b = append(b, 'K', byte(i))
		case 1:
			b = binary.BigEndian.AppendUint64(append(b, 'G'), math.Float64bits(float64(number)/float64(i+1)))
		default:
			b = text(b, fmt.Sprintf("value %d", number+i))
		}
	}
	return append(b, 'u', '.')
}

// peerCommands are other scanners' command lines over path. A scanner's "infected" is an answer too. modelaudit would ask a
// server before it begins.
func (r *run) peerCommands(path string, single bool) []command {
	quiet := []string{"PROMPTFOO_DISABLE_TELEMETRY=1", "NO_ANALYTICS=1", "DO_NOT_TRACK=1"}
	all := []command{
		{name: "picklescan", args: []string{"picklescan", "-p", path}},
		{name: "modelscan", args: []string{"modelscan", "-p", path}},
	}
	if single { // of a folder it takes one file alone
		all = append(all, command{name: "fickling", args: []string{"fickling", "--check-safety", path}})
		all = append(all, command{name: "modelaudit", args: []string{"modelaudit", "scan", "--no-cache", path}})
	}
	var there []command
	for _, c := range all {
		c.args[0] = filepath.Join(r.peers, c.name, "bin", c.args[0])
		c.env, c.exit, c.dir = quiet, []int{1}, r.work // where fickling leaves its results
		if _, err := os.Stat(c.args[0]); err != nil {
			fmt.Fprintf(os.Stderr, "bench: NOT MEASURED: %s is not installed; run scripts/peers\n", c.name)
			continue
		}
		there = append(there, c)
	}
	return there
}

// race measures trustfs beside all peers over one path; times is how much faster than the fastest it must be.
func (r *run) race(what, path string, single bool, rounds int, times float64) error {
	ours := command{name: "trustfs", args: []string{r.bin, "audit", "--profile", "content", "--state", filepath.Join(r.work, "no-state"), path}}
	commands := append([]command{ours}, r.peerCommands(path, single)...)
	best := compete(commands, rounds)
	if best[0] == nil {
		return fmt.Errorf("%s: trustfs failed", what)
	}
	row := row{What: what, Trusted: milli(*best[0])}
	var words []string
	var fastest *cost
	name := ""
	for i, c := range commands[1:] {
		got := best[i+1]
		if got == nil {
			continue
		}
		words = append(words, c.name+" "+milli(*got))
		if fastest == nil || got.elapsed < fastest.elapsed {
			fastest, name = got, c.name
		}
	}
	row.Beside = strings.Join(words, ", ")
	if fastest != nil {
		faster := ratio(fastest.elapsed, best[0].elapsed)
		row.Ratio = fmt.Sprintf("%.1f times faster than %s", faster, name)
		row.Goals = []goal{atLeast(faster, times, " times")}
	}
	r.add(row)
	return nil
}

// milli tells elapsed and processor time.
func milli(c cost) string {
	return fmt.Sprintf("%.0f ms (%.0f ms of processor)", ms(c.elapsed), ms(c.cpu))
}
