package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"trustfs/jail/inside"
	"trustfs/jail/wire"
)

// lies are answers that are none; the test names the one to give.
var lies = map[string]func(){
	"half a length":        func() { put([]byte{1, 0}) },
	"half an answer":       func() { put(wire.EncodeAnswer(wire.KindResult, []byte(`{"a":1}`))[:8]) },
	"a huge length":        func() { put(binary.LittleEndian.AppendUint32(nil, math.MaxUint32)); put(make([]byte, 100)) },
	"data unasked":         func() { put(wire.EncodeAnswer(wire.KindData, []byte("{}"))) },
	"a zero length":        func() { put(make([]byte, 5)) },
	"not JSON":             func() { put(wire.EncodeAnswer(wire.KindResult, []byte("allow"))) },
	"empty":                func() { put(wire.EncodeAnswer(wire.KindResult, nil)) },
	"a second hello":       func() { put(wire.EncodeAnswer(wire.KindHello, []byte("{}"))) },
	"an unknown kind":      func() { put(wire.EncodeAnswer(77, []byte("{}"))) },
	"a failure of rubbish": func() { put(wire.EncodeAnswer(wire.KindFailure, []byte("[]"))) },
	"a failure too long":   func() { put(wire.EncodeAnswer(wire.KindFailure, make([]byte, 1<<20))) },
	"silence and success":  func() { os.Exit(0) },
	"silence and an error": func() { os.Exit(9) },
	"an endless flood": func() {
		put(binary.LittleEndian.AppendUint32(nil, math.MaxUint32))
		for {
			put(make([]byte, 1<<16))
		}
	},
	"a flood of diagnostics": func() {
		for {
			_, _ = unix.Write(wire.FDStderr, make([]byte, 1<<16))
		}
	},
	"a crash": func() {
		go func() { var p *int; *p = 1 }()
		select {}
	},
	"terminal sequences": func() { _, _ = unix.Write(wire.FDStderr, []byte("\x1b[2J\x1b]0;owned\a")); os.Exit(1) },
}

func put(b []byte) {
	for len(b) > 0 {
		n, err := unix.Write(wire.FDAnswer, b)
		if err != nil {
			os.Exit(1)
		}
		b = b[n:]
	}
}

// lie gives the named false answer and ends.
func lie(_ []inside.Input, req json.RawMessage) (any, error) {
	var name string
	if err := json.Unmarshal(req, &name); err != nil {
		return nil, err
	}
	lies[name]()
	os.Exit(0)
	return nil, nil
}

func listLies([]inside.Input, json.RawMessage) (any, error) {
	var names []string
	for n := range lies {
		names = append(names, n)
	}
	return names, nil
}

// twice answers two times: the second must never be taken for the answer to another file.
func twice([]inside.Input, json.RawMessage) (any, error) {
	put(wire.EncodeAnswer(wire.KindResult, []byte(`"forged first"`)))
	return "forged second", nil
}

// data sends what it is told before its answer, then does what it is told.
func data(_ []inside.Input, req json.RawMessage) (any, error) {
	var r struct {
		Bytes int
		End   string
	}
	if err := json.Unmarshal(req, &r); err != nil {
		return nil, err
	}
	b := make([]byte, r.Bytes)
	for i := range b {
		b[i] = byte(i * 7)
	}
	if _, err := (inside.Output{}).Write(b); err != nil {
		return nil, err
	}
	switch r.End {
	case "crash":
		os.Exit(9)
	case "fail":
		return nil, errors.New("told to")
	case "huge frame":
		put(wire.EncodeAnswer(wire.KindData, make([]byte, wire.MaxData+1)))
	case "empty frames":
		for {
			put(wire.DataHead(0))
		}
	case "cut frame":
		put(wire.EncodeAnswer(wire.KindData, make([]byte, 100))[:50])
		os.Exit(0)
	}
	return len(b), nil
}
