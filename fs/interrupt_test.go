package fs

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"trustfs/gatekeeper"
)

// A child is this test binary in another mode, and the lines that it prints.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func startChild(t *testing.T, mode string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self, args...)}
	c.cmd.Env = append(os.Environ(), childMode+"="+mode)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	return c
}

func (c *child) line() string {
	c.lines.Scan()
	return c.lines.Text()
}

// tid is the first line of a child that opens: the thread that will wait.
func (c *child) tid(t *testing.T) int {
	t.Helper()
	tid, err := strconv.Atoi(c.line())
	if err != nil {
		t.Fatal(err)
	}
	return tid
}

// slowGate holds judgements until release is closed, or their opener is interrupted.
func slowGate(r *rig) (waiting chan struct{}, release chan struct{}) {
	waiting, release = make(chan struct{}, 100), make(chan struct{})
	r.gate.hold(func(ctx context.Context, _ gatekeeper.Subject) error {
		waiting <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return waiting, release
}

func TestSignalsThatEndAnOpen(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGTERM, unix.SIGKILL} {
		r := newRig(t)
		r.put("m", "x")
		waiting, release := slowGate(r)
		c := startChild(t, "open", r.in("m"))
		tid := c.tid(t)
		<-waiting
		if err := unix.Tgkill(c.cmd.Process.Pid, tid, sig); err != nil {
			t.Fatal(err)
		}
		answer := make(chan string, 1)
		go func() { answer <- c.line() }()
		select {
		case got := <-answer:
			if want := "result: interrupted system call"; sig == unix.SIGUSR1 && got != want {
				t.Errorf("%v: %q, want %q", sig, got, want)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%v: the open goes on", sig)
		}
		close(release)
		_ = c.cmd.Wait()
	}
}

func TestSignalsThatDoNot(t *testing.T) {
	r := newRig(t)
	r.put("m", "x")
	waiting, release := slowGate(r)
	c := startChild(t, "open", r.in("m"))
	tid := c.tid(t)
	<-waiting
	for range 10 {
		for _, sig := range []unix.Signal{unix.SIGURG, unix.SIGWINCH, unix.SIGCHLD, unix.SIGCONT} {
			if err := unix.Tgkill(c.cmd.Process.Pid, tid, sig); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(pendingPoll / 2)
	}
	close(release)
	if got := c.line(); got != "result: <nil>" {
		t.Errorf("open: %q", got)
	}
	if _, _, asked := r.gate.told(); asked != 1 {
		t.Errorf("the gate was asked %d times for one open", asked)
	}
}

// An opener that does not die must not hold the unmount.
func TestCloseWhileJudging(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Grace = 50 * time.Millisecond })
	r.put("m", "x")
	waiting, release := slowGate(r)
	defer close(release)
	c := startChild(t, "open", r.in("m"))
	c.line()
	<-waiting
	if _, err := r.srv.Close(); err != nil {
		t.Fatal(err)
	}
	if got := c.line(); got != "result: interrupted system call" {
		t.Errorf("open: %q", got)
	}
	r.srv.Wait()
}

func TestSignalMasks(t *testing.T) {
	const good = "Name:\tcat\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000000001\nSigBlk:\tffffffffffffffff\n"
	m, ok := signalMasks(bufio.NewScanner(strings.NewReader(good)))
	if !ok || m != (masks{0x100, 1, 1<<64 - 1}) {
		t.Errorf("%+v, %v", m, ok)
	}
	for _, bad := range []string{"", "SigPnd:\t0\nShdPnd:\t0\n", strings.Replace(good, "0100", "01zz", 1)} {
		if _, ok := signalMasks(bufio.NewScanner(strings.NewReader(bad))); ok {
			t.Errorf("%q was taken", bad)
		}
	}
	if !signalled(0) || !signalled(1<<31-2) {
		t.Error("a thread that cannot be looked at does not count as signalled")
	}
	if signalled(uint32(os.Getpid())) {
		t.Error("this process counts as signalled")
	}
}
