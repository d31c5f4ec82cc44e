#!/bin/bash
# Cross-builds what kitbench links, statically, for Windows x86_64 with mingw-w64, from the sources of ../sources.tsv. Each step is
# stamped with a hash of its inputs (source, recipe, compiler, the steps it stands on), so a kept prefix costs seconds.
# usage: deps.sh [--needed] [LIBRARY...]   prints the prefix; --needed: builds nothing, ends with 1 when something is to be built
# KITBENCH_CROSS_CACHE (~/.cache/kitbench-cross) keeps sources and prefix. libusbmuxd and glue: ../standin, built with kitbench.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
host=x86_64-w64-mingw32
cache=${KITBENCH_CROSS_CACHE:-$HOME/.cache/kitbench-cross}
prefix=$cache/win64
work=$cache/build-win64
jobs=${KITBENCH_CROSS_JOBS:-2}
warnings=-w # theirs, not ours
common="-O2 -g0 $warnings -fstack-protector-strong -D_WIN32_WINNT=0x0A00 -DWINVER=0x0A00 -D__USE_MINGW_ANSI_STDIO=1 -I$prefix/include"
order=(openssl sqlite jansson libuv utf8proc libconfuse libplist headers libimobiledevice check)
declare -A stands_on=([libimobiledevice]="openssl libplist headers") sources_of=([headers]="libusbmuxd glue")

fail() {
    echo "deps: $*" >&2
    exit 1
}

