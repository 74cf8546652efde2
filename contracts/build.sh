#!/usr/bin/env bash
# Compiles the Cairo contracts and keeps contracts/artifacts current.
#   build.sh           compile and write the artifacts
#   build.sh --check   compile elsewhere and fail where the committed artifacts differ
#   build.sh --test    artifacts, format, unit tests and vectors; the last line is "cairo: N passed, N failed"
# The compiler is Scarb 2.8.x on PATH, else $CAIRO_HOME, else ../shared/cairo beside the repository.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$here/cairo
artifacts=$here/artifacts
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Contract name and the module that holds it.
contracts=(
    "CdcPool ciro::pool::CdcPool"
    "JobManager ciro::job_manager::JobManager"
    "Sha256Adjudicator ciro::adjudicators::sha256::Sha256Adjudicator"
    "Forwarder ciro::forwarder::Forwarder"
    "FleetAccount ciro::fleet_account::FleetAccount"
)

say() { printf '%s\n' "$*" >&2; }

find_compiler() {
    if command -v scarb >/dev/null && (cd "$package" && scarb --version) 2>/dev/null | grep -q '^scarb 2\.8\.'; then
        compiler=scarb
        return
    fi
    local home
    for home in "${CAIRO_HOME:-}" "$here/../../shared/cairo"; do
        if [[ -n $home && -x $home/bin/starknet-compile ]]; then
            compiler=plain
            bin=$(cd "$home/bin" && pwd)
            return
        fi
    done
    compiler=none
}

explain_missing() {
    say "no Cairo compiler: scarb 2.8.x is not on PATH, \$CAIRO_HOME is ${CAIRO_HOME:-unset},"
    say "and ${here%/*/*}/shared/cairo does not hold one. To get one, either"
    say "  install Scarb 2.8.x (https://docs.swmansion.com/scarb), or"
    say "  cargo install --locked --version 2.8.2 --root DIR \\"
    say "    starknet-compile starknet-sierra-compile cairo-test cairo-format"
    say "  put Cairo 2.8's corelib in DIR/corelib, and set CAIRO_HOME=DIR."
    say "Nothing but this script needs it: contracts/artifacts is committed."
}

# Strips the debug names, which nobody needs on chain, and fixes the JSON's form, so that the
# same class is the same bytes whichever compiler wrote it.
normalize() {
    python3 - "$1" "$2" <<'PYTHON'
import json, sys
source, target = sys.argv[1:]
content = json.load(open(source))
if "sierra_program" in content:
    content["sierra_program_debug_info"] = {"type_names": [], "libfunc_names": [], "user_func_names": []}
content.pop("pythonic_hints", None)
with open(target, "w") as out:
    json.dump(content, out, separators=(",", ":"))
    out.write("\n")
PYTHON
}

# compile DIR: writes <Contract>.contract_class.json and <Contract>.compiled_contract_class.json there.
compile() {
    local out=$1 name path kind raw=$scratch/raw
    mkdir -p "$out" "$raw"
    [[ $compiler == plain ]] || (cd "$package" && scarb --release --target-dir "$scratch/target" build)
    while read -r name path; do
        if [[ $compiler == scarb ]]; then
            for kind in contract_class compiled_contract_class; do
                cp "$scratch/target/release/ciro_$name.$kind.json" "$raw/$name.$kind.json"
            done
        else
            "$bin/starknet-compile" "$package" --contract-path "$path" "$raw/$name.contract_class.json"
            "$bin/starknet-sierra-compile" \
                "$raw/$name.contract_class.json" "$raw/$name.compiled_contract_class.json"
        fi
        for kind in contract_class compiled_contract_class; do
            normalize "$raw/$name.$kind.json" "$out/$name.$kind.json"
        done
    done < <(printf '%s\n' "${contracts[@]}")
}

