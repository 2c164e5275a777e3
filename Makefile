# Cloister's workshop. "make" alone lists the targets; the text behind ## is
# what it prints.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# "sudo make deps" runs with a PATH that often lacks Go.
export PATH := $(PATH):/usr/local/go/bin

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
BUILD   := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'

ARGS     ?=
PKG      ?= ./...
FUZZTIME ?= 30s
BENCH    ?= all
PROFILE  ?=
SEED     ?= $(shell date +%s)

.PHONY: help
help: ## Show this list
	@printf 'Cloister: private, zero-trust access to Azure OpenAI in one binary.\n\n'
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /|/' | \
	  while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done
	@printf '\nStart with "make up", then "make test".\n'

.PHONY: build
build: ## Build bin/cloister, one static binary
	@$(BUILD) -o bin/cloister ./cmd/cloister

.PHONY: up
up: build ## Build and start everything on this machine (ARGS="--listen 127.0.0.1:0")
	@exec bin/cloister up $(ARGS)

.PHONY: test
test: ## Set up (as root) and run every test, as CI does
	@scripts/test.sh

.PHONY: deps
deps: ## Install what the tests need beyond Go (root: apt; in the repository: npm, Go tools)
	@scripts/deps.sh

.PHONY: race
race: ## Run the Go tests under the race detector (PKG=./internal/...)
	@CGO_ENABLED=1 CLOISTER_TEST_STRICT=1 go test -race -timeout 20m $(PKG)

.PHONY: lint
lint: ## gofmt, go vet and staticcheck; the exceptions stand in staticcheck.conf
	@scripts/lint.sh

.PHONY: fuzz
fuzz: ## Fuzz every target (FUZZTIME=10m, PKG=./internal/openai)
	@scripts/fuzz.sh $(FUZZTIME) $(PKG)

.PHONY: bench
bench: build ## Compare with a bare ReverseProxy and nginx (BENCH=json|sse|added|idle|expr|policy|network|all, PROFILE=cpu.pprof)
	@go run ./test/bench -gateway bin/cloister -bench $(BENCH) $(if $(PROFILE),-profile $(PROFILE))

.PHONY: attack
attack: build ## Attack the gateway and print what held (ARGS="-markdown", ARGS="-only Slow")
	@go run ./test/attack -gateway bin/cloister $(ARGS)

.PHONY: crash
crash: ## Kill the gateway 50 times on each database, and more (ARGS="-seed 7 -kills 100")
	@CLOISTER_TEST_STRICT=1 go test -count=1 -v -timeout 30m ./test/crash -seed 0 -kills 50 $(ARGS)

.PHONY: oracle
oracle: ## Ask a C# compiler for the answers to new rows of test/oracle (ARGS="-only string -print")
	@go run ./test/oracle/record $(ARGS)

.PHONY: oracle-members
oracle-members: ## List anew the members that expressions may use (test/oracle/members.txt)
	@go run ./test/oracle/record -members

.PHONY: oracle-random
oracle-random: build ## Compare 5,000 random expressions with a C# compiler (SEED=7, ARGS="-n 500 -most 3")
	@go run ./test/oracle/random -cloister bin/cloister -seed $(SEED) $(ARGS)

.PHONY: licences
licences: ## Check the licence of every module in the binary
	@go run ./test/licences

.PHONY: cross
cross: ## Vet and compile for Linux, macOS and Windows on amd64 and arm64
	@LDFLAGS='$(LDFLAGS)' scripts/cross.sh

.PHONY: image
image: ## Build bin/cloister.oci.tar, the container image, without a container tool
	@LDFLAGS='$(LDFLAGS)' VERSION='$(VERSION)' COMMIT='$(COMMIT)' scripts/image.sh

.PHONY: clean
clean: ## Remove what was built, downloaded and cached in the repository
	@rm -rf bin .cache test/sdk/node/node_modules
