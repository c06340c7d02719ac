package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Packages that open files or start timers while the program starts have no place in a worker: it starts inside the jail.
func TestTheWorkerLinksNothingThatStartsByItself(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		for _, banned := range []string{"google.golang.org/protobuf/", "github.com/hanwen/go-fuse/", "github.com/open-policy-agent/", "github.com/sigstore/"} {
			if strings.HasPrefix(dep, banned) {
				t.Errorf("the worker links %s", dep)
			}
		}
	}
}
