#!/usr/bin/env bash
# Runs the load scenarios of k6/ against a desk of their own. PROFILE=full (the default) has budgets of time and takes
# three minutes in a release build; PROFILE=smoke takes seconds and fails on wrong answers alone.
# The last line is `k6: N passed, N failed`, counted in checks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PROFILE="${PROFILE:-full}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/ciro-network/target}"
case "$PROFILE" in
full)
    cargo build --release -p ciro-gateway -p ciro-worker -p ciro-bench --bins
    built="$CARGO_TARGET_DIR/release"
    ;;
smoke)
    # As the tests build it, so that nothing is compiled twice.
    cargo build --workspace --bins --tests
    built="$CARGO_TARGET_DIR/debug"
    ;;
*)
    echo "PROFILE is \`$PROFILE\`; full and smoke are possible" >&2
    exit 2
    ;;
esac

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
summary="$scratch/summary.json"
status=0
"$built/ciro-bench" lend -- "${CIRO_TOOLS:-$HOME/.cache/ciro-network/tools}/bin/k6" run --no-color --quiet \
    --no-usage-report --summary-export "$summary" k6/load.js || status=$?
[ -s "$summary" ] || { echo "k6 broke off; the reason stands above" >&2; exit 1; }
python3 -c 'import json, sys
checks = json.load(open(sys.argv[1]))["metrics"].get("checks", {"passes": 0, "fails": 0})
print("k6: {} passed, {} failed".format(checks["passes"], checks["fails"]))' "$summary"
exit "$status"
