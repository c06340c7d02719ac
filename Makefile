# trustfs. `make run` and `make test` are all that a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PREFIX  ?= /usr
DESTDIR ?=
MODELS  ?= build/sample
LDFLAGS := -s -w -X main.version=$(VERSION)
STATICCHECK := build/tools/staticcheck-0.8.2

# testdata holds Go code too (the sample generator, the real-reader driver), which ./... leaves out.
PACKAGES := ./... ./testdata/gen/... ./testdata/clients/... ./testdata/oracle/... ./testdata/views/...

# What has files for the lean program alone: see internal/lean.
LEAN := ./cmd/trustfs ./internal/lean ./jail ./provenance/...

.PHONY: help deps deps-test build run demo test unit lint fuzz bench profile clients oracle install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install from Debian what building and mounting need
	@scripts/deps build

deps-test: deps
	@scripts/deps test

build: deps ## bin/trustfs, bin/trustfs-engine and bin/trustfs-worker
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/trustfs-engine ./cmd/trustfs
	CGO_ENABLED=0 go build -tags lean -trimpath -ldflags '$(LDFLAGS)' -o bin/trustfs ./cmd/trustfs
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/trustfs-worker ./cmd/trustfs-worker

run: build ## mount MODELS=DIR (a generated sample tree) in the foreground and show what is refused
	@scripts/run "$(MODELS)"

demo: build ## the same in a few seconds, without staying: mount, read, be refused, unmount
	@scripts/demo

test: deps-test build lint unit clients ## everything: lint, Go tests with the race detector, real readers

unit: build
	scripts/unit

lint: deps $(STATICCHECK) ## go vet, staticcheck, banned calls
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt -w these:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet $(PACKAGES)
	$(STATICCHECK) $(PACKAGES)
	$(STATICCHECK) -tags lean -tests=false $(LEAN)
	scripts/banned

$(STATICCHECK):
	@mkdir -p build/tools
	GOBIN=$(CURDIR)/build/tools go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	@mv build/tools/staticcheck $@

FUZZTIME ?= 20s
fuzz: deps ## every fuzz target for FUZZTIME (20s)
	scripts/fuzz $(FUZZTIME)

bench: deps-test build ## costs beside other ways to the same end; scripts/bench -only GROUP for a part
	scripts/bench

profile: deps ## what the compiler knows of the worker's hot paths: cmd/trustfs-worker/default.pgo, measured anew
	@mkdir -p build
	go test -trimpath -run '^$$' -bench 'Dense|StateDict|Small' -benchtime 2x -cpuprofile build/worker.pgo -o build/pickle.test ./formats/pickle
	@mv build/worker.pgo cmd/trustfs-worker/default.pgo && rm build/pickle.test

clients: deps-test build ## torch, safetensors, transformers, llama.cpp, cp, tar, rsync through a mount
	scripts/clients

N ?= 20000
oracle: deps-test build ## N=20000 generated pickles against CPython's own unpicklers
	ORACLE_N=$(N) go test -count=1 -timeout 120m ./testdata/oracle/...

install: ## the binaries and the systemd units, below DESTDIR
	@test -x bin/trustfs -a -x bin/trustfs-engine -a -x bin/trustfs-worker || { echo "nothing to install: run make build first"; exit 1; }
	install -D -m 0755 bin/trustfs $(DESTDIR)$(PREFIX)/bin/trustfs
	install -D -m 0755 bin/trustfs-engine $(DESTDIR)$(PREFIX)/lib/trustfs/trustfs-engine
	install -D -m 0755 bin/trustfs-worker $(DESTDIR)$(PREFIX)/lib/trustfs/trustfs-worker
	install -D -m 0644 systemd/trustfs@.service $(DESTDIR)/usr/lib/systemd/system/trustfs@.service
	install -d -m 0755 $(DESTDIR)/etc/trustfs
	test -e $(DESTDIR)/etc/trustfs/trustfs.yaml || install -m 0644 config/trustfs.yaml $(DESTDIR)/etc/trustfs/trustfs.yaml
	install -d -m 0700 $(DESTDIR)/var/lib/trustfs

clean: ## remove bin and build
	@! grep -q " $(CURDIR)/build/" /proc/self/mountinfo || { echo "something is mounted below build/; unmount it first"; exit 1; }
	rm -rf bin build
