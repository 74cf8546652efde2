# shellcheck shell=bash disable=SC2034,SC2154  # shares its variables with install.sh
# The chain of development and tests: starknet-devnet of exactly one version, since its dumps and its
# gas metering differ between versions. Sourced by install.sh. Never downloads an unverified binary:
# the project's release archives come with no checksum that we could pin, so cargo builds it instead.

devnet_version=0.10.1

is_our_devnet() {
    [ -x "$1" ] && [ "$("$1" --version 2>/dev/null)" = "starknet-devnet $devnet_version" ]
}

find_devnet() {
    local why="the chain in development and tests" where=''
    if [ -n "${CIRO_DEVNET:-}" ]; then
        [ -x "$CIRO_DEVNET" ] || stop_because starknet-devnet "CIRO_DEVNET=$CIRO_DEVNET is not a program" \
            "$why" "set it to a starknet-devnet $devnet_version, or unset it"
        starknet_devnet="$CIRO_DEVNET"
        say starknet-devnet "found $CIRO_DEVNET, named by CIRO_DEVNET" "$why"
        return
    fi
    for where in "$(command -v starknet-devnet || true)" "$repo/../shared/bin/starknet-devnet" \
        "$tools/bin/starknet-devnet"; do
        if [ -n "$where" ] && is_our_devnet "$where"; then
            starknet_devnet="$(readlink -f "$where")"
            say starknet-devnet "found $starknet_devnet" "$why"
            return
        fi
    done
    doing starknet-devnet "building $devnet_version with cargo; about 25 minutes on 2 cores, once"
    # A target directory of its own: ours is locked while another build of the workspace runs.
    quietly "$scratch/devnet.log" env CARGO_TARGET_DIR="$scratch/devnet-target" \
        cargo install starknet-devnet --locked --version "$devnet_version" --root "$tools" ||
        stop_because starknet-devnet "cargo install starknet-devnet $devnet_version failed" "$why" \
            "mend what cargo says above, or set CIRO_DEVNET to a starknet-devnet $devnet_version"
    starknet_devnet="$tools/bin/starknet-devnet"
    say starknet-devnet "installed $starknet_devnet" "$why"
}
