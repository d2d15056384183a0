# skep: every task is a target here; CI calls these and nothing else.
# `make help` lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Debian packages that the product and its tests use. Go and Node come first.
# xz, zstd and lz4 unpack Debian's kernels.
PACKAGES := clang-19 llvm-19 libbpf-dev linux-libc-dev libc6-dev bubblewrap brotli bpftool \
	chromium qemu-system-x86 qemu-user-static busybox-static xz-utils zstd lz4

# Kernels of the sandbox (server/sandbox).
KERNELS := 6.12 6.1

FUZZTIME := 30s
DIST := web/dist/manifest.json

.PHONY: help run test check setup web build generate test-go test-kernel campaign equal corpus fuzz bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: setup web ## install and build what is missing, serve on http://127.0.0.1:8080
	go run ./server/cmd/skep serve

test: setup web check test-go ## everything that must be green: some minutes on 2 cores

check: web ## formatting, vet, staticcheck, generated files, types, byte budgets, cross builds
	@echo "== gofmt"; test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)"
	@echo "== go vet"; go vet ./...
	@echo "== staticcheck"; go tool staticcheck ./...
	@echo "== generated files"; $(MAKE) --no-print-directory generate; git diff --exit-code --stat -- '*_templ.go' '*/z*.go' '*/z*.ts'
	@echo "== TypeScript"; cd web && npx --no-install tsc --noEmit
	@echo "== cross builds"
	for t in windows/amd64 darwin/arm64 linux/arm64; do \
		echo "   $$t"; GOOS=$${t%/*} GOARCH=$${t#*/} go build -o /dev/null ./server/cmd/skep; done
	for t in js wasip1; do echo "   $$t/wasm"; GOOS=$$t GOARCH=wasm go build ./vm/... ./verifier/... ./jit/... ./labs/... ./wasm/...; done
	@echo "== byte budgets"; go run ./web/build -budget

setup: ## install Debian packages and npm packages that are missing
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		echo "installing Debian packages:" $$missing; \
		sudo=$$([ $$(id -u) = 0 ] || echo sudo); \
		$$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; \
	fi
	@$(MAKE) --no-print-directory web/node_modules/.package-lock.json
	@for k in $(KERNELS); do go run ./server/cmd/skep sandbox install --kernel $$k; done

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund

web: web/node_modules/.package-lock.json ## build the engine, the pages' scripts and the gallery into web/dist
	go run ./web/build

build: web ## the one binary, ./skep, with the sandbox's guest programs inside
	mkdir -p server/sandbox/bin
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -trimpath -ldflags '-s -w' -o server/sandbox/bin/agent ./server/sandbox/agent
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o server/sandbox/bin/jail ./server/sandbox/jail
	CGO_ENABLED=0 go build -trimpath -tags embedagent -ldflags '-s -w' -o skep ./server/cmd/skep

generate: ## rewrite generated files (templ, protocol, interpreter); vm/helper/doc.go says how its tables are made
	go tool templ generate -path web -log-level error
	go generate ./vm ./wasm/protocol

# Packages whose tests start virtual machines: their limits are in time, which a busy machine does not keep, so what
# fails there is tried once more; what passed is cached. Nothing else gets a second try.
VMS := ^skep/(server|verifier|vm/maps)
test-go:
	SKEP_CI=$${SKEP_CI:-} go test -timeout 20m $$(go list ./... | grep -Ev '$(VMS)')
	SKEP_CI=$${SKEP_CI:-} go test -timeout 20m $$(go list ./... | grep -E '$(VMS)') || \
		{ echo "== once more, what failed"; SKEP_CI=$${SKEP_CI:-} go test -timeout 20m $$(go list ./... | grep -E '$(VMS)'); }

test-kernel: setup web ## slow campaigns against real kernels in the sandbox
	SKEP_SLOW=1 go test -timeout 60m ./server/sandbox/... ./server/grading/... ./verifier/... ./vm/maps/...
	go run ./server/cmd/skep lab test --kernel 6.12,6.1 labs/content/*

# Programs of each kind, with those of earlier runs; where campaign and corpus keep what they did.
CAMPAIGN := 2000
SCRATCH := $(or $(TMPDIR),/tmp)/skep
GIVEN := $(or $(SKEP_DATA),../shared/data)/verifier-corpus-6.12.jsonl.gz

campaign: ## random programs against the sandbox's kernel: CAMPAIGN (2000) of each kind, goes on where it stopped
	mkdir -p $(SCRATCH)/campaign
	go build -o $(SCRATCH)/campaign/skep ./server/cmd/skep
	SKEP_ORACLE=$(SCRATCH)/campaign/skep nice go test ./verifier -run 'TestCampaign$$' -v -count=1 -timeout 0 \
		-campaign-dir $(SCRATCH)/campaign -campaign-n $(CAMPAIGN)

# Accepted programs an engine, with those of earlier runs; the engines: names with commas, also node and kernel.
EQUAL := 1000000
ENGINES := native,wazero,arm64,chromium

equal: ## random programs in every engine: EQUAL (1000000) accepted ones each, goes on where it stopped
	mkdir -p $(SCRATCH)/equal
	go build -o $(SCRATCH)/equal/equal ./server/internal/equal
	nice $(SCRATCH)/equal/equal -dir $(SCRATCH)/equal -n $(EQUAL) -engines $(ENGINES)

corpus: ## the verifier corpus again, from linux-source-6.12 (apt-get install it first) and the sandbox's kernel
	go run ./server/internal/corpus -o $(SCRATCH)/corpus \
		$(if $(wildcard $(GIVEN)),-compare $(GIVEN))

fuzz: ## each fuzz target for FUZZTIME (30s)
	go run ./server/internal/fuzzall -time $(FUZZTIME)
	go tool esbuild web/src/engine/link.fuzz.ts --bundle --platform=node --format=esm --log-level=warning | \
		LINK_FUZZ_SECONDS=$$(( $$(echo $(FUZZTIME) | sed 's/m$$/*60/; s/s$$//') )) node --input-type=module -

bench: web ## engines and programs as ratios to the Linux JIT (needs root), then the rest to a reference in the same run
	mkdir -p $(SCRATCH)
	go run ./server/cmd/skep bench -linux -chromium -o $(SCRATCH)/bench.json
	go test -run '^$$' -bench . -benchtime 1s ./vm/... ./verifier/... ./jit/... ./wasm/...

clean: ## remove what was built
	rm -rf skep web/node_modules && find web/dist -mindepth 1 ! -name .keep -delete
