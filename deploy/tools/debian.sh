# shellcheck shell=bash disable=SC2034,SC2154  # shares its variables with install.sh
# The servers that Debian packages: Redis, PostgreSQL, and setpriv which starts them.
# Sourced by install.sh. Never starts, stops or enables a system service.

postgres_oldest=15
redis_oldest=7

# as_root COMMAND...
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "not root, and there is no sudo" >&2
        return 1
    fi
}

# Debian's packages start their servers when they are installed. A policy-rc.d that answers 101 forbids it
# for as long as apt-get runs; one that is already there belongs to the machine's owner and stays.
apt_install_without_starting() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$scratch/policy-rc.d"
        as_root install -m 755 "$scratch/policy-rc.d" "$policy" || return 1
        # shellcheck disable=SC2064  # the path is fixed now
        trap "as_root rm -f '$policy'; rm -rf '$scratch'" EXIT
    fi
    apt_install "$@" || status=$?
    if [ -e "$scratch/policy-rc.d" ]; then
        as_root rm -f "$policy"
        rm -f "$scratch/policy-rc.d"
        trap 'rm -rf "$scratch"' EXIT
    fi
    return "$status"
}

apt_install() {
    command -v apt-get >/dev/null || { echo "there is no apt-get here" >&2; return 1; }
    quietly "$scratch/apt-update.log" as_root apt-get update || return 1
    quietly "$scratch/apt-install.log" \
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# Prints where the dynamic linker finds mimalloc.
linked_mimalloc() { ldconfig -p | awk '/libmimalloc\.so\.2 / {print $NF; found = 1; exit} END {exit !found}'; }

# Only time depends on it, so a machine without it goes on.
find_mimalloc() {
    local why="takes a third off the Cairo tests, which allocate most of their time" found
    if ! found="$(linked_mimalloc)"; then
        doing mimalloc "installing Debian's libmimalloc2.0"
        if ! { apt_install libmimalloc2.0 && found="$(linked_mimalloc)"; }; then
            say mimalloc "left out, Debian's libmimalloc2.0 could not be installed" "$why"
            return
        fi
    fi
    say mimalloc "found $found" "$why"
}

find_supervision() {
    local why="starts each server so that it dies with its parent; of util-linux"
    if ! command -v setpriv >/dev/null; then
        doing setpriv "installing Debian's util-linux"
        apt_install util-linux || stop_because setpriv "util-linux could not be installed" "$why" \
            "install util-linux 2.33 or newer, then run \`make tools\` again"
    fi
    say setpriv "found $(command -v setpriv)" "$why"
}

is_new_enough_redis() {
    local version
    version="$("$1" --version | grep -oE 'v=[0-9]+')" && [ "${version#v=}" -ge "$redis_oldest" ]
}

find_redis() {
    local why="the disposable index of queued jobs" found="${CIRO_REDIS_SERVER:-}"
    if [ -n "$found" ]; then
        [ -x "$found" ] || stop_because redis-server "CIRO_REDIS_SERVER=$found is not a program" "$why" \
            "set it to a redis-server 7 or newer, or unset it"
        redis_server="$found"
        say redis-server "found $found, named by CIRO_REDIS_SERVER" "$why"
        return
    fi
    if found="$(command -v redis-server)"; then
        is_new_enough_redis "$found" || stop_because redis-server \
            "$found is older than Redis $redis_oldest, whose functions we call" "$why" \
            "install redis-server $redis_oldest or newer, or set CIRO_REDIS_SERVER to one"
        say redis-server "found $found" "$why"
    else
        doing redis-server "installing Debian's redis-server, its system service not started"
        { apt_install_without_starting redis-server && found="$(command -v redis-server)"; } ||
            stop_because redis-server "Debian's redis-server could not be installed" "$why" \
                "install redis-server 7 or newer by hand, or set CIRO_REDIS_SERVER to one"
        say redis-server "installed $found" "$why"
    fi
    redis_server="$found"
}

# The newest initdb that is not older than what the SQL needs; prints its directory.
newest_postgres() {
    local dir version best='' best_version=$((postgres_oldest - 1))
    for dir in /usr/lib/postgresql/*/bin; do
        version="$(basename "$(dirname "$dir")")"
        if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && [ "${version%%.*}" -gt "$best_version" ]; then
            best="$dir" best_version="${version%%.*}"
        fi
    done
    if [ -z "$best" ] && dir="$(command -v initdb)"; then
        dir="$(dirname "$(readlink -f "$dir")")"
        version="$("$dir/initdb" --version | grep -oE '[0-9]+' | head -n 1)"
        if [ -x "$dir/postgres" ] && [ "$version" -ge "$postgres_oldest" ]; then best="$dir"; fi
    fi
    [ -n "$best" ] && printf '%s\n' "$best"
}

find_postgres() {
    local why="the only truth: jobs, results, budgets" found="${CIRO_POSTGRES_BIN:-}"
    if [ -n "$found" ]; then
        { [ -x "$found/initdb" ] && [ -x "$found/postgres" ]; } ||
            stop_because postgresql "CIRO_POSTGRES_BIN=$found holds no initdb and postgres" "$why" \
                "set it to the bin directory of PostgreSQL $postgres_oldest or newer, or unset it"
        postgres_bin_dir="$found"
        say postgresql "found $found, named by CIRO_POSTGRES_BIN" "$why"
        return
    fi
    if found="$(newest_postgres)"; then
        say postgresql "found $found" "$why"
    else
        doing postgresql "installing Debian's postgresql, its system service not started"
        { apt_install_without_starting postgresql && found="$(newest_postgres)"; } ||
            stop_because postgresql "no PostgreSQL $postgres_oldest or newer could be installed" "$why" \
                "install it by hand, or set CIRO_POSTGRES_BIN to the directory with its initdb and postgres"
        say postgresql "installed $found" "$why"
    fi
    postgres_bin_dir="$found"
}
