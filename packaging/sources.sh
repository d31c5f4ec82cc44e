#!/bin/sh
# Gets the sources of sources.tsv with apt, checks them against their pins and unpacks them. Asks nothing, needs no root, and
# leaves this computer's own package lists alone. What is there already is not fetched again.
# usage: sources.sh [LIBRARY...]      without a name: all
# Prints a line "LIBRARY FOLDER" for each. KITBENCH_CROSS_CACHE (~/.cache/kitbench-cross) keeps archives and folders,
# KITBENCH_DEBIAN_MIRROR (an address) is where they come from; without it, from where this computer's own packages come.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${KITBENCH_CROSS_CACHE:-$HOME/.cache/kitbench-cross}/sources
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suites='bookworm trixie forky'
tab=$(printf '\t')

fail() {
    echo "sources: $*" >&2
    exit 1
}

# apt with lists, cache and knowledge of its own.
own_apt() {
    tool=$1
    shift
    "$tool" -q -o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$cache/apt/state" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$cache/apt/cache" -o APT::Sandbox::User="$(id -un)" -o APT::Architecture=amd64 \
        -o APT::Architectures::=amd64 -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=60 "$@"
}

# Once a run, and only when something must be fetched.
apt_ready() {
    [ -z "${ready:-}" ] || return 0
    command -v apt-get >/dev/null 2>&1 || fail "apt-get is needed to fetch Debian's sources; run this on Debian or Ubuntu"
    [ -f "$keyring" ] || fail "the package debian-archive-keyring is needed; install it, then try again"
    mirror=$(sh "$here/mirror.sh")
    [ -n "$mirror" ] || fail "apt has no Debian mirror in its lists; name one in KITBENCH_DEBIAN_MIRROR"
    mkdir -p "$cache/apt/state/lists/partial" "$cache/apt/cache/archives/partial"
    for suite in $suites; do
        echo "deb-src [signed-by=$keyring] $mirror $suite main"
        echo "deb [signed-by=$keyring] $mirror $suite main"
    done >"$cache/apt/sources.list"
    own_apt apt-get update >"$cache/apt/update.log" 2>&1 || fail "apt-get update failed: $(tail -n 1 "$cache/apt/update.log")"
    ready=1
}

# Debian's version of an upstream version: revisions come and go, upstream's file stays.
debian_version() { # debian_version PACKAGE UPSTREAM
    own_apt apt-cache showsrc --only-source "$1" 2>/dev/null |
        awk -v want="$2" '/^Version: / { v = u = $2; sub(/^[0-9]+:/, "", u); sub(/-[^-]*$/, "", u); if (u == want) { print v; exit } }'
}

is_pinned() { # is_pinned FILE SHA256
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status -
}

fetch() { # fetch KIND PACKAGE VERSION FILE SHA256: leaves archives/FILE
    apt_ready
    room=$(mktemp -d "$cache/fetch.XXXXXX")
    case $1 in
    source)
        version=$(debian_version "$2" "$3")
        [ -n "$version" ] || fail "$mirror has no source of $2 $3 any more; pin a newer one in sources.tsv"
        (cd "$room" && own_apt apt-get source --download-only --tar-only "$2=$version") >"$cache/fetch.log" 2>&1 || :
        ;;
    headers) (cd "$room" && own_apt apt-get download "$2=$3") >"$cache/fetch.log" 2>&1 || : ;;
    *) fail "sources.tsv: kind $1 is not known" ;;
    esac
    got=$room/$4
    [ -f "$got" ] || fail "could not fetch $4: $(grep -m 1 '^E:' "$cache/fetch.log" || echo "apt did not say why")"
    is_pinned "$got" "$5" || fail "$4 is not the file that sources.tsv pins; nothing was unpacked"
    mkdir -p "$cache/archives"
    mv "$got" "$cache/archives/$4"
    rm -r "$room"
}

unpack() { # unpack KIND FILE FOLDER
    rm -rf "$3.part"
    mkdir -p "$3.part"
    case $1 in
    source) tar -xf "$2" -C "$3.part" --strip-components=1 ;;
    headers) dpkg-deb -x "$2" "$3.part" ;;
    esac
    rm -rf "$3"
    mv "$3.part" "$3"
}

mkdir -p "$cache/unpacked"
if command -v flock >/dev/null 2>&1; then # two builds may begin at once
    exec 9>"$cache/lock"
    flock 9
fi
wanted=${*:-$(grep -v '^#' "$here/sources.tsv" | cut -f 1)}
for library in $wanted; do
    row=$(grep "^$library$tab" "$here/sources.tsv") || fail "sources.tsv does not know $library"
    IFS=$tab read -r library kind package version file pin <<EOF
$row
EOF
    # The pin is in the name: another pin is another folder.
    folder=$cache/unpacked/$library-$version-$(printf '%.8s' "$pin")
    if [ ! -d "$folder" ]; then
        is_pinned "$cache/archives/$file" "$pin" || fetch "$kind" "$package" "$version" "$file" "$pin"
        unpack "$kind" "$cache/archives/$file" "$folder"
    fi
    echo "$library $folder"
done
