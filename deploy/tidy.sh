#!/usr/bin/env bash
# The part of `make check` that cargo has no command for: shell scripts, and tests named `tidy`.
# Never compiles anything when there is no such test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if command -v shellcheck >/dev/null; then
    git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run | xargs -r shellcheck -x
    echo "shellcheck: clean"
else
    echo "shellcheck: left out, there is none on PATH (apt-get install shellcheck)"
fi

if compgen -G '*/tests/tidy.rs' >/dev/null || compgen -G '*/tests/tidy/main.rs' >/dev/null; then
    cargo nextest run --workspace --test tidy
fi
