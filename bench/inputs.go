package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

var (
	//go:embed inputs.py
	inputsPy string
	//go:embed pretrained.py
	pretrainedPy string
	//go:embed convert.py
	convertPy string
)

// script makes a Python command; what it says on standard error goes to bench's own.
func (r *run) script(text string, args ...string) (*exec.Cmd, error) {
	if r.python == "" {
		return nil, fmt.Errorf("it needs -python, an interpreter with torch, safetensors and transformers")
	}
	cmd := exec.Command(r.python, append([]string{"-c", text}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// made gives a folder of models that a recipe has made, now or in an earlier run.
func (r *run) made(name string, args ...string) (string, error) {
	dir := filepath.Join(r.inputs, name)
	sum := sha256.Sum256([]byte(inputsPy + fmt.Sprint(args)))
	stamp, want := dir+".stamp", hex.EncodeToString(sum[:])
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "making %s\n", dir)
	cmd, err := r.script(inputsPy, append([]string{name, dir}, args...)...)
	if err == nil {
		err = cmd.Run()
	}
	if err != nil {
		return "", fmt.Errorf("making %s: %w", dir, err)
	}
	return dir, os.WriteFile(stamp, []byte(want), 0o644)
}

// large is the pair of large files, bert the pair of model folders.
func (r *run) large() (string, error) {
	return r.made("large", strconv.FormatInt(r.size>>20, 10))
}

func (r *run) bert() (string, error) { return r.made("bert") }
