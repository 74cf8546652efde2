#!/usr/bin/env bash
# Measures, in a release build, what SUITE names. The last line is the whole report as one line of JSON.
# Never compares with a run on another machine, and never fails because something was slow.
#
#   SUITE=queue       the front desk beside BullMQ, graphile-worker and pg-boss
#   SUITE=paymaster   the cashier: builds, relayed operations and their gas, beside accounts that act for themselves
#   WRITE=1       keep the report in docs/src/bench/
#   QUICK=1       below a minute, to see that the bench works; its numbers mean nothing
#   SEED=…        what the inputs are made of
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

suite="${SUITE:-}"
programs=(-p ciro-gateway -p ciro-worker -p ciro-bench)
case "$suite" in
queue) ;;
paymaster) programs+=(-p ciro-paymaster) ;;
*)
    echo "there is no suite \`$suite\`; try \`make bench SUITE=queue\` or \`SUITE=paymaster\`" >&2
    exit 2
    ;;
esac

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/ciro-network/target}"
cargo build --release "${programs[@]}" --bins

flags=(--seed "${SEED:-1}")
if [ "${WRITE:-}" = 1 ]; then flags+=(--write); fi
if [ "${QUICK:-}" = 1 ]; then flags+=(--quick); fi
exec "$CARGO_TARGET_DIR/release/ciro-bench" "$suite" "${flags[@]}"
