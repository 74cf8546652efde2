#!/usr/bin/env bash
# The long form of the chaos suite. Its last line is `chaos: J jobs, F faults, L lost, D doubled, seed S`.
# Never calls a run good that printed no such line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CIRO_CHAOS_JOBS="${CIRO_CHAOS_JOBS:-10000}" CIRO_CHAOS_SECONDS="${CIRO_CHAOS_SECONDS:-240}"
export CARGO_TERM_COLOR=never NO_COLOR=1

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
status=0
cargo nextest run --workspace --profile chaos -E 'binary(chaos)' --no-capture 2>&1 </dev/null | tee "$log" || status=$?
if ! grep -E '^chaos: [0-9]+ jobs, [0-9]+ faults, ' "$log" | tail -n 1 | grep .; then
    echo "chaos: the run broke off; the reason stands above"
    exit 1
fi
exit "$status"
