#!/bin/bash
# Builds the Debian packages into build/deb from this tree as it is (what git tracks, changes included).
# usage: build.sh [--twice]      --twice: builds again in another folder, under another clock, and wants the same bytes
# SOURCE_DATE_EPOCH is the last commit's time, so that one commit gives one package. DEB_BUILD_OPTIONS is Debian's; by default
# the unit tests are left out (make check has them).
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$top/build/deb
export DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS-nocheck} LC_ALL=C.UTF-8
unset MAKEFLAGS MAKELEVEL MFLAGS FLAVOUR CFLAGS CPPFLAGS LDFLAGS prefix DESTDIR

fail() {
    echo "build-deb: $*" >&2
    exit 1
}
for tool in dpkg-buildpackage dh lintian; do
    command -v $tool >/dev/null || fail "there is no $tool; run scripts/install-deps.sh package"
done
cd "$top"
[ -n "${SOURCE_DATE_EPOCH:-}" ] || SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) || fail "not a git checkout: set SOURCE_DATE_EPOCH"
export SOURCE_DATE_EPOCH
full=$(dpkg-parsechangelog -l packaging/deb/debian/changelog -S Version)
version=${full%-*}
grep -qx "VERSION *:= *$version" Makefile || fail "the changelog is at $version, the Makefile is not: say the same version in both"

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

files() { # what the source package has, as NUL-ended names
    if [ -e .git ]; then git ls-files -z; else find . -name build -prune -o -type f -print0; fi |
        while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done
}

build() { # build FOLDER: leaves the packages in it; no space in its name, with which dpkg would give no -ffile-prefix-map
    local tree=$1/kitbench-$version
    mkdir -p "$tree"
    files | tar --null --no-recursion -T - -c | tar -x -C "$tree"
    (cd "$1" && tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go-w -c "kitbench-$version" |
        gzip -9n >"kitbench_$version.orig.tar.gz")
    cp -R "$tree/packaging/deb/debian" "$tree/debian"
    (cd "$tree" && dpkg-buildpackage -us -uc "-j$(nproc)") >"$1.log" 2>&1 || {
        tail -n 40 "$1.log" >&2
        fail "dpkg-buildpackage failed; its last lines are above"
    }
}

build "$room/first"
rm -rf "$out"
mkdir -p "$out"
find "$room/first" -maxdepth 1 -type f -exec cp -t "$out" {} +
cp "$room/first.log" "$out/build.log"
(cd "$out" && sha256sum ./*.deb)
if [ "${1:-}" = --twice ]; then
    (export TZ=Asia/Tokyo && umask 077 && build "$room/a-second-folder")
    for deb in "$out"/*.deb; do
        cmp "$deb" "$room/a-second-folder/${deb##*/}" || fail "${deb##*/} differs from its second build"
    done
    echo "build-deb: the second build gave the same bytes"
fi
lintian --fail-on error,warning "$out/kitbench_${full}_$(dpkg --print-architecture).changes"
