#!/bin/bash
# Cross-builds what kitbench links, statically, for Windows x86_64 with mingw-w64, from the sources of ../sources.tsv. Each step is
# stamped with a hash of its inputs (source, recipe, compiler, the steps it stands on), so a kept prefix costs seconds.
# usage: deps.sh [--needed]   prints the prefix; --needed: builds nothing, ends with 1 when something is to be built
# KITBENCH_CROSS_CACHE (~/.cache/kitbench-cross) keeps sources and prefix. libusbmuxd and glue: ../standin, built with kitbench.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
host=x86_64-w64-mingw32
name=win64
cc=$host-gcc
ar=$host-ar
cc_flags='-D_WIN32_WINNT=0x0A00 -DWINVER=0x0A00 -D__USE_MINGW_ANSI_STDIO=1'
group=windows
tools="$cc $ar perl flex make"
# shellcheck source=SCRIPTDIR/../steps.sh
. "$here/../steps.sh"
# shellcheck source=SCRIPTDIR/../recipes.sh
. "$here/../recipes.sh"
order+=(check)

build_openssl() {
    common_openssl perl Configure mingw64 --cross-compile-prefix=$host- --openssldir=C:/kitbench-has-none
    pc libcrypto 3.0 "-lcrypto -lws2_32 -lcrypt32 -lgdi32 -ladvapi32 -luser32"
    pc libssl 3.0 "-lssl -lcrypto -lws2_32 -lcrypt32 -lgdi32 -ladvapi32 -luser32"
}
build_jansson() {
    common_jansson -DUSE_WINDOWS_CRYPTOAPI
    pc jansson 2.14 "-ljansson -ladvapi32"
}
build_libuv() {
    compile libuv.a "-Iinclude -Isrc -D_GNU_SOURCE -DWIN32_LEAN_AND_MEAN -D_CRT_DECLARE_NONSTDC_NAMES=0" src/*.c src/win/*.c
    cp -R include/uv include/uv.h "$prefix/include/"
    pc libuv 1.50 "-luv -lpsapi -luser32 -ladvapi32 -liphlpapi -luserenv -lws2_32 -ldbghelp -lole32 -lshell32"
}
build_libconfuse() { common_libconfuse -DHAVE_WINDOWS_H src/fmemopen.c; }
build_libplist() { common_libplist ""; }
build_libimobiledevice() { # debug.c takes SYSTEMTIME for known
    common_libimobiledevice "-D_GNU_SOURCE -D__LITTLE_ENDIAN=1234 -D__BIG_ENDIAN=4321 -D__BYTE_ORDER=1234 -include winsock2.h -include windows.h" \
        "-lws2_32 -lole32 -lshell32 -luuid -lgdi32"
}
build_check() {
    ./configure --host=$host --prefix="$prefix" --disable-shared --disable-subunit --disable-timeout-tests CFLAGS="-O2 -w" CPPFLAGS=-D__USE_MINGW_ANSI_STDIO=1 >configure.log
    make -j"$jobs" -C lib >make.log 2>&1
    make -j"$jobs" -C src >>make.log 2>&1
    make -C lib install >>make.log 2>&1
    make -C src install >>make.log 2>&1
    headers . check_stdint.h
    pc check 0.15.2 "-lcheck -lm" # the replacements of what a system lacks are in it
}

run_steps "$@"
