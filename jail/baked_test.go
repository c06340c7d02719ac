package jail

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

var bake = flag.Bool("bake", false, "write the worker's filter for the lean program: go test ./jail -run TestBakedFilter -bake")

// A seccompData is what a filter sees of a system call. See seccomp(2).
type seccompData struct {
	nr, arch uint32
	ip       uint64
	args     [6]uint64
}

// word is the 32 bits at an offset of struct seccomp_data, on a little-endian machine.
func (d *seccompData) word(off uint32) uint32 {
	fields := [8]uint64{uint64(d.nr) | uint64(d.arch)<<32, d.ip, d.args[0], d.args[1], d.args[2], d.args[3], d.args[4], d.args[5]}
	return uint32(fields[off/8] >> (off % 8 * 8))
}

// runFilter is the kernel's interpreter for what libseccomp emits.
func runFilter(prog []byte, d *seccompData) (uint32, error) {
	var a uint32
	for pc := 0; pc*8+8 <= len(prog); pc++ {
		in := prog[pc*8:]
		code, jt, jf, k := binary.LittleEndian.Uint16(in), in[2], in[3], binary.LittleEndian.Uint32(in[4:])
		jump := func(on bool) {
			if on {
				pc += int(jt)
			} else {
				pc += int(jf)
			}
		}
		switch code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = d.word(k)
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= k
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(k)
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			jump(a == k)
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			jump(a > k)
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			jump(a >= k)
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			jump(a&k != 0)
		case unix.BPF_RET | unix.BPF_K:
			return k, nil
		default:
			return 0, fmt.Errorf("instruction %d: code %#x", pc, code)
		}
	}
	return 0, fmt.Errorf("it runs off its end")
}

// samples are calls at and around everything that the profile of a worker speaks of.
func samples(t *testing.T) (calls []seccompData) {
	values, profile := map[uint64]bool{}, map[uint32]bool{}
	add := func(v uint64) {
		for _, near := range []uint64{0, v - 1, v, v + 1, ^v} {
			values[near] = true
		}
		for bit := range 64 {
			values[v^1<<bit] = true
		}
	}
	for _, c := range workerCalls {
		nr, err := libseccomp.GetSyscallFromName(c.name)
		if err != nil {
			t.Fatal(err)
		}
		profile[uint32(nr)] = true
		for _, cond := range c.conds {
			add(cond.Operand1)
			add(cond.Operand2)
		}
	}
	for _, arch := range []uint32{unix.AUDIT_ARCH_X86_64, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_AARCH64} {
		for nr := range uint32(600) {
			for _, nr := range []uint32{nr, nr | 0x40000000} {
				calls = append(calls, seccompData{nr: nr, arch: arch})
				if arch != unix.AUDIT_ARCH_X86_64 || !profile[nr] {
					continue
				}
				for v := range values {
					for arg := range 6 {
						one := seccompData{nr: nr, arch: arch, args: [6]uint64{goThread, 0, 0, goMemory, low32, 0}}
						one.args[arg] = v
						calls = append(calls, one)
					}
				}
			}
		}
	}
	return calls
}

// The lean program's filter must do what the table says: the two are run side by side.
func TestBakedFilter(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("SKIPPED: a filter is kept for amd64 alone; elsewhere the lean program hands over")
	}
	want, err := compileFilter(workerCalls)
	if err != nil {
		t.Fatal(err)
	}
	const name = "filter_amd64.bpf"
	if *bake {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	allowed, denied := 0, 0
	for _, d := range samples(t) {
		w, err := runFilter(want, &d)
		if err != nil {
			t.Fatal(err)
		}
		if g, err := runFilter(got, &d); err != nil || g != w {
			t.Fatalf("call %+v: the table says %#x, the kept filter %#x, %v; after a look at both: go test ./jail -run TestBakedFilter -bake", d, w, g, err)
		}
		if w == unix.SECCOMP_RET_ALLOW {
			allowed++
		} else {
			denied++
		}
	}
	if allowed < 1000 || denied < 1000 {
		t.Errorf("%d samples allowed, %d denied: the samples miss the profile", allowed, denied)
	}
}
