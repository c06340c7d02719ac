package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A cost is what one process and all below it took.
type cost struct {
	elapsed, cpu time.Duration
	memory       int64  // bytes resident at once at most, of all of them together, as far as samples tell
	out          string // standard output
}

// A command is a way to do something by a process of its own.
type command struct {
	name string
	args []string
	env  []string // beside the environment
	dir  string   // where it runs; "" for here
	exit []int    // status that means that it was done; none: 0
}

// sampleEvery is how often memory is looked at.
const sampleEvery = 5 * time.Millisecond

// cost runs the command once; sample says whether its memory is of interest, which costs it a little time.
func (c command) cost(sample bool) (cost, error) {
	cmd := exec.Command(c.args[0], c.args[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.Dir = &out, &errs, append(os.Environ(), c.env...), c.dir
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	most := make(chan int64, 1)
	stop := make(chan struct{})
	if sample {
		go watchMemory(cmd.Process.Pid, stop, most)
	}
	err := cmd.Wait()
	got := cost{elapsed: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), out: out.String()}
	close(stop)
	if sample {
		got.memory = <-most
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 && !slices.Contains(c.exit, code) {
		return got, fmt.Errorf("%s: %w: %s", c.name, err, lastLine(errs.String()))
	}
	return got, nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// watchMemory samples the resident memory of a process and of all below it until stop is closed.
func watchMemory(pid int, stop <-chan struct{}, most chan<- int64) {
	var peak int64
	for {
		select {
		case <-stop:
			most <- peak
			return
		case <-time.After(sampleEvery):
			peak = max(peak, residentBelow(pid))
		}
	}
}

// residentBelow is the resident memory of a process and its descendants in bytes. A process that ends meanwhile has none.
func residentBelow(pid int) int64 {
	dir := "/proc/" + strconv.Itoa(pid)
	var total int64
	if fields := readFields(dir + "/statm"); len(fields) > 1 {
		pages, _ := strconv.ParseInt(fields[1], 10, 64)
		total = pages * int64(os.Getpagesize())
	}
	lists, _ := filepath.Glob(dir + "/task/*/children")
	for _, list := range lists {
		for _, child := range readFields(list) {
			if n, err := strconv.Atoi(child); err == nil {
				total += residentBelow(n)
			}
		}
	}
	return total
}

func readFields(name string) []string {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

// slow is what a command that is no contender takes: the round that warms up is all of it that is waited for.
const slow = 2 * time.Second

// compete runs each command once a round, one after the other, and keeps the best of each. A first round warms up and
// does not count, but for commands after the first that are slow. What fails is nil in the result, and said.
func compete(commands []command, rounds int) []*cost {
	best := make([]*cost, len(commands))
	over := make([]bool, len(commands))
	for round := range rounds + 1 {
		for i, c := range commands {
			if over[i] {
				continue
			}
			got, err := c.cost(false)
			if err != nil {
				fmt.Fprintf(os.Stderr, "bench: NOT MEASURED: %v\n", err)
				over[i], best[i] = true, nil
				continue
			}
			over[i] = i > 0 && round == 0 && got.elapsed > slow
			if (round > 0 || over[i]) && (best[i] == nil || got.elapsed < best[i].elapsed) {
				best[i] = &got
			}
		}
	}
	return best
}
