package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"trustfs/testdata/gen"
)

const (
	largeName = "large/model.safetensors"
	smallName = "small/model.safetensors"
	manyCount = 500
)

// A stage is the models and the three ways to them.
type stage struct {
	plain   string // the directory
	bare    string // behind the server that checks nothing
	trusted string // behind trustfs
	asking  string // behind trustfs with a policy on the opener
	size    int64  // bytes of the large model
	servers
}

// settled is how old folders must be before a verdict in them is kept without looking again.
const settled = 3 * time.Second

func newStage(work, bin string, size int64) (*stage, error) {
	s := &stage{plain: filepath.Join(work, "models"), bare: filepath.Join(work, "bare"), trusted: filepath.Join(work, "trusted"), size: size}
	if err := s.models(); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err == nil {
		err = s.start(s.bare, exec.Command(self, "serve-plain", s.plain, s.bare))
	}
	if err == nil {
		err = s.startAsking(work, bin)
	}
	time.Sleep(settled)
	if err == nil { // the last one is the daemon whose memory is measured
		err = s.start(s.trusted, exec.Command(bin, "mount", "--profile", "content", "--state", filepath.Join(work, "state"), s.plain, s.trusted))
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// models writes a large and a small safetensors file, and a folder of small pickles.
func (s *stage) models() error {
	if err := os.RemoveAll(s.plain); err != nil {
		return err
	}
	for _, dir := range []string{"large", "small", "many"} {
		if err := os.MkdirAll(filepath.Join(s.plain, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(s.plain, smallName), gen.Safetensors(gen.Tensors(), nil), 0o644); err != nil {
		return err
	}
	for i := range manyCount {
		weights := []gen.Tensor{gen.Ramp(fmt.Sprintf("w%d", i), float32(i), 16)}
		name := filepath.Join(s.plain, "many", fmt.Sprintf("%03d.pt", i))
		if err := os.WriteFile(name, gen.TorchZip(weights, ""), 0o644); err != nil {
			return err
		}
	}
	return s.large()
}

// large writes one tensor of bytes that do not compress.
func (s *stage) large() error {
	f, err := os.Create(filepath.Join(s.plain, largeName))
	if err != nil {
		return err
	}
	defer f.Close()
	header := gen.SafetensorsHeader("weight", "U8", s.size)
	if _, err := f.Write(header); err != nil {
		return err
	}
	random := rand.NewChaCha8([32]byte{1})
	block := make([]byte, 4<<20)
	for left := s.size; left > 0; {
		n := min(left, int64(len(block)))
		_, _ = random.Read(block[:n]) // never fails
		if _, err := f.Write(block[:n]); err != nil {
			return err
		}
		left -= n
	}
	return f.Sync()
}

// ways are the three ways to a file, in the order in which they are measured and shown.
func (s *stage) ways(name string) [3]string {
	return [3]string{filepath.Join(s.plain, name), filepath.Join(s.bare, name), filepath.Join(s.trusted, name)}
}
