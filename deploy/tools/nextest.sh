# shellcheck shell=bash disable=SC2034,SC2154  # shares its variables with install.sh
# The test runner. Sourced by install.sh. Never replaces one that is on PATH.

nextest_version=0.9.143

find_nextest() {
    local why="runs the Rust tests, each in a process of its own" found
    if found="$(PATH="$PATH:$tools/bin" command -v cargo-nextest)"; then
        say cargo-nextest "found $found" "$why"
        return
    fi
    doing cargo-nextest "building $nextest_version with cargo; some minutes, once"
    quietly "$scratch/nextest.log" env CARGO_TARGET_DIR="$scratch/nextest-target" \
        cargo install cargo-nextest --locked --version "$nextest_version" --root "$tools" ||
        stop_because cargo-nextest "cargo install cargo-nextest $nextest_version failed" "$why" \
            "mend what cargo says above, or install cargo-nextest by hand"
    say cargo-nextest "installed $tools/bin/cargo-nextest" "$why"
}
