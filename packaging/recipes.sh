# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables of the script that reads this
# How the libraries are built, as far as it is the same for every target: whole steps (build_STEP), and what a target's own step shares
# with the others (common_STEP). Sourced by a deps.sh after steps.sh.

# common_openssl COMMAND...: Configure, with what the target wants of it. With the old ciphers built in: Apple Configurator's identities are
# locked with them (no-module has no files to load them from).
common_openssl() {
    "$@" --prefix="$prefix" --libdir=lib -O2 \
        no-shared no-module no-tests no-engine no-dso no-autoload-config no-comp no-ssl3 no-dtls no-srp no-psk no-srtp no-ct no-cmp no-gost no-aria \
        no-bf no-blake2 no-camellia no-cast no-idea no-mdc2 no-rmd160 no-seed no-sm2 no-sm3 no-sm4 no-whirlpool no-ec2m no-scrypt >configure.log
    make -j"$jobs" build_generated >make.log 2>&1
    make -j"$jobs" libcrypto.a libssl.a >>make.log 2>&1
    cp libcrypto.a libssl.a "$prefix/lib/"
    headers openssl include/openssl/*.h
}
build_sqlite() {
    ./configure --disable-tcl >configure.log 2>&1 # for this computer: it only makes the one C file
    make sqlite3.c sqlite3.h >make.log 2>&1
    compile libsqlite3.a "-DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION" sqlite3.c
    headers . sqlite3.h
    pc sqlite3 3.53 -lsqlite3
}
common_jansson() { # common_jansson "FLAGS"
    cp android/jansson_config.h src/
    : >src/jansson_private_config.h # told on the command line
    compile libjansson.a "-DHAVE_STDINT_H -DHAVE_SYS_TIME_H -DHAVE_SYS_TYPES_H -DHAVE_GETPID -DHAVE_STRTOLL -DHAVE_ATOMIC_BUILTINS -Isrc $1" src/*.c
    headers . src/jansson.h src/jansson_config.h
}
build_utf8proc() {
    compile libutf8proc.a -DUTF8PROC_STATIC utf8proc.c
    headers . utf8proc.h
    pc libutf8proc 2.8 -lutf8proc -DUTF8PROC_STATIC
}
common_libconfuse() { # common_libconfuse "FLAGS" FILE...: the files that the target's own C library has nothing for
    flex -Pcfg_yy -o src/lexer.c src/lexer.l
    compile libconfuse.a "-Isrc -DPACKAGE_VERSION=\"3.3\" -DPACKAGE_STRING=\"libConfuse\" -DHAVE_STRDUP -DHAVE_STRCASECMP -DHAVE_STRING_H -DHAVE_UNISTD_H \
        -DHAVE_SYS_STAT_H $1" src/confuse.c src/lexer.c src/reallocarray.c "${@:2}"
    headers . src/confuse.h
    pc libconfuse 3.3 -lconfuse
}
common_libplist() { # common_libplist "FLAGS"
    compile libplist-2.0.a "-Iinclude -Ilibcnary/include -Isrc -DLIBPLIST_STATIC -DPACKAGE_VERSION=\"2.7.0\" -D__LITTLE_ENDIAN__=1 -DHAVE_STRDUP \
        -DHAVE_STRERROR $1" src/*.c libcnary/node.c libcnary/node_list.c
    headers plist include/plist/plist.h
    pc libplist-2.0 2.7.0 "-lplist-2.0 -lm" -DLIBPLIST_STATIC
}
# Public headers only; what they promise is standin/.
build_headers() {
    cp "$(source_of libusbmuxd)"/usr/include/usbmuxd.h "$prefix/include/"
    cp -R "$(source_of glue)"/usr/include/libimobiledevice-glue "$prefix/include/"
    pc libusbmuxd-2.0 2.1.1 "" -DLIBUSBMUXD_STATIC
}
# common_libimobiledevice "FLAGS" ["LIBS"]: the pairing over Wi-Fi needs two more libraries and is left out.
common_libimobiledevice() {
    compile libimobiledevice-1.0.a "-I. -Iinclude -Isrc -Icommon -DLIBIMOBILEDEVICE_STATIC -DLIBPLIST_STATIC -DLIBUSBMUXD_STATIC -DLIMD_GLUE_STATIC \
        -DPACKAGE_VERSION=\"1.4.0\" -DPACKAGE_STRING=\"libimobiledevice\" -DHAVE_OPENSSL -DSTRIP_DEBUG_CODE -DHAVE_PLIST_JSON -DHAVE_PLIST_UNIX_DATE \
        -DHAVE_STRCASECMP -DHAVE_STRDUP -DHAVE_STRERROR -DHAVE_ASPRINTF -DHAVE_VASPRINTF -DHAVE_GETTIMEOFDAY $1" src/*.c common/*.c
    headers libimobiledevice include/libimobiledevice/*.h
    pc libimobiledevice-1.0 1.4.0 "-limobiledevice-1.0 ${2:-}" -DLIBIMOBILEDEVICE_STATIC
}
