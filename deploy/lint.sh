#!/usr/bin/env bash
# Holds openapi.json to the rules of openapi/.spectral.yaml, and the load scenarios to their types. No finding is left.
# The last line is `lint: N passed, N failed`, counted in the two of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# installed DIRECTORY: what its lockfile pins is there, and nothing else.
installed() {
    local mark="$1/node_modules/.installed-from"
    cmp -s "$1/package-lock.json" "$mark" && return
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) && cp "$1/package-lock.json" "$mark"
}

document() { installed openapi && (cd openapi && npx --no-install spectral lint --fail-severity=hint openapi.json); }
scenarios() { installed k6 && (cd k6 && npm run --silent check); }

good=0
bad=0
for part in document scenarios; do
    if "$part"; then good=$((good + 1)); else bad=$((bad + 1)); fi
done
echo "lint: $good passed, $bad failed"
[ "$bad" -eq 0 ]