# ---- Tools of the recipes: they run in the folder of the unpacked source -----------------------------------------------
# compile ARCHIVE "FLAGS" FILE...: objects and a static library in the prefix, for libraries that are a handful of C files.
compile() {
    local archive=$1 flags=$2
    shift 2
    mkdir -p obj "$prefix/lib"
    # shellcheck disable=SC2016 # the inner shell's own variables
    printf '%s\n' "$@" | FLAGS="$common $flags" CC=$host-gcc xargs -P "$jobs" -I{} sh -c '$CC $FLAGS -c -o obj/$(echo "$1" | tr / _).o "$1"' sh {}
    rm -f "$prefix/lib/$archive"
    $host-ar rcs "$prefix/lib/$archive" obj/*.o
}
headers() { # headers FOLDER FILE...
    mkdir -p "$prefix/include/$1"
    cp "${@:2}" "$prefix/include/$1/"
}
pc() { # pc NAME VERSION LIBS [CFLAGS]: so that kitbench's Makefile asks pkg-config here as everywhere
    mkdir -p "$prefix/lib/pkgconfig"
    printf 'Name: %s\nDescription: %s, static, cross-built\nVersion: %s\nLibs: -L%s %s\nCflags: -isystem %s %s\n' "$1" "$1" "$2" \
        "$prefix/lib" "$3" "$prefix/include" "${4:-}" >"$prefix/lib/pkgconfig/$1.pc"
}

# ---- Recipes -----------------------------------------------------------------------------------------------------------
# With the old ciphers built in: Apple Configurator's identities are locked with them (no-module has no files to load them from).
build_openssl() {
    perl Configure mingw64 --cross-compile-prefix=$host- --prefix="$prefix" --libdir=lib --openssldir=C:/kitbench-has-none -O2 \
        no-shared no-module no-tests no-engine no-dso no-autoload-config no-comp no-ssl3 no-dtls no-srp no-psk no-srtp no-ct no-cmp no-gost no-aria \
        no-bf no-blake2 no-camellia no-cast no-idea no-mdc2 no-rmd160 no-seed no-sm2 no-sm3 no-sm4 no-whirlpool no-ec2m no-scrypt >configure.log
    make -j"$jobs" build_generated >make.log 2>&1
    make -j"$jobs" libcrypto.a libssl.a >>make.log 2>&1
    cp libcrypto.a libssl.a "$prefix/lib/"
    headers openssl include/openssl/*.h
    pc libcrypto 3.0 "-lcrypto -lws2_32 -lcrypt32 -lgdi32 -ladvapi32 -luser32"
    pc libssl 3.0 "-lssl -lcrypto -lws2_32 -lcrypt32 -lgdi32 -ladvapi32 -luser32"
}
build_sqlite() {
    ./configure --disable-tcl >configure.log 2>&1 # for this computer: it only makes the one C file
    make sqlite3.c sqlite3.h >make.log 2>&1
    compile libsqlite3.a "-DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_DEFAULT_FOREIGN_KEYS=0" sqlite3.c
    headers . sqlite3.h
    pc sqlite3 3.53 -lsqlite3
}
build_jansson() {
    cp android/jansson_config.h src/
    : >src/jansson_private_config.h # told on the command line
    compile libjansson.a "-DHAVE_STDINT_H -DHAVE_SYS_TIME_H -DHAVE_SYS_TYPES_H -DHAVE_GETPID -DHAVE_STRTOLL -DHAVE_ATOMIC_BUILTINS \
        -DUSE_WINDOWS_CRYPTOAPI -Isrc" src/*.c
    headers . src/jansson.h src/jansson_config.h
    pc jansson 2.14 "-ljansson -ladvapi32"
}
build_libuv() {
    compile libuv.a "-Iinclude -Isrc -D_GNU_SOURCE -DWIN32_LEAN_AND_MEAN -D_CRT_DECLARE_NONSTDC_NAMES=0" src/*.c src/win/*.c
    cp -R include/uv include/uv.h "$prefix/include/"
    pc libuv 1.50 "-luv -lpsapi -luser32 -ladvapi32 -liphlpapi -luserenv -lws2_32 -ldbghelp -lole32 -lshell32"
}
build_utf8proc() {
    compile libutf8proc.a -DUTF8PROC_STATIC utf8proc.c
    headers . utf8proc.h
    pc libutf8proc 2.8 -lutf8proc -DUTF8PROC_STATIC
}
build_libconfuse() {
    flex -Pcfg_yy -o src/lexer.c src/lexer.l
    compile libconfuse.a "-Isrc -DPACKAGE_VERSION=\"3.3\" -DPACKAGE_STRING=\"libConfuse\" -DHAVE_STRDUP -DHAVE_STRCASECMP -DHAVE_STRING_H -DHAVE_UNISTD_H \
        -DHAVE_SYS_STAT_H -DHAVE_WINDOWS_H" src/confuse.c src/lexer.c src/fmemopen.c src/reallocarray.c
    headers . src/confuse.h
    pc libconfuse 3.3 -lconfuse
}
build_libplist() {
    compile libplist-2.0.a "-Iinclude -Ilibcnary/include -Isrc -DLIBPLIST_STATIC -DPACKAGE_VERSION=\"2.7.0\" -D__LITTLE_ENDIAN__=1 -DHAVE_STRDUP \
        -DHAVE_STRERROR" src/*.c libcnary/node.c libcnary/node_list.c
    headers plist include/plist/plist.h
    pc libplist-2.0 2.7.0 "-lplist-2.0 -lm" -DLIBPLIST_STATIC
}
# Public headers only; what they promise is ../standin.
build_headers() {
    cp "$(source_of libusbmuxd)"/usr/include/usbmuxd.h "$prefix/include/"
    cp -R "$(source_of glue)"/usr/include/libimobiledevice-glue "$prefix/include/"
    pc libusbmuxd-2.0 2.1.1 "" -DLIBUSBMUXD_STATIC
}
build_libimobiledevice() {
    local files
    # The pairing over Wi-Fi needs two more libraries and is left out; debug.c takes SYSTEMTIME for known.
    mapfile -t files < <(ls src/*.c common/*.c)
    compile libimobiledevice-1.0.a "-I. -Iinclude -Isrc -Icommon -DLIBIMOBILEDEVICE_STATIC -DLIBPLIST_STATIC -DLIBUSBMUXD_STATIC -DLIMD_GLUE_STATIC \
        -DPACKAGE_VERSION=\"1.4.0\" -DPACKAGE_STRING=\"libimobiledevice\" -DHAVE_OPENSSL -DSTRIP_DEBUG_CODE -DHAVE_PLIST_JSON -DHAVE_PLIST_UNIX_DATE \
        -DHAVE_STRCASECMP -DHAVE_STRDUP -DHAVE_STRERROR -DHAVE_ASPRINTF -DHAVE_VASPRINTF -DHAVE_GETTIMEOFDAY -D_GNU_SOURCE \
        -D__LITTLE_ENDIAN=1234 -D__BIG_ENDIAN=4321 -D__BYTE_ORDER=1234 -include winsock2.h -include windows.h" "${files[@]}"
    headers libimobiledevice include/libimobiledevice/*.h
    pc libimobiledevice-1.0 1.4.0 "-limobiledevice-1.0 -lws2_32 -lole32 -lshell32 -luuid -lgdi32" -DLIBIMOBILEDEVICE_STATIC
}
build_check() {
    ./configure --host=$host --prefix="$prefix" --disable-shared --disable-subunit --disable-timeout-tests CFLAGS="-O2 -w" CPPFLAGS=-D__USE_MINGW_ANSI_STDIO=1 >configure.log
    make -j"$jobs" -C lib >make.log 2>&1
    make -j"$jobs" -C src >>make.log 2>&1
    make -C lib install >>make.log 2>&1
    make -C src install >>make.log 2>&1
    pc check 0.15.2 "-lcheck -lcompat -lm"
}

# ---- Steps and their stamps --------------------------------------------------------------------------------------------
pin_of() { awk -F '\t' -v name="$1" '$1 == name { print $6 }' "$here/../sources.tsv"; }
source_of() { sh "$here/../sources.sh" "$1" | cut -d ' ' -f 2-; }
input_hash() { # input_hash STEP
    local part
    {
        for part in ${sources_of[$1]:-$1}; do pin_of "$part"; done
        declare -f "build_$1" compile headers pc
        echo "$common $prefix"
        $host-gcc --version | head -n 1
        for part in ${stands_on[$1]:-}; do input_hash "$part"; done
    } | sha256sum | cut -d ' ' -f 1
}
is_built() { [[ $(cat "$prefix/stamps/$1" 2>/dev/null) == "$(input_hash "$1")" ]]; }
run_step() {
    local hash start=$SECONDS folder log status
    hash=$(input_hash "$1")
    log=$work/$1.log
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1" "$prefix/include" "$prefix/lib" "$prefix/stamps"
    rm -f "$prefix/stamps/$1"
    if [[ -z ${sources_of[$1]:-} ]]; then
        folder=$(source_of "$1")
        cp -R "$folder/." "$work/$1/"
    fi
    # Not behind "||": the shell would go on after what fails inside.
    set +e
    (set -e; cd "$work/$1"; "build_$1") >"$log" 2>&1
    status=$?
    set -e
    ((status == 0)) || {
        tail -n 20 "$log" "$work/$1"/{configure,make}.log 2>/dev/null >&2 || :
        fail "$1 does not build; see $log"
    }
    echo "$hash" >"$prefix/stamps/$1"
    rm -rf "${work:?}/$1"
    echo "deps: $1 built in $((SECONDS - start)) s" >&2
}

only_needed=
if [[ ${1:-} == --needed ]]; then
    only_needed=1
    shift
fi
for tool in $host-gcc $host-ar perl flex make; do command -v "$tool" >/dev/null || fail "$tool is missing; run scripts/install-deps.sh windows"; done
mkdir -p "$work"
exec 8>"$cache/win64.lock"
flock 8
steps=("$@")
((${#steps[@]})) || steps=("${order[@]}")
for step in "${steps[@]}"; do
    is_built "$step" && continue
    [[ ! $only_needed ]] || exit 1
    run_step "$step"
done
echo "$prefix"
