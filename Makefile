# `make help` lists what there is.
.PHONY: help up demo test test-quick faults bench bench-reads bench-quick bench-soak lint pictures

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: ## builds and starts Nexus
	./run up

demo: ## a running dashboard without any account
	./run demo

test: ## all tests; installs what they need
	tests/run

test-quick: ## without real clients, browser and faults
	tests/run quick

lint: ## format, lints, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo deny check bans licenses sources

pictures: ## docs/images anew, once tests/setup has run
	cargo build --release --locked -p nexus
	NEXUS_BINARIES=$${NEXUS_BINARIES:-$(CURDIR)/target/release} node tests/browser/pictures.mjs

# The linkers' is a few million statements, which a build for release sends several times as fast.
faults: ## the long form of the fault tests and of the linkers' (an hour or two)
	cargo nextest run -p nexus-e2e --run-ignored all --profile faults
	cargo nextest run --release -p nexus-store --test links --run-ignored only --profile faults

bench: ## the figures of docs/performance.md (half an hour, and three stores to fill with a million requests each)
	cargo build --release --locked -p nexus -p nexus-bench
	target/release/nexus-bench run --json target/bench.json
	target/release/nexus-bench reads --plans target/bench-plans.txt
	target/release/nexus-bench growth
	target/release/nexus-bench links --exchanges 1000000
	cargo bench --locked -p nexus-linking --bench chain

bench-reads: ## the data API on a million requests, on both engines, which are filled first
	cargo build --release --locked -p nexus -p nexus-bench
	target/release/nexus-bench reads --plans target/bench-plans.txt

bench-quick: ## requests, streams and backlogs, shorter and rougher (about five minutes)
	cargo build --release --locked -p nexus -p nexus-bench
	target/release/nexus-bench run --quick --json target/bench-quick.json

bench-soak: ## memory and open files of `nexus up` over an hour of load
	cargo build --release --locked -p nexus -p nexus-bench
	target/release/nexus-bench soak
