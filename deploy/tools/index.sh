# shellcheck shell=bash disable=SC2034,SC2154  # shares its variables with install.sh
# Writes tools.json, which is how the Rust side learns what was found. Sourced by install.sh.
# Never written before every tool was found, and swapped in whole.

# json_string TEXT: paths may hold quotes and backslashes.
json_string() {
    local text="${1//\\/\\\\}"
    printf '"%s"' "${text//\"/\\\"}"
}

write_index() {
    {
        printf '{\n  "redis_server": %s,\n' "$(json_string "$redis_server")"
        printf '  "postgres_bin_dir": %s,\n' "$(json_string "$postgres_bin_dir")"
        printf '  "starknet_devnet": %s,\n' "$(json_string "$starknet_devnet")"
        printf '  "onnxruntime_lib": %s,\n' "$(json_string "$onnxruntime_lib")"
        printf '  "corpora_dir": %s\n}\n' "$(json_string "$corpora_dir")"
    } >"$scratch/tools.json"
    mv "$scratch/tools.json" "$tools/tools.json"
    say tools.json "wrote $tools/tools.json" "where \`ciro\` finds all of this"
}
