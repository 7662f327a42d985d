# Thin on purpose: what has more than two lines is a script in .ci/.
SEEDS ?= 200
KILLS ?= 500
ARGS ?=

release := $(or $(CARGO_TARGET_DIR),target)/release

# The server that Stele was tested with, unless the caller names another one.
nats := $(CURDIR)/.tools/nats-server-2.12.8/nats-server
with_nats = if [ -z "$$STELE_NATS_SERVER" ] && [ -x "$(nats)" ]; then export STELE_NATS_SERVER="$(nats)"; fi

.DEFAULT_GOAL := help
.PHONY: help dev build tools lint test unit sim lab lab-check clients tempest cinder bench kill-test clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## install what is missing, build, and run a whole cell on loopback (ARGS="--http 127.0.0.1:8776 ...")
	@.ci/install-nats-server
	@cargo build --release --locked --bin stele
	@$(with_nats); exec "$(release)/stele" dev $(ARGS)

build: ## build everything in release
	cargo build --workspace --release --locked

tools: ## install both nats-server versions that the tests use
	@.ci/install-nats-server 2.12.8
	@.ci/install-nats-server 2.9.10 || [ $$? = 3 ] # 3: this distribution lacks it; its tests say so

lint: ## formatting, clippy, and what else is installed (cargo-deny, shellcheck)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check bans licenses sources; fi
	@if command -v shellcheck >/dev/null; then shellcheck $$(grep -slE '^#!.*bash' .ci/* tests/lab/*); fi

test: ## every test that this machine can run
	@.ci/step tools $(MAKE) --no-print-directory tools
	@.ci/step lint $(MAKE) --no-print-directory lint
	@.ci/step unit $(MAKE) --no-print-directory unit
	@.ci/step sim $(MAKE) --no-print-directory sim
	@.ci/step clients $(MAKE) --no-print-directory clients
	@.ci/step cinder $(MAKE) --no-print-directory cinder
	@.ci/step lab $(MAKE) --no-print-directory lab

unit: tools ## unit and integration tests
	@.ci/cargo-test unit

sim: ## the simulator (SEEDS=200)
	@STELE_SIM_SEEDS=$(SEEDS) .ci/cargo-test sim

lab: ## tests of the LVM driver, in a kernel of their own where this one has no device-mapper
	@.ci/lab $(ARGS)

lab-check: ## check the lab itself
	@tests/lab/check

clients: ## the real OpenStack clients against a cell (ARGS="-k groups")
	@.ci/install-nats-server
	@$(with_nats); .ci/clients $(ARGS)

tempest: ## Tempest against a cell and a real Keystone (ARGS="--only test_groups", ARGS=--all)
	@.ci/install-nats-server
	@$(with_nats); .ci/tempest $(ARGS)

cinder: ## what is said about a database of the real Cinder, compared with what Cinder says
	@.ci/cinder

bench: ## creates to available on the null driver: rate, latency, processor time (ARGS="...")
	@.ci/install-nats-server
	@cargo build --release --locked --bin stele
	@$(with_nats); exec "$(release)/stele" bench create $(ARGS)

kill-test: tools ## kill -9 the processes again and again (KILLS=500)
	@STELE_KILLS=$(KILLS) .ci/cargo-test kill

clean: ## remove what was built and installed here
	cargo clean
	rm -rf .tools
