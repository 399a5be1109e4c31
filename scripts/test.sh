#!/usr/bin/env bash
# Runs every test. Servers that tests need are started by the tests themselves, each in a temporary folder on a free
# port or socket; what is left of them when a test is killed ends with this script's temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/need.sh cargo cc cmake postgres redis-server

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The user that PostgreSQL runs as in place of root has to pass through.
chmod 711 "$scratch"
export TMPDIR=$scratch

# Asked for among the whole workspace, the program is built with the same features, and therefore once.
cargo build --workspace --bin tollgate
target=$(realpath "${CARGO_TARGET_DIR:-target}")
export TOLLGATE_BIN=$target/debug/tollgate

report=$scratch/report
if command -v cargo-nextest >/dev/null; then
    cargo nextest run --workspace 2>&1 | tee "$report"
    cargo test --workspace --doc --quiet
    summary() { grep --text 'Summary' "$report"; }
else
    cargo test --workspace 2>&1 | tee "$report"
    summary() {
        awk '/^test result:/ { passed += $4; failed += $6 }
            END { printf "test result: %d passed; %d failed\n", passed, failed }' "$report"
    }
fi
if [[ -x tests/sdk/run.sh ]]; then
    tests/sdk/run.sh
fi
summary
