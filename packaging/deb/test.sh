#!/bin/bash
# Installs the packages of build/deb into a clean root, uses them as an ordinary user, removes them, and wants nothing left.
# usage: test.sh      needs root (for chroot); says so otherwise
# The root is debootstrap's, of this computer's own release. It is kept for a week in KITBENCH_DEB_CACHE (~/.cache/kitbench-deb).
# Where debootstrap cannot work (no network), this computer's own files are the root, under a layer that takes what is written;
# KITBENCH_DEB_ROOT=debootstrap|machine takes one of them and no other.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$top/build/deb
cache=${KITBENCH_DEB_CACHE:-$HOME/.cache/kitbench-deb}
kind=${KITBENCH_DEB_ROOT:-any}
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

fail() {
    echo "test-deb: $*" >&2
    exit 1
}
if [[ ${1:-} != --inside ]]; then
    ((EUID == 0)) || fail "root is needed to make a clean root; run: sudo make deb-test"
    ls "$out"/kitbench_*.deb "$out"/kitbench-practice_*.deb >/dev/null 2>&1 || fail "no packages in build/deb; run make deb first"
    # Whatever is mounted below goes away with this namespace.
    exec unshare --mount --pid --fork --mount-proc bash "$0" --inside
fi

. /etc/os-release
mirror=$(sh "$top/packaging/mirror.sh") # none: debootstrap knows one
room=$(mktemp -d)
root=$room/root
mkdir "$root"
# Mounts first: nothing of this computer may lie below when the room goes.
at_exit() {
    findmnt -rn -o TARGET | grep "^$room/" | sort -r | while read -r target; do umount "$target" || :; done
    if findmnt -rn -o TARGET | grep -q "^$room/"; then
        echo "test-deb: something is still mounted below $room, which stays" >&2
    else
        rm -rf --one-file-system "$room"
    fi
}
trap at_exit EXIT

from_debootstrap() {
    local kept=$cache/root-$VERSION_CODENAME.tar.gz
    if [[ -f $kept && -n $(find "$kept" -mtime -7) ]] && tar -xzf "$kept" -C "$root"; then
        echo "test-deb: the clean root is the kept one of $(date -r "$kept" +%F)"
        return
    fi
    command -v debootstrap >/dev/null || { echo "test-deb: no debootstrap" && return 1; }
    debootstrap --variant=minbase "$VERSION_CODENAME" "$root" ${mirror:+"$mirror"} >"$out/debootstrap.log" 2>&1 || {
        echo "test-deb: debootstrap failed: $(tail -n 1 "$out/debootstrap.log")"
        return 1
    }
    mkdir -p "$cache"
    tar -C "$root" -c . | gzip -1 >"$kept.$$" && mv "$kept.$$" "$kept"
    echo "test-deb: the clean root is debootstrap's, $VERSION_CODENAME"
}
from_machine() {
    mount -t tmpfs tmpfs "$root" && mkdir "$room/layer" && mount -t tmpfs tmpfs "$room/layer" && mkdir "$room/layer/upper" "$room/layer/work" &&
        mount -t overlay overlay -o "lowerdir=/,upperdir=$room/layer/upper,workdir=$room/layer/work" "$root" || return 1
    mount -t tmpfs tmpfs "$root/tmp" -o mode=1777
    echo "test-deb: the root is this computer's own, under a layer: what the packages depend on is not proved by it"
}

made=
if [[ $kind != machine ]] && from_debootstrap; then made=debootstrap; fi
if [[ ! $made && $kind != debootstrap ]] && { rm -rf --one-file-system "$root" && mkdir "$root" && from_machine; }; then made=machine; fi
[[ $made ]] || fail "neither debootstrap nor this computer's own files made a root"

inside() { chroot "$root" "$@"; }
mount -t proc proc "$root/proc"
[[ $made != machine ]] || mount -t devtmpfs devtmpfs "$root/dev" 2>/dev/null || mount --bind /dev "$root/dev"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || :
mkdir -p "$root/tmp/packages"
cp "$out"/kitbench_*.deb "$out"/kitbench-practice_*.deb "$root/tmp/packages"

snapshot() { # every file but what installing anything leaves: apt's and dpkg's own books, logs, caches
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./run -o -path ./var/cache -o -path ./var/log \
        -o -path ./var/lib/apt -o -path ./var/lib/dpkg \) -prune -o -print) | LC_ALL=C sort
    inside dpkg-query -W -f '${Package} ${Status}\n' | LC_ALL=C sort
}
apt_inside() { # apt_inside WORDS...
    inside apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::Languages=none -o Acquire::Retries=3 "$@" >"$out/apt.log" 2>&1 || {
        tail -n 20 "$out/apt.log" >&2
        fail "apt-get $* failed; its last lines are above"
    }
}

[[ $made != debootstrap ]] || apt_inside update
[[ $made == machine ]] || snapshot >"$room/before"
if [[ $made == debootstrap ]]; then
    # apt finds what they depend on, and nothing more.
    packages=("$root"/tmp/packages/*.deb)
    apt_inside install --no-install-recommends "${packages[@]#"$root"}"
else
    inside sh -c 'dpkg -i /tmp/packages/*.deb' >"$out/apt.log" 2>&1 || fail "dpkg -i: $(tail -n 3 "$out/apt.log")"
fi
cp "$top/packaging/deb/debian/tests/installed" "$root/tmp/installed"
chmod 755 "$root/tmp" "$root/tmp/installed" && chmod 1777 "$root/tmp"
inside setpriv --reuid=65534 --regid=65534 --clear-groups env -i PATH=/usr/bin:/bin TMPDIR=/tmp sh /tmp/installed || fail "the installed packages do not work"
[[ -z $(find "$root" -xdev \( -path "$root/proc" -o -path "$root/dev" \) -prune -o -user 65534 -not -path "$root/tmp/*" -print -quit) ]] || fail "a user's run left files outside of its folder"

if [[ $made == debootstrap ]]; then
    apt_inside purge kitbench kitbench-practice
    apt_inside autoremove --purge
else
    inside dpkg --purge kitbench-practice kitbench >"$out/apt.log" 2>&1 || fail "dpkg --purge: $(tail -n 3 "$out/apt.log")"
fi
# This computer goes on living below the layer: there only what the layer itself has counts, new names and hidden ones.
in_layer() (
    cd "$room/layer/upper" && find . \( -path ./tmp -o -path ./run -o -path ./var/cache -o -path ./var/log -o -path ./var/lib/apt \
        -o -path ./var/lib/dpkg \) -prune -o -print | while read -r name; do
        if [[ -c $name || ! -e /$name ]]; then echo "$name"; fi
    done
)
if [[ $made == machine ]]; then
    : >"$room/before"
    in_layer >"$room/after"
else
    snapshot >"$room/after"
fi
diff "$room/before" "$room/after" >"$out/left.diff" || {
    head -n 20 "$out/left.diff" >&2
    fail "purging left something, or took too much (above; < before, > after)"
}
echo "test-deb: installed, used and purged; nothing is left"
