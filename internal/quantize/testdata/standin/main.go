// Command standin takes llama-quantize's place in tests: it is called as it, says its progress as it, and writes the input
// with one byte more (a GGUF file as it is). The type, and the input's first word, choose what goes wrong.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	in, out, kind := os.Args[1], os.Args[2], os.Args[3]
	b, err := os.ReadFile(in)
	if err != nil {
		fail(err)
	}
	for i := 1; i <= 3; i++ {
		fmt.Printf("[%4d/%4d] blk.%d.weight - [ 64, 64, 1, 1], type = f16, size = 0.01 MB\n", i, 3, i)
	}
	word, _, _ := bytes.Cut(b, []byte(" "))
	switch string(word) {
	case "fail":
		fmt.Fprintln(os.Stderr, "llama_model_quantize: failed: tensor blk.1.weight has no type")
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour)
	case "nothing":
		return
	case "link":
		if err := os.Symlink("/etc/passwd", out); err != nil {
			fail(err)
		}
		return
	case "fifo":
		if err := os.Mkdir(out, 0o700); err != nil {
			fail(err)
		}
		return
	case "escape":
		escape()
	}
	if !bytes.HasPrefix(b, []byte("GGUF")) { // a real model stays one
		b = append(b, kind[0])
	}
	if err := os.WriteFile(out, b, 0o600); err != nil {
		fail(err)
	}
}

// escape tries what a quantizer in an attacker's hands would, and fails if anything of it works.
func escape() {
	if _, err := os.ReadFile("/etc/passwd"); err == nil {
		fail(fmt.Errorf("ESCAPED: read /etc/passwd"))
	}
	if c, err := net.Dial("tcp", "127.0.0.1:22"); err == nil {
		c.Close()
		fail(fmt.Errorf("ESCAPED: a network"))
	}
	if err := os.WriteFile(os.Args[1], nil, 0o600); err == nil {
		fail(fmt.Errorf("ESCAPED: wrote the input"))
	}
	if os.Getenv("SECRET") != "" {
		fail(fmt.Errorf("ESCAPED: the environment"))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}
