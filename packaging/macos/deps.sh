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
tools='perl flex make'
order=(openssl sqlite jansson libuv utf8proc libconfuse libplist headers libimobiledevice)
declare -A stands_on=([libimobiledevice]="openssl libplist headers") sources_of=([headers]="libusbmuxd glue")
# shellcheck source=SCRIPTDIR/../steps.sh
. "$here/../steps.sh"

# ---- Recipes: they run in the folder of the unpacked source ------------------------------------------------------------
# With the old ciphers built in: Apple Configurator's identities are locked with them (no-module has no files to load them from).
# zig brings no header of CommonCrypto's random numbers: getentropy() gives them.
build_openssl() {
    CC="$cc" AR="$ar" RANLIB=true perl Configure "$openssl_target" --prefix="$prefix" --libdir=lib --openssldir=/nowhere -O2 -DOPENSSL_NO_APPLE_CRYPTO_RANDOM \
        no-shared no-module no-tests no-engine no-dso no-autoload-config no-comp no-ssl3 no-dtls no-srp no-psk no-srtp no-ct no-cmp no-gost no-aria \
        no-bf no-blake2 no-camellia no-cast no-idea no-mdc2 no-rmd160 no-seed no-sm2 no-sm3 no-sm4 no-whirlpool no-ec2m no-scrypt >configure.log
    make -j"$jobs" build_generated >make.log 2>&1
    make -j"$jobs" libcrypto.a libssl.a >>make.log 2>&1
    mkdir -p "$prefix/lib"
    cp libcrypto.a libssl.a "$prefix/lib/"
    headers openssl include/openssl/*.h
    pc libcrypto 3.0 -lcrypto
    pc libssl 3.0 "-lssl -lcrypto"
}
build_sqlite() {
    ./configure --disable-tcl >configure.log 2>&1 # for this computer: it only makes the one C file
    make sqlite3.c sqlite3.h >make.log 2>&1
    compile libsqlite3.a "-DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION" sqlite3.c
    headers . sqlite3.h
    pc sqlite3 3.53 -lsqlite3
}
build_jansson() {
    cp android/jansson_config.h src/
    compile libjansson.a "-DHAVE_STDINT_H -DHAVE_SYS_TIME_H -DHAVE_SYS_TYPES_H -DHAVE_GETPID -DHAVE_STRTOLL -DHAVE_ATOMIC_BUILTINS \
        -DHAVE_GETTIMEOFDAY -DHAVE_UNISTD_H -DUSE_URANDOM -Isrc" src/*.c
    headers . src/jansson.h src/jansson_config.h
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
build_utf8proc() {
    compile libutf8proc.a -DUTF8PROC_STATIC utf8proc.c
    headers . utf8proc.h
    pc libutf8proc 2.8 -lutf8proc -DUTF8PROC_STATIC
}
build_libconfuse() {
    flex -Pcfg_yy -o src/lexer.c src/lexer.l
    compile libconfuse.a "-Isrc -DPACKAGE_VERSION=\"3.3\" -DPACKAGE_STRING=\"libConfuse\" -DHAVE_STRDUP -DHAVE_STRNDUP -DHAVE_STRCASECMP -DHAVE_STRING_H \
        -DHAVE_STRINGS_H -DHAVE_UNISTD_H -DHAVE_SYS_STAT_H -DHAVE_FMEMOPEN" src/confuse.c src/lexer.c src/reallocarray.c
    headers . src/confuse.h
    pc libconfuse 3.3 -lconfuse
}
build_libplist() {
    compile libplist-2.0.a "-Iinclude -Ilibcnary/include -Isrc -DLIBPLIST_STATIC -DPACKAGE_VERSION=\"2.7.0\" -D__LITTLE_ENDIAN__=1 -DHAVE_STRDUP \
        -DHAVE_STRERROR -DHAVE_STRNDUP -DHAVE_STPNCPY -DHAVE_GMTIME_R -DHAVE_LOCALTIME_R -DHAVE_TIMEGM -DHAVE_TM_TM_GMTOFF -DHAVE_TM_TM_ZONE" \
        src/*.c libcnary/node.c libcnary/node_list.c
    headers plist include/plist/plist.h
    pc libplist-2.0 2.7.0 "-lplist-2.0 -lm" -DLIBPLIST_STATIC
}
# Public headers only; what they promise is ../standin.
build_headers() {
    mkdir -p "$prefix/include"
    cp "$(source_of libusbmuxd)"/usr/include/usbmuxd.h "$prefix/include/"
    cp -R "$(source_of glue)"/usr/include/libimobiledevice-glue "$prefix/include/"
    pc libusbmuxd-2.0 2.1.1 "" -DLIBUSBMUXD_STATIC
}
# The pairing over Wi-Fi needs two more libraries and is left out.
build_libimobiledevice() {
    compile libimobiledevice-1.0.a "-I. -Iinclude -Isrc -Icommon -DLIBIMOBILEDEVICE_STATIC -DLIBPLIST_STATIC -DLIBUSBMUXD_STATIC -DLIMD_GLUE_STATIC \
        -DPACKAGE_VERSION=\"1.4.0\" -DPACKAGE_STRING=\"libimobiledevice\" -DHAVE_OPENSSL -DSTRIP_DEBUG_CODE -DHAVE_PLIST_JSON -DHAVE_PLIST_UNIX_DATE \
        -DHAVE_STRCASECMP -DHAVE_STRDUP -DHAVE_STRERROR -DHAVE_STRNDUP -DHAVE_STPCPY -DHAVE_ASPRINTF -DHAVE_VASPRINTF -DHAVE_GETTIMEOFDAY" src/*.c common/*.c
    headers libimobiledevice include/libimobiledevice/*.h
    pc libimobiledevice-1.0 1.4.0 -limobiledevice-1.0 -DLIBIMOBILEDEVICE_STATIC
}

run_steps $needed
