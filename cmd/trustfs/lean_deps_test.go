package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What makes a start long has no place in the program that is called for each file, and what needs cgo brings the dynamic
// linker.
func TestTheLeanProgramLinksNothingLarge(t *testing.T) {
	c := exec.Command("go", "list", "-deps", "-tags", "lean", "-f", "{{.ImportPath}} {{len .CgoFiles}}", ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := 0
	for line := range strings.Lines(string(out)) {
		packages++
		name, cgo, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, banned := range []string{
			"github.com/open-policy-agent/", "github.com/sigstore/", "google.golang.org/protobuf/", "google.golang.org/grpc",
			"github.com/CycloneDX/", "github.com/spdx/", "github.com/hanwen/go-fuse/", "github.com/seccomp/", "trustfs/policy", "trustfs/fs",
		} {
			if strings.HasPrefix(name, banned) {
				t.Errorf("the lean program links %s; a file with the tag !lean should, or go list -deps -tags lean says who does", name)
			}
		}
		if cgo != "0" {
			t.Errorf("%s is in C: the lean program is built with CGO_ENABLED=0", name)
		}
	}
	if packages < 50 {
		t.Errorf("only %d packages: has the list changed its form?", packages)
	}
}
