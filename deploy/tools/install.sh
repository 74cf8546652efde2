#!/usr/bin/env bash
# shellcheck source-path=SCRIPTDIR
# Finds or installs what the project runs on, one printed line each, and writes where it all is to tools.json.
# It never leaves a service running that it started, and never keeps a download whose checksum it did not check.
#
#   CIRO_TOOLS            where downloads and tools.json go   (default ~/.cache/ciro-network/tools)
#   CIRO_REDIS_SERVER     a redis-server to use as it is
#   CIRO_POSTGRES_BIN     a directory with initdb and postgres to use as it is
#   CIRO_DEVNET           a starknet-devnet to use as it is
#   CIRO_ONNXRUNTIME_LIB  a libonnxruntime.so to use as it is
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
repo="$(cd "$here/../.." && pwd)"
tools="${CIRO_TOOLS:-$HOME/.cache/ciro-network/tools}"
mkdir -p "$tools"

# Downloads and half-unpacked files live here, so a broken run leaves nothing that looks installed.
scratch="$(mktemp -d "$tools/.scratch.XXXXXX")"
trap 'rm -rf "$scratch"' EXIT

# say TOOL WHAT WHY: the one line that each tool gets.
say() { printf '%-16s %s  (%s)\n' "$1" "$2" "$3"; }

# doing TOOL WHAT: printed before a step that takes more than a moment.
doing() { printf '%-16s %s ...\n' "$1" "$2"; }

# stop_because TOOL WHAT_FAILED WHY_NEEDED WHAT_TO_DO
stop_because() {
    printf '%-16s FAILED: %s\n  needed for: %s\n  what to do: %s\n' "$1" "$2" "$3" "$4" >&2
    exit 1
}

# quietly LOG COMMAND...: the output is shown only when the command fails.
quietly() {
    local log="$1"
    shift
    "$@" >"$log" 2>&1 || { tail -n 20 "$log" >&2; return 1; }
}

# shellcheck source=debian.sh
. "$here/debian.sh"
# shellcheck source=devnet.sh
. "$here/devnet.sh"
# shellcheck source=wheels.sh
. "$here/wheels.sh"
# shellcheck source=nextest.sh
. "$here/nextest.sh"
# shellcheck source=index.sh
. "$here/index.sh"

find_supervision
find_redis
find_postgres
find_devnet
find_onnxruntime
find_corpora
find_k6
find_nextest
find_mimalloc
write_index