check_artifacts() {
    local file stale=0
    compile "$scratch/artifacts"
    for file in "$scratch"/artifacts/*.json; do
        if ! cmp -s "$file" "$artifacts/${file##*/}"; then
            say "contracts/artifacts/${file##*/} differs from what the sources give: run contracts/build.sh"
            stale=1
        fi
    done
    [[ $stale == 0 ]] && say "contracts/artifacts is current"
    return $stale
}

# The test runner loads the whole program again for every call between contracts, so its time is the
# program's size times the calls: one module of tests at a time is four times faster than all at once.
# A module is one process on about one core, with up to 2.5 GB. It allocates so much that the allocator matters.
test_module() {
    local module=$1 copy=$scratch/$1 output
    cp -r "$package" "$copy"
    sed -i "/^mod $module;/!{/^mod .*_tests;/d}" "$copy/src/tests.cairo"
    output=$(LD_PRELOAD=$mimalloc "$bin/cairo-test" "$copy" --starknet --allow-warnings 2>&1) || true
    say "tested $module"
    grep -v 'ok (gas' <<<"$output" || true
    grep -q '^test result:' <<<"$output" || echo "did not run: $module"
}

# As many as there are cores, and as there is memory for at 3 GB each.
processes() {
    awk -v cores="$(nproc)" '/^MemAvailable:/ { fit = int($2 / 3000000) }
        END { n = fit < cores ? fit : cores; print n < 1 ? 1 : n }' /proc/meminfo
}

test_by_module() {
    export -f test_module say
    local mimalloc
    mimalloc=$(ldconfig -p | awk '/libmimalloc\.so\.2 / {print $NF; exit}')
    export package scratch bin mimalloc
    # The slowest first, so that the last ones do not wait for one straggler.
    # shellcheck disable=SC2016  # the inner shell expands it
    sed -n 's/^mod \(.*_tests\);$/\1/p' "$package/src/tests.cairo" |
        while read -r module; do wc -l "$package/src/tests/$module.cairo"; done |
        sort -rn | sed -E 's|.*/(.*)\.cairo|\1|' |
        xargs -P "$(processes)" -I '{}' bash -c 'test_module {} >"$scratch/{}.out"'
    cat "$scratch"/*_tests.out
}

# Each check counts as one; the unit tests count as many as they are.
run_tests() {
    local passed=0 failed=0 result output
    tally() { if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); say "failed: $*"; fi; }
    tally check_artifacts
    tally python3 "$here/vectors/to_cairo.py" --check
    if [[ $compiler == scarb ]]; then
        tally bash -c "cd '$package' && scarb fmt --check"
        output=$(cd "$package" && scarb --target-dir "$scratch/target" cairo-test 2>&1) || true
    else
        tally "$bin/cairo-format" --check --recursive "$package/src"
        output=$(test_by_module)
    fi
    printf '%s\n' "$output"
    while read -r result; do
        passed=$((passed + ${result%% *}))
        result=${result#*; }
        failed=$((failed + ${result%% *}))
    done < <(grep -Eo '[0-9]+ passed; [0-9]+ failed' <<<"$output")
    if grep -q '^did not run' <<<"$output" || [[ $passed -le 3 ]]; then
        failed=$((failed + 1))
    fi
    echo "cairo: $passed passed, $failed failed"
    [[ $failed == 0 ]]
}

find_compiler
case "${1:-}" in
    "") mode="build" ;;
    --check) mode="check" ;;
    --test) mode="test" ;;
    *) say "usage: build.sh [--check | --test]"; exit 2 ;;
esac

if [[ $compiler == none ]]; then
    explain_missing
    [[ $mode == test ]] || exit 1
    say "Cairo tests were skipped."
    echo "cairo: 0 passed, 0 failed, 1 skipped"
    exit 0
fi

case $mode in
    build) compile "$artifacts"; say "wrote contracts/artifacts" ;;
    check) check_artifacts ;;
    test) run_tests ;;
esac
