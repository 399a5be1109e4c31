# Recipes. `make` alone lists them.

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))

.DEFAULT_GOAL := help
.PHONY: help run build test bench lint fmt clean

help: ## list these recipes
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, then start both planes in one process, with a demo provider when none is configured
	$(TARGET)/release/tollgate serve

build: ## build the program as it is released
	@scripts/need.sh cargo cc cmake
	cargo build --release --package tollgate

test: ## run every test against private, throwaway servers; installs those that are missing
	@scripts/test.sh

bench: ## measure against nginx in the same run and write benches/RESULTS.md
	@scripts/need.sh cargo cc cmake nginx
	cargo build --profile dist --package tollgate --package load
	$(TARGET)/dist/load all --tollgate $(TARGET)/dist/tollgate --out benches/RESULTS.md
	cargo bench --package micro

lint: ## check format, lints, licences and advisories
	@scripts/need.sh cargo cc cmake rustfmt clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; \
	else echo "cargo-deny is not installed: licences and advisories were not checked (cargo install cargo-deny)"; fi

fmt: ## format every source file
	@scripts/need.sh cargo rustfmt
	cargo fmt --all

clean: ## remove what was built
	cargo clean
