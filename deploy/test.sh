#!/usr/bin/env bash
# Runs every test there is and adds the counts up. The last line is `N passed, N failed`, alone on
# its line, with `, N skipped` behind it where a part could not run.
# Never stops at the first failing part, and never calls a run good in which nothing ran.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/ciro-network/target}"
export PATH="$PATH:${CIRO_TOOLS:-$HOME/.cache/ciro-network/tools}/bin"
# Colour codes inside a summary line would hide its numbers from us and from CI.
export CARGO_TERM_COLOR=never NO_COLOR=1

passed=0
failed=0
skipped=0
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

# run COMMAND...: shows the output, keeps it in $log, sets $status.
run() {
    printf '\n== %s\n' "$*"
    status=0
    "$@" 2>&1 </dev/null | tee "$log" || status=$?
}

# count NUMBER_BEFORE_WORD: the sum of N over all `N WORD` in the text on standard input.
count() { { grep -oE "[0-9]+ $1" || true; } | awk '{n += $1} END {print n + 0}'; }

# add PART PASSED FAILED: a part that exits non-zero has failed, whatever it counted.
add() {
    local part="$1" good="$2" bad="$3"
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "$part: exited with $status but counted no failure; counted as one"
        bad=1
    elif [ "$status" -eq 0 ] && [ $((good + bad)) -eq 0 ]; then
        echo "$part: ran no test; counted as a failure"
        bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
}

# Where there is no Cairo compiler, its tests are skipped and said to be; the artifacts are committed.
cairo_tests() {
    run contracts/build.sh --test
    local line left_out
    line="$(grep -E '^cairo: [0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1 || true)"
    left_out="$(count skipped <<<"$line")"
    if [ "$status" -eq 0 ] && [ "$left_out" -gt 0 ]; then
        skipped=$((skipped + left_out))
    else
        add cairo "$(count passed <<<"$line")" "$(count failed <<<"$line")"
    fi
}

# nextest closes with: Summary [ 1.2s] 12 tests run: 9 passed (1 slow), 1 failed, 1 timed out, 1 exec failed, 3 skipped
rust_tests() {
    run cargo nextest run --workspace --no-fail-fast
    local line
    line="$(grep -E '^ *Summary \[.*\] .*tests? run:' "$log" | tail -n 1 | sed -E 's/\([^)]*\)//g' || true)"
    # "exec failed" holds the word failed, so it must not be counted by both patterns.
    add rust "$(count passed <<<"$line")" "$(count '(failed|exec failed|timed out)' <<<"$line")"
}

# has_doctests: a doc comment opens a code fence that rustdoc would run.
has_doctests() {
    git ls-files --cached --others --exclude-standard -- '*/src/*.rs' | xargs awk '
        FNR == 1 { open = 0 }
        /^[ \t]*\/\/[\/!][ \t]*```/ {
            if (!open && /```(rust|no_run|should_panic|compile_fail)?[ \t]*$/) found = 1
            open = !open
        }
        END { exit !found }'
}

doc_tests() {
    run cargo test --doc --workspace --quiet
    local lines
    lines="$(grep -E '^test result:' "$log" || true)"
    add doctests "$(count passed <<<"$lines")" "$(count failed <<<"$lines")"
}

# A script of ours that closes with: NAME: 12 passed, 1 failed
script_tests() {
    local name="$1"
    shift
    run "$@"
    local line
    line="$(grep -E "^$name: [0-9]+ passed, [0-9]+ failed" "$log" | tail -n 1 || true)"
    add "$name" "$(count passed <<<"$line")" "$(count failed <<<"$line")"
}

cairo_tests
rust_tests
if has_doctests; then doc_tests; fi
script_tests lint deploy/lint.sh
# In the short form: `make api-check` and `make load` have the long ones.
script_tests api env EXAMPLES=10 SEED=1 deploy/api.sh
script_tests k6 env PROFILE=smoke deploy/load.sh

printf '\n%d passed, %d failed' "$passed" "$failed"
if [ "$skipped" -gt 0 ]; then printf ', %d skipped' "$skipped"; fi
printf '\n'
[ "$failed" -eq 0 ]
