package jail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// shell is a Command that runs a shell script on a small input.
func shell(t *testing.T, script string) *Command {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.gguf"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, []byte("weights"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	return &Command{WorkerPath: hostileWorker, Program: "/bin/sh", Args: []string{"-c", script}, Input: in, OutputDir: out,
		Limits: CommandLimits{Wall: 20 * time.Second}}
}

func TestCommandReadsInputAndWritesOutput(t *testing.T) {
	c := shell(t, `tr a-z A-Z < /input/in.gguf > /output/out.gguf; echo one; printf 'half\rtwo\n' >&2`)
	var lines []string
	c.Progress = func(s string) { lines = append(lines, s) }
	res, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	if got := strings.Join(lines, ","); got != "half,one,two" {
		t.Errorf("progress lines %q", got)
	}
	if string(res.Stdout) != "one\n" || string(res.Stderr) != "half\rtwo\n" {
		t.Errorf("stdout %q, stderr %q", res.Stdout, res.Stderr)
	}
	b, err := os.ReadFile(filepath.Join(c.OutputDir, "out.gguf"))
	if err != nil || string(b) != "WEIGHTS" {
		t.Errorf("output %q, %v", b, err)
	}
}

// TestCommandSeesNothingElse asks a shell in the jail; each script must print exactly what is expected.
func TestCommandSeesNothingElse(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantUID := 0 // of the namespace: an ordinary user's program is that user
	if os.Geteuid() == 0 {
		wantUID = nobody
	}
	for name, c := range map[string]struct{ script, want string }{
		"root unlisted":  {`cd /; echo *`, "*"},
		"nothing else":   {`for f in /home /root /proc /sys /var /etc/passwd /run /dev/tty /boot; do [ -e $f ] && echo $f; done; :`, ""},
		"what is there":  {`for f in /usr /bin /input /output /tmp /dev/null /etc; do [ -e $f ] || echo no $f; done`, ""},
		"who":            {`id -u`, fmt.Sprint(wantUID)},
		"no secret":      {`cat ` + secret + ` 2>/dev/null || echo denied`, "denied"},
		"no proc":        {`cat /proc/self/status 2>/dev/null || echo denied`, "denied"},
		"no passwd":      {`cat /etc/passwd 2>/dev/null || echo denied`, "denied"},
		"input stays":    {`(echo x >> /input/in.gguf) 2>/dev/null || echo denied`, "denied"},
		"input removed":  {`rm -f /input/in.gguf 2>/dev/null || echo denied`, "denied"},
		"usr stays":      {`(echo x > /usr/x) 2>/dev/null || echo denied`, "denied"},
		"root stays":     {`mkdir /x 2>/dev/null || echo denied`, "denied"},
		"output no exec": {`cp /bin/true /output/t && chmod +x /output/t && /output/t 2>/dev/null || echo denied`, "denied"},
		"tmp no exec":    {`cp /bin/true /tmp/t && chmod +x /tmp/t && /tmp/t 2>/dev/null || echo denied`, "denied"},
		"tmp":            {`echo x > /tmp/x && cat /tmp/x`, "x"},
		"environment":    {`env | sort | tr '\n' ' '`, "HOME=/tmp LANG=C.UTF-8 PATH=/usr/bin PWD=/tmp TMPDIR=/tmp "},
		"stdin":          {`cat | wc -c`, "0"},
		"no mount":       {`mount -t tmpfs none /tmp 2>/dev/null || echo denied`, "denied"},
		"no unshare":     {`unshare -r true 2>/dev/null || echo denied`, "denied"},
		"no devices":     {`mknod /tmp/n c 1 3 2>/dev/null || echo denied`, "denied"},
		"pid":            {`echo $$`, "1"},
		"null":           {`echo x > /dev/null && echo fine`, "fine"},
	} {
		res, err := shell(t, c.script).Run(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := strings.TrimSuffix(string(res.Stdout), "\n")
		if got != c.want {
			t.Errorf("%s: %q, expected %q (stderr %q)", name, got, c.want, res.Stderr)
		}
	}
}

func TestCommandHasNoNetwork(t *testing.T) {
	if _, err := os.Stat("/usr/bin/perl"); err != nil {
		t.Skip("MISSING: /usr/bin/perl, with which this test opens sockets in the jail")
	}
	c := shell(t, "")
	c.Program = "/usr/bin/perl"
	c.Args = []string{"-e", `use Socket; for my $d (AF_INET, AF_UNIX, 16) { socket(my $s, $d, SOCK_DGRAM, 0) and print "open $d\n"; } print "done\n"`}
	res, err := c.Run(t.Context())
	if err != nil || string(res.Stdout) != "done\n" {
		t.Errorf("%v %+v", err, res)
	}
}

func TestCommandEnds(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		change func(*Command)
		reason Reason
		code   int
		stderr string
	}{
		"status":  {"echo bad tensor >&2; exit 7", nil, ReasonCrashed, 7, "bad tensor"},
		"timeout": {"sleep 100", func(c *Command) { c.Limits.Wall = 300 * time.Millisecond }, ReasonTimeout, -1, ""},
		"children time out too": {"sleep 100 & sleep 100 & wait", func(c *Command) { c.Limits.Wall = 300 * time.Millisecond },
			ReasonTimeout, -1, ""},
		"cpu":       {"while :; do :; done", func(c *Command) { c.Limits.CPU = time.Second }, ReasonLimit, -1, ""},
		"file size": {"head -c 2000000 /dev/zero > /output/x", func(c *Command) { c.Limits.File = 1 << 20 }, ReasonCrashed, 153, ""},
		"no such program": {"", func(c *Command) {
			c.Program = filepath.Join(c.OutputDir, "text")
			if err := os.WriteFile(c.Program, []byte("no program"), 0o755); err != nil {
				panic(err)
			}
		}, ReasonStart, 3, "exec format error"},
	} {
		cmd := shell(t, c.script)
		if c.change != nil {
			c.change(cmd)
		}
		_, err := cmd.Run(t.Context())
		var ce *CommandError
		if !errors.As(err, &ce) || ce.Reason != c.reason || ce.ExitCode != c.code || !strings.Contains(string(ce.Stderr), c.stderr) {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

func TestCommandIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := shell(t, "echo begun; sleep 100")
	c.Progress = func(string) { cancel() }
	if _, err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, expected the context's error", err)
	}
	if pids := children(t); len(pids) != 0 {
		t.Errorf("processes %v are left", pids)
	}
}

func TestCommandBoundsItsOutput(t *testing.T) {
	c := shell(t, `head -c 3000000 /dev/zero | tr '\0' x; echo end`)
	c.Limits.Capture = 1000
	longest := 0
	c.Progress = func(s string) { longest = max(longest, len(s)) }
	res, err := c.Run(t.Context())
	if err != nil || len(res.Stdout) != 1000 || !strings.HasSuffix(string(res.Stdout), "end\n") || longest > maxLine {
		t.Errorf("%v: %d bytes kept, longest line %d", err, len(res.Stdout), longest)
	}
}

func TestCommandRunsAProgramElsewhere(t *testing.T) {
	dir := t.TempDir()
	b, err := os.ReadFile("/usr/bin/cat")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tool"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lib.txt"), []byte("beside"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := shell(t, "")
	c.Program, c.Args = filepath.Join(dir, "tool"), []string{"/input/in.gguf"}
	if res, err := c.Run(t.Context()); err != nil || string(res.Stdout) != "weights" {
		t.Errorf("%v, %+v", err, res)
	}
	c.Args = []string{"/program/lib.txt"}
	if _, err := c.Run(t.Context()); err == nil {
		t.Error("what lies beside the program is visible without Siblings")
	}
	c.Siblings = true
	if os.Geteuid() == 0 {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if res, err := c.Run(t.Context()); err != nil || string(res.Stdout) != "beside" {
		t.Errorf("%v, %+v", err, res)
	}
}

func TestCommandRefusesOddPaths(t *testing.T) {
	for name, change := range map[string]func(*Command){
		"directory as input":  func(c *Command) { c.Input = c.OutputDir },
		"file as output":      func(c *Command) { c.OutputDir = c.Input },
		"device as input":     func(c *Command) { c.Input = "/dev/null" },
		"missing input":       func(c *Command) { c.Input += "x" },
		"missing program":     func(c *Command) { c.Program = "/nothing" },
		"directory program":   func(c *Command) { c.Program = "/usr" },
		"weaker jail allowed": func(c *Command) { c.Require = RequireSeccomp },
	} {
		c := shell(t, "true")
		change(c)
		if _, err := c.Run(t.Context()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
