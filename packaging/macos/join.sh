#!/bin/sh
# Joins what make linked for arm64 and x86_64 (build/macos-ARCH) into universal programs in FOLDER, and looks at what came out.
# usage: join.sh FOLDER
set -eu
out=$1
fail() {
    echo "join: $*" >&2
    exit 1
}
tool() { # tool NAME: prints which program to use; Debian adds the version to some names
    for found in "$1" $(ls /usr/bin/"$1"-[0-9]* 2>/dev/null); do
        ! command -v "$found" || return 0
    done
    fail "$1 is missing; run scripts/install-deps.sh mac"
}
lipo=$(tool llvm-lipo) objdump=$(tool llvm-objdump)
mkdir -p "$out"
for program in kitbench phonesim; do
    universal=$out/$program
    "$lipo" -create "build/macos-arm64/$program" "build/macos-x86_64/$program" -output "$universal"
    case $("$lipo" -archs "$universal") in
    *arm64*x86_64* | *x86_64*arm64*) ;;
    *) fail "$universal does not hold both architectures" ;;
    esac
    # Only what every Mac has: anything else would be missing there.
    for arch in arm64 x86_64; do
        "$objdump" --macho --dylibs-used --arch="$arch" "$universal" >"$out/$program.$arch.needs"
        ! tail -n +2 "$out/$program.$arch.needs" | grep -v '/usr/lib/' || fail "$universal ($arch) needs a library that macOS does not have"
        "$objdump" --macho --private-headers --arch="$arch" "$universal" >"$out/$program.$arch.headers"
        grep -A 4 LC_BUILD_VERSION "$out/$program.$arch.headers" | grep -q 'minos 11.0' || fail "$universal ($arch) is not for macOS 11"
    done
    echo "mac-programs: $universal, $("$lipo" -archs "$universal"), $(wc -c <"$universal") bytes"
done
