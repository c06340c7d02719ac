package main

import (
	"bytes"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"trustfs/formats"
	"trustfs/jail"
	"trustfs/jail/tasks"
)

// Files that are judged together get what each gets by itself in a fresh worker.
func TestBatchesChangeNoResult(t *testing.T) {
	p := pool(t)
	base := map[string][]byte{
		"evil.pkl":    []byte("cposix\nsystem\n(S'true'\ntR."),
		"good.pkl":    []byte("\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s."),
		"README.md":   []byte("# hello\n\n<script>x</script> {{ ''.__class__ }}\n"),
		"config.json": []byte(`{"architectures":["X"],"auto_map":{"AutoModel":"m.M"}}`),
		"x.yaml":      []byte("a: !!python/object/apply:os.system [true]\n"),
		"a.zip":       []byte("PK\x05\x06" + string(make([]byte, 18))),
		"noise.bin":   bytes.Repeat([]byte{0xff, 0x13, 0x77, 0x01}, 3000),
	}
	type file struct {
		name    string
		content []byte
	}
	var files []file
	for name, b := range base {
		for cut := range 12 {
			files = append(files, file{name, b[:len(b)*cut/11]})
		}
	}
	together := make([]formats.Result, len(files))
	var all sync.WaitGroup
	for i, f := range files {
		all.Go(func() {
			req := tasks.NewInspectRequest([]string{f.name}, []string{"torch", "numpy"}, formats.DefaultBudget())
			b, err := p.RunSmall(t.Context(), jail.Small{Task: tasks.Inspect, Content: f.content, Request: req})
			if err == nil {
				together[i], err = tasks.DecodeResult(b)
			}
			if err != nil {
				t.Errorf("%s of %d bytes, together: %v", f.name, len(f.content), err)
			}
		})
	}
	all.Wait()
	rules := map[string]bool{}
	for i, f := range files {
		alone, err := inspectIn(t, p, f.content, f.name)
		if err != nil {
			t.Fatalf("%s of %d bytes, alone: %v", f.name, len(f.content), err)
		}
		if !reflect.DeepEqual(alone, together[i]) {
			t.Errorf("%s of %d bytes:\nalone    %+v\ntogether %+v", f.name, len(f.content), alone, together[i])
		}
		for _, found := range alone.Findings {
			rules[found.Rule] = true
		}
	}
	if len(rules) < 4 {
		t.Error(fmt.Sprint("the files prove little: only these rules were found: ", rules))
	}
}
