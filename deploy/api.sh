#!/usr/bin/env bash
# Holds a running gateway to openapi.json: schemathesis with every check it has, and with stateful links.
# EXAMPLES says how many tries each operation gets, and SEED which; without it every run tries others. The last line is `api: N passed, N failed`, counted in operations.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/ciro-network/target}"
tools="${CIRO_TOOLS:-$HOME/.cache/ciro-network/tools}"
pins=deploy/tools/schemathesis.txt

# One environment for each list of pins, made whole or not at all.
venv="$tools/schemathesis-$(sha256sum "$pins" | cut -c1-12)"
if [ ! -x "$venv/bin/schemathesis" ]; then
    echo "schemathesis: installing $(grep -c == "$pins") pinned packages ..."
    rm -rf "$venv"
    mkdir -p "$tools"
    trap 'rm -rf "$venv"' EXIT
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$pins"
    trap - EXIT
fi

# With the tests, as `make test` has compiled it: without them, features differ and much is compiled twice.
cargo build --workspace --bins --tests
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
seeded=()
if [ -n "${SEED:-}" ]; then seeded=(--seed "$SEED"); fi
status=0
"$CARGO_TARGET_DIR/debug/ciro-bench" lend -- "$venv/bin/schemathesis" \
    --config-file openapi/schemathesis.toml run openapi/openapi.json \
    --max-examples "${EXAMPLES:-100}" "${seeded[@]}" --report junit --report-junit-path "$scratch/report.xml" || status=$?
[ -s "$scratch/report.xml" ] || { echo "schemathesis broke off; the reason stands above" >&2; exit 1; }
python3 -c 'import sys, xml.etree.ElementTree as tree
suites = list(tree.parse(sys.argv[1]).getroot().iter("testsuite"))
total = sum(int(s.get("tests", 0)) for s in suites)
bad = sum(int(s.get("failures", 0)) + int(s.get("errors", 0)) for s in suites)
print(f"api: {total - bad} passed, {bad} failed")' "$scratch/report.xml"
exit "$status"
