# `make` lists the targets. Everything a target needs beside Go is pinned here or
# installed by .ci/need.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
CONFIG   ?= examples/background-hooks/host.yaml
KILLS    ?= 50
RUNS     ?= 500
FUZZTIME ?= 1m
BENCH    ?= .

GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT := $(CURDIR)/.cache/tools/golangci-lint-$(GOLANGCI_LINT_VERSION)

MCP_SERVER      := .cache/mcp/node_modules/.package-lock.json
MCP_SERVER_LOCK := cmd/host/e2e/testdata/mcp/package-lock.json

# A folder of plugins/ with a go.mod is a guest built here; one without carries
# the plugin.wasm that its own Makefile built. Go guests and the SDK are modules
# of their own.
go_plugins   := $(patsubst plugins/%/go.mod,%,$(wildcard plugins/*/go.mod))
made_plugins := $(filter-out $(go_plugins),$(patsubst plugins/%/plugin.wasm,%,$(wildcard plugins/*/plugin.wasm)))
nested       := sdk/go $(addprefix plugins/,$(go_plugins))

# The deadline is for a loaded machine; the kill test has its own process of go.
go_test := CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout 20m

##@ Build and run

.PHONY: build
build: ## Build bin/snaphook
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/snaphook ./cmd/host

.PHONY: plugins
plugins: $(addprefix plugin-,$(go_plugins) $(made_plugins)) ## Build the first-party plugins into bin/plugins

.PHONY: $(addprefix plugin-,$(go_plugins) $(made_plugins))
$(addprefix plugin-,$(go_plugins)): plugin-%:
	@mkdir -p bin/plugins/$*
	cd plugins/$* && GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -ldflags='-s -w' -o ../../bin/plugins/$*/plugin.wasm .
	@cp plugins/$*/plugin.yaml bin/plugins/$*/

$(addprefix plugin-,$(made_plugins)): plugin-%:
	@mkdir -p bin/plugins/$*
	cp plugins/$*/plugin.wasm plugins/$*/plugin.yaml bin/plugins/$*/

# Guests whose compilers a machine with Go does not have: their modules are
# committed, and only these two targets need the compilers.
guests := plugins/length-limit examples/other-languages/rust examples/other-languages/assemblyscript

.PHONY: guests
guests: ## Build the committed modules again: C, Rust, AssemblyScript
	@for guest in $(guests); do $(MAKE) --no-print-directory -C $$guest build; done

.PHONY: guests-verify
guests-verify: ## Show that the committed modules come from their sources
	@for guest in $(guests); do $(MAKE) --no-print-directory -C $$guest verify; done

.PHONY: run
run: build plugins ## Build everything and start the example (CONFIG=FILE for another)
	bin/snaphook serve --config $(CONFIG)

##@ Check

.PHONY: test
test: test-tools ## Run all tests, with the race detector; 5 kills
	$(go_test) -skip '^TestKill' ./...
	@for module in $(nested); do \
	  echo "$(go_test) ./... # in $$module"; \
	  (cd $$module && $(go_test) ./...); \
	done
	@$(MAKE) --no-print-directory kill-test KILLS=5 RUNS=40

.PHONY: kill-test
kill-test: test-tools ## Kill hosts again and again, one alone and three together, and see that nothing is lost (KILLS=50, RUNS=500)
	SNAPHOOK_KILLS=$(KILLS) SNAPHOOK_CLUSTER_RUNS=$(RUNS) CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 60m -v -run '^TestKill' ./cmd/host/e2e

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (1m)
	@for module in . $(nested); do (cd $$module && \
	  $(GO) list -f '{{.Dir}}' ./... | while read -r dir; do \
	    { grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go 2>/dev/null || true; } | cut -d' ' -f2 | while read -r target; do \
	      echo "== $$target in $$dir"; \
	      $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$dir" </dev/null; \
	    done; \
	  done); \
	done

.PHONY: bench
bench: build plugins ## Measure the host beside its limits and its peer, in one run
	$(GO) run ./bench

.PHONY: benchmarks
benchmarks: test-tools ## Run the benchmarks of the packages (BENCH=REGEXP)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run the linters of .golangci.yaml on all modules
	@for module in . $(nested); do \
	  echo "golangci-lint run # in $$module"; \
	  (cd $$module && $(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yaml ./...); \
	done

.PHONY: check
check: ## What must pass before a change is taken: lint, test, kill-test, fuzz
	.ci/run

##@ Other

.PHONY: test-tools
test-tools: $(MCP_SERVER) ## Install what the tests need: wabt, PostgreSQL, curl, jq, an MCP server of npm and a C compiler for the race detector
	@.ci/need wat2wasm:wabt gcc:gcc libc:libc6-dev postgres:postgresql curl:curl jq:jq node:nodejs

# What npm has installed last says that all of it is there.
$(MCP_SERVER): $(MCP_SERVER_LOCK)
	@.ci/need npm:npm
	@echo "Installing the MCP server of the tests, once"
	@mkdir -p .cache/mcp
	@cp $(MCP_SERVER_LOCK) $(dir $(MCP_SERVER_LOCK))package.json .cache/mcp
	@cd .cache/mcp && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

$(GOLANGCI_LINT):
	@echo "Building golangci-lint $(GOLANGCI_LINT_VERSION), once"
	@mkdir -p $(@D)
	@GOFLAGS=-trimpath GOBIN=$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(@D)/golangci-lint $@

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin .cache

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
