#!/usr/bin/env bash
# Finds or installs what only `make check` needs. Usage: install-check.sh CARGO_DENY_VERSION
# Never touches what `make test` and `make demo` run on.
set -euo pipefail

deny_version="$1"
tools="${CIRO_TOOLS:-$HOME/.cache/ciro-network/tools}"
why="licences, sources and duplicate crates"

for part in cargo-fmt cargo-clippy; do
    command -v "$part" >/dev/null || {
        echo "$part is missing; what to do: rustup component add rustfmt clippy" >&2
        exit 1
    }
done

if found="$(PATH="$PATH:$tools/bin" command -v cargo-deny)"; then
    printf '%-16s found %s  (%s)\n' cargo-deny "$found" "$why"
    exit 0
fi
printf '%-16s building %s with cargo; some minutes, once ...\n' cargo-deny "$deny_version"
mkdir -p "$tools"
scratch="$(mktemp -d "$tools/.scratch.XXXXXX")"
trap 'rm -rf "$scratch"' EXIT
CARGO_TARGET_DIR="$scratch" cargo install cargo-deny --quiet --locked --version "$deny_version" --root "$tools" || {
    printf '%-16s FAILED: cargo install cargo-deny %s\n  needed for: %s\n  what to do: %s\n' \
        cargo-deny "$deny_version" "$why" "mend what cargo says above, or install cargo-deny by hand" >&2
    exit 1
}
printf '%-16s installed %s/bin/cargo-deny  (%s)\n' cargo-deny "$tools" "$why"
