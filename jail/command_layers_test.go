package jail

import (
	"errors"
	"os"
	"strings"
	"testing"

	"trustfs/jail/wire"
)

// runChanged runs c with its orders to the launcher changed.
func runChanged(t *testing.T, c *Command, change func(*wire.Command)) (*CommandResult, error) {
	t.Helper()
	l, err := newLauncher(c.WorkerPath)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	spec, err := c.spec()
	if err != nil {
		t.Fatal(err)
	}
	change(spec)
	head, err := wire.EncodeJSON(spec, wire.MaxSetup)
	if err != nil {
		t.Fatal(err)
	}
	return c.run(t.Context(), &l, head)
}

// TestCommandMountsAreReadOnly: without Landlock, and where permissions would allow it, the mounts still do not.
func TestCommandMountsAreReadOnly(t *testing.T) {
	c := shell(t, `(echo x >> /input/in.gguf) 2>/dev/null || echo denied; touch /x 2>/dev/null || echo denied`)
	if err := os.Chmod(c.Input, 0o666); err != nil {
		t.Fatal(err)
	}
	res, err := runChanged(t, c, func(s *wire.Command) { s.Landlock = false })
	if err != nil || string(res.Stdout) != "denied\ndenied\n" {
		t.Errorf("%v, %+v", err, res)
	}
	if b, err := os.ReadFile(c.Input); err != nil || string(b) != "weights" {
		t.Errorf("the input is now %q, %v", b, err)
	}
}

// TestCommandNoticesAReplacedInput: what is mounted must be what was checked.
func TestCommandNoticesAReplacedInput(t *testing.T) {
	c := shell(t, "cat /input/in.gguf")
	_, err := runChanged(t, c, func(*wire.Command) {
		if err := os.WriteFile(c.Input+".new", []byte("other"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(c.Input+".new", c.Input); err != nil {
			t.Fatal(err)
		}
	})
	var ce *CommandError
	if !errors.As(err, &ce) || ce.Reason != ReasonStart || !strings.Contains(string(ce.Stderr), "was replaced") {
		t.Errorf("%v, expected the replaced input to be noticed", err)
	}
}

// TestCommandFilterAlone: what the filter forbids stays forbidden without the other layers' help, and only because of it.
func TestCommandFilterAlone(t *testing.T) {
	if _, err := os.Stat("/usr/bin/perl"); err != nil {
		t.Skip("MISSING: /usr/bin/perl, with which this test makes system calls in the jail")
	}
	c := shell(t, "")
	c.Program = "/usr/bin/perl"
	c.Args = []string{"-e", `use Socket; print socket(my $s, AF_INET, SOCK_DGRAM, 0) ? "open" : "denied"`}
	for name, want := range map[string]string{"with the filter": "denied", "without": "open"} {
		res, err := runChanged(t, c, func(s *wire.Command) {
			s.Landlock = false
			if name == "without" {
				s.Filter = nil
			}
		})
		if err != nil || string(res.Stdout) != want {
			t.Errorf("%s: %v, %+v, expected %s", name, err, res, want)
		}
	}
}
