#!/bin/bash
# Cross-builds what kitbench links, statically, for macOS 11 with zig, from the sources of ../sources.tsv, for one architecture.
# Each step is stamped with a hash of its inputs (source, recipe, compiler, the steps it stands on), so a kept prefix costs seconds.
# It is a check that everything compiles and links; what users get is built on a Mac (package.sh, kitbench.rb).
# usage: deps.sh [--needed] arm64|x86_64   prints the prefix; --needed: builds nothing, ends with 1 when something is to be built
# KITBENCH_CROSS_CACHE (~/.cache/kitbench-cross) keeps sources and prefix. libusbmuxd and glue: ../standin, built with kitbench.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
needed=
[[ ${1:-} != --needed ]] || { needed=--needed && shift; }
case ${1:-} in
arm64) target=aarch64-macos.11.0 openssl_target=darwin64-arm64-cc ;;
x86_64) target=x86_64-macos.11.0 openssl_target=darwin64-x86_64-cc ;;
*)
    echo "usage: deps.sh [--needed] arm64|x86_64" >&2
    exit 2
    ;;
esac
zig=$(sh "$here/../../scripts/get-zig.sh" ${needed:+--if-there})
name=mac-$1
cc="$zig cc -target $target"
ar="$zig ar"
cc_flags=
group=mac
tools='perl flex make'
# shellcheck source=SCRIPTDIR/../steps.sh
. "$here/../steps.sh"
# shellcheck source=SCRIPTDIR/../recipes.sh
. "$here/../recipes.sh"

# zig brings no header of CommonCrypto's random numbers: getentropy() gives them.
build_openssl() {
    common_openssl env CC="$cc" AR="$ar" RANLIB=true perl Configure "$openssl_target" --openssldir=/nowhere -DOPENSSL_NO_APPLE_CRYPTO_RANDOM
    pc libcrypto 3.0 -lcrypto
    pc libssl 3.0 "-lssl -lcrypto"
}
build_jansson() {
    common_jansson "-DHAVE_GETTIMEOFDAY -DHAVE_UNISTD_H -DUSE_URANDOM"
    pc jansson 2.14 -ljansson
}
build_libuv() {
    local unix=(async core dl fs getaddrinfo getnameinfo loop-watcher loop pipe poll process random-devurandom random-getentropy signal stream
        tcp thread tty udp proctitle kqueue bsd-ifaddrs darwin-proctitle darwin fsevents)
    # shellcheck disable=SC2046 # names are words
    compile libuv.a "-Iinclude -Isrc -D_DARWIN_UNLIMITED_SELECT=1 -D_DARWIN_USE_64_BIT_INODE=1 -DTARGET_OS_IPHONE=0" src/*.c $(printf "src/unix/%s.c " "${unix[@]}")
    cp -R include/uv include/uv.h "$prefix/include/"
    pc libuv 1.50 -luv
}
build_libconfuse() { common_libconfuse "-DHAVE_STRNDUP -DHAVE_STRINGS_H -DHAVE_FMEMOPEN"; }
build_libplist() {
    common_libplist "-DHAVE_STRNDUP -DHAVE_STPNCPY -DHAVE_GMTIME_R -DHAVE_LOCALTIME_R -DHAVE_TIMEGM -DHAVE_TM_TM_GMTOFF -DHAVE_TM_TM_ZONE"
}
build_libimobiledevice() { common_libimobiledevice "-DHAVE_STRNDUP -DHAVE_STPCPY"; }

run_steps $needed
