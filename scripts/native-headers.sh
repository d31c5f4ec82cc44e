#!/bin/sh
# Collects headers for the compile checks of other systems: of libraries that Debian does not have for them, the native headers,
# which do not depend on the platform (nothing is linked). In a folder of their own, so that none of the C library's come along.
# usage: native-headers.sh FOLDER
set -eu
out=$1
[ ! -e "$out/.complete" ] || exit 0
mkdir -p "$out"

folder_of() { # folder_of PACKAGE: where its headers are
    folder=$(pkg-config --variable=includedir "$1")
    echo "${folder:-/usr/include}"
}
take() { # take PACKAGE FILE_OR_FOLDER...
    from=$(folder_of "$1")
    shift
    for name in "$@"; do cp -R "$from/$name" "$out/"; done
}
take jansson jansson.h jansson_config.h
take libplist-2.0 plist
take libimobiledevice-1.0 libimobiledevice
take libusbmuxd-2.0 usbmuxd.h
take sqlite3 sqlite3.h
take libconfuse confuse.h
take libutf8proc utf8proc.h
take libuv uv.h uv
take check check.h check_stdint.h
take libssl openssl
# Debian keeps the configured part of OpenSSL's headers apart.
for extra in "$(folder_of libssl)"/*-linux-gnu*/openssl; do
    [ ! -d "$extra" ] || cp "$extra"/*.h "$out/openssl/"
done
: >"$out/.complete"
