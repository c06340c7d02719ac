package inside

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"trustfs/jail/wire"
)

// exit codes of a worker, which the parent shows in its errors.
const (
	exitDone   = 0
	exitSetup  = 3 // a layer could not be put on: said on the diagnostics pipe
	exitParent = 4 // the parent went away or sent something broken
)

// Main puts the process into the jail and serves tasks until the parent has no more. It does not return.
func Main(tasks map[string]Task) {
	runtime.GOMAXPROCS(1) // the work of one file is sequential; parallelism comes from several workers
	setup, err := prepare()
	if err == nil {
		err = enter(setup)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "trustfs-worker: %v\n", err)
		os.Exit(exitSetup)
	}
	os.Exit(serve(tasks))
}

// prepare closes what was inherited by mistake, fixes the runtime's own descriptors, and reads the set-up.
func prepare() (*wire.Setup, error) {
	if err := settleDescriptors(); err != nil {
		return nil, err
	}
	b, err := readFrame(wire.MaxSetup, nil)
	if err != nil {
		return nil, fmt.Errorf("set-up: %w (this program is started by trustfs, not by hand)", err)
	}
	var s wire.Setup
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("set-up: %w", err)
	}
	return &s, nil
}

// enter puts on the layers in their order and says so to the parent.
func enter(s *wire.Setup) error {
	abi, err := confine(s)
	if err != nil {
		return err
	}
	hello, err := json.Marshal(wire.Hello{LandlockABI: abi})
	if err != nil {
		return err
	}
	return writeAll(wire.FDAnswer, wire.EncodeAnswer(wire.KindHello, hello))
}
