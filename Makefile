# The names that people and other programs call. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help tools tools-check build demo down test chaos bench load api-check gas check clean-dev

# Outside the clone, so that a fresh clone starts with what an earlier one has compiled.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/ciro-network/target
export CIRO_TOOLS ?= $(HOME)/.cache/ciro-network/tools
export PATH := $(PATH):$(CIRO_TOOLS)/bin

ciro := $(CARGO_TARGET_DIR)/debug/ciro
cargo_deny_version := 0.20.2

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tools: ## find or install the servers and libraries that everything runs on
	@deploy/tools/install.sh

tools-check: ## install what only `make check` needs (cargo-deny, rustfmt, clippy)
	@deploy/tools/install-check.sh $(cargo_deny_version)

build: ## compile the workspace
	cargo build --workspace --bins

demo: tools build ## one gas-free job, end to end; KEEP=1 leaves the stack up
	$(ciro) demo $(if $(filter 1,$(KEEP)),--keep)

down: ## end the stack that `make demo KEEP=1` or `ciro dev` left up
	@if [ -x $(ciro) ]; then $(ciro) down; else echo "nothing to end: ciro was never built here"; fi

test: tools ## every test there is; closes with a line `N passed, N failed`
	@deploy/test.sh

chaos: tools build ## 10,000 jobs while everything dies; CIRO_CHAOS_SEED=… replays a run
	@deploy/chaos.sh

bench: tools ## measure SUITE=queue or SUITE=paymaster beside others; WRITE=1 keeps the report, QUICK=1 tries the bench
	@SUITE="$(SUITE)" WRITE="$(WRITE)" QUICK="$(QUICK)" SEED="$(SEED)" deploy/bench.sh

load: tools ## load scenarios of k6/ with their budgets; PROFILE=smoke takes seconds
	@PROFILE="$(PROFILE)" deploy/load.sh

api-check: tools ## hold a running gateway to openapi.json, with 500 examples an operation
	@EXAMPLES=500 deploy/api.sh

gas: tools ## measure what every call costs on chain and write contracts/gas.json
	UPDATE=1 cargo nextest run --workspace -E 'package(ciro-contracts) and test(gas::every_call)'

check: tools-check ## formatting, clippy, licences, the OpenAPI document, house rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo deny --all-features check bans licenses sources
	@deploy/lint.sh
	@deploy/tidy.sh

clean-dev: down ## forget the development chain, database and index (.ciro/)
	rm -rf .ciro
