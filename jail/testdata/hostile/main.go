// Command hostile is a worker that has been taken over: the red team of the jail's tests. It is built by the tests alone.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"trustfs/jail/inside"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "command" {
		inside.Command()
	}
	table := map[string]inside.Task{
		"echo":    func(_ []inside.Input, req json.RawMessage) (any, error) { return req, nil },
		"read":    read,
		"fail":    func([]inside.Input, json.RawMessage) (any, error) { return nil, errors.New("no\x1b[31m good") },
		"panic":   func([]inside.Input, json.RawMessage) (any, error) { panic("told to") },
		"sleep":   func([]inside.Input, json.RawMessage) (any, error) { time.Sleep(time.Hour); return nil, nil },
		"garbage": garbage,
		"list":    list,
		"attack":  attackTask,
		"lies":    listLies,
		"lie":     lie,
		"twice":   twice,
		"data":    data,
		"threads": threads,
	}
	table["mixed"] = func(in []inside.Input, req json.RawMessage) (any, error) { return mixed(table, in, req) }
	inside.Main(table)
}

// threads keeps some threads of the runtime busy at one time, as blocking calls and the garbage collector do.
func threads([]inside.Input, json.RawMessage) (any, error) {
	const n = 20
	var here sync.WaitGroup
	here.Add(n)
	for range n {
		go func() {
			runtime.LockOSThread()
			here.Done()
			here.Wait()
		}()
	}
	here.Wait()
	return n, nil
}

// mixed does the task that its request names: the files of a batch have one task.
func mixed(table map[string]inside.Task, in []inside.Input, req json.RawMessage) (any, error) {
	var r struct {
		Task string
		Body json.RawMessage
	}
	if err := json.Unmarshal(req, &r); err != nil {
		return nil, err
	}
	return table[r.Task](in, r.Body)
}

// read answers with the sum of all bytes of all inputs.
func read(in []inside.Input, _ json.RawMessage) (any, error) {
	sum := 0
	buf := make([]byte, 1<<16)
	for _, i := range in {
		r := io.NewSectionReader(i.R, 0, i.Size)
		for {
			n, err := r.Read(buf)
			for _, b := range buf[:n] {
				sum += int(b)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				break // deliberately swallowed: the answer must be a failure all the same
			}
		}
	}
	return sum, nil
}

// garbage makes the garbage collector, its timers and new threads work under the filter.
func garbage([]inside.Input, json.RawMessage) (any, error) {
	done := make(chan int)
	for g := range 8 {
		go func() {
			n := 0
			for i := range 3000 {
				n += len(fmt.Sprintf("%d-%d", g, i)) + len(make([]byte, 10_000))
			}
			done <- n
		}()
	}
	n := 0
	for range 8 {
		n += <-done
	}
	time.Sleep(20 * time.Millisecond)
	return n, nil
}
