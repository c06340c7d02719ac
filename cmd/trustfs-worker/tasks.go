package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"trustfs/formats"
	"trustfs/formats/all"
	"trustfs/jail/inside"
	"trustfs/jail/tasks"
	"trustfs/jail/wire"
	"trustfs/views"
)

// table is all that a worker can be asked to do.
var table = map[string]inside.Task{
	tasks.Inspect: inspect,
	tasks.View:    view,
	tasks.Inflate: inflate,
}

func inspect(in []inside.Input, request json.RawMessage) (any, error) {
	var req tasks.InspectRequest
	if err := json.Unmarshal(request, &req); err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	if len(in) != 1 {
		return nil, fmt.Errorf("inspect: %d files, expected 1", len(in))
	}
	names := make([]string, len(req.Names))
	for i, n := range req.Names {
		names[i] = string(n)
	}
	return all.Inspect(in[0].R, in[0].Size, names, all.Options{Budget: req.Budget, Presets: req.Presets}), nil
}

func view(in []inside.Input, request json.RawMessage) (any, error) {
	var req tasks.ViewRequest
	if err := json.Unmarshal(request, &req); err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	if len(in) != 1 {
		return nil, fmt.Errorf("view: %d files, expected 1", len(in))
	}
	return views.Answering(in[0].R, in[0].Size, req.Kind, func(r io.ReaderAt, size int64) formats.Result {
		return all.Inspect(r, size, []string{string(req.Name)}, all.Options{Budget: req.Budget, Presets: req.Presets})
	})
}

func inflate(in []inside.Input, request json.RawMessage) (any, error) {
	var req tasks.InflateRequest
	if err := json.Unmarshal(request, &req); err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	if len(in) != 1 {
		return nil, fmt.Errorf("inflate: %d files, expected 1", len(in))
	}
	out := bufio.NewWriterSize(inside.Output{}, wire.MaxData) // the parent wants full frames
	err := views.Inflate(out, in[0].R, req.Members, req.Budget)
	if err == nil {
		err = out.Flush()
	}
	if limit, ok := errors.AsType[*views.LimitError](err); ok {
		return tasks.InflateAnswer{Limit: limit.Error()}, nil
	}
	return tasks.InflateAnswer{}, err
}
