#!/bin/bash
# Makes a universal, signed and notarised installer package of kitbench, on a Mac.
# NOT TRIED: written from Apple's and Homebrew's documentation where no Mac was at hand. What could be tried elsewhere is said at each step.
#
# usage: package.sh [OUT_FOLDER]        leaves OUT_FOLDER/kitbench-VERSION.pkg (build/macos)
#
# A Homebrew gives libraries of one architecture only, so a universal program needs both: /opt/homebrew (arm64) and, under Rosetta,
# /usr/local (x86_64), each with what scripts/install-deps.sh build installs. The libraries are linked statically where Homebrew
# has an archive, the others are taken along and signed with the program: a customer's Mac needs no Homebrew.
#
# environment: KITBENCH_SIGN_PROGRAM    "Developer ID Application: NAME (TEAM)"; without it the program is signed ad hoc
#              KITBENCH_SIGN_INSTALLER  "Developer ID Installer: NAME (TEAM)"; without it the package is not signed
#              KITBENCH_NOTARY_PROFILE  a keychain profile of `xcrun notarytool store-credentials`; without it nothing is notarised
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:-$top/build/macos}
version=$(sed -n 's/^VERSION *:= *//p' "$top/Makefile")
identifier=org.example.kitbench
minimum=11.0
root=$out/root
libs=$root/usr/local/lib/kitbench

fail() {
    echo "package: $*" >&2
    exit 1
}
[[ $(uname -s) == Darwin ]] || fail "this script runs on a Mac; packaging/macos/README.md says what can be checked elsewhere"
for tool in codesign pkgbuild productbuild lipo otool install_name_tool xcrun; do
    command -v "$tool" >/dev/null || fail "$tool is missing; install Xcode's command line tools: xcode-select --install"
done
[[ -x /opt/homebrew/bin/brew && -x /usr/local/bin/brew ]] || fail "two Homebrews are needed, in /opt/homebrew (arm64) and /usr/local (x86_64, under Rosetta)"

# ---- 1. One build for each architecture, installed into a folder of its own --------------------------------------------
# Tried elsewhere: the same sources compile and link for both architectures with zig (make mac-programs).
build() { # build ARCHITECTURE BREW_PREFIX
    local arch=$1 brew=$2
    (cd "$top" && PATH="$brew/bin:$PATH" PKG_CONFIG_PATH="$brew/opt/openssl@3/lib/pkgconfig:$brew/opt/sqlite/lib/pkgconfig" \
        MACOSX_DEPLOYMENT_TARGET=$minimum arch "-$arch" make FLAVOUR="native-$arch" CC="cc -arch $arch" prefix=/usr/local \
        DESTDIR="$out/$arch" install)
}
rm -rf "$out/arm64" "$out/x86_64" "$root" "$out/component.pkg"
build arm64 /opt/homebrew
build x86_64 /usr/local

# ---- 2. The libraries that are not part of macOS, beside the program ----------------------------------------------------
# Each is known by its file name in @rpath; what it needs itself is taken along too.
foreign() { otool -L "$1" | awk 'NR > 1 { print $1 }' | grep -vE '^(/usr/lib/|/System/|@rpath/|@loader_path/)' || :; }
take_along() { # take_along FILE FOLDER: FILE's libraries into FOLDER, their names changed to @rpath
    local file=$1 folder=$2 library name
    for library in $(foreign "$file"); do
        name=$(basename "$library")
        install_name_tool -change "$library" "@rpath/$name" "$file"
        [[ ! -e $folder/$name ]] || continue
        cp "$library" "$folder/$name"
        chmod u+w "$folder/$name"
        install_name_tool -id "@rpath/$name" "$folder/$name"
        take_along "$folder/$name" "$folder"
    done
}
for arch in arm64 x86_64; do
    mkdir -p "$out/$arch/usr/local/lib/kitbench"
    for program in kitbench phonesim; do
        take_along "$out/$arch/usr/local/bin/$program" "$out/$arch/usr/local/lib/kitbench"
        install_name_tool -add_rpath @executable_path/../lib/kitbench "$out/$arch/usr/local/bin/$program"
    done
done

# ---- 3. Joined: what is Mach-O becomes universal, everything else is the same in both -----------------------------------
# Tried elsewhere: llvm-lipo joins the two programs that zig linked.
cp -R "$out/arm64" "$root"
for path in usr/local/bin/kitbench usr/local/bin/phonesim; do
    lipo -create "$out/arm64/$path" "$out/x86_64/$path" -output "$root/$path"
done
for one in "$out"/arm64/usr/local/lib/kitbench/*.dylib; do
    name=$(basename "$one")
    [[ -e $out/x86_64/usr/local/lib/kitbench/$name ]] || fail "the two Homebrews have different versions of $name; brew upgrade both"
    lipo -create "$one" "$out/x86_64/usr/local/lib/kitbench/$name" -output "$libs/$name"
done

# ---- 4. Signed, innermost first, with the hardened runtime --------------------------------------------------------------
# Library validation stays on: everything carries the same team. kitbench needs no entitlement: usbmuxd's socket is open to all, and
# Full Disk Access is the terminal's.
sign() {
    if [[ ${KITBENCH_SIGN_PROGRAM:-} ]]; then
        codesign --force --options runtime --timestamp --sign "$KITBENCH_SIGN_PROGRAM" "$@"
    else
        codesign --force --sign - "$@"
    fi
}
for file in "$libs"/*.dylib "$root/usr/local/bin/phonesim" "$root/usr/local/bin/kitbench"; do sign "$file"; done
codesign --verify --strict --verbose=2 "$root/usr/local/bin/kitbench"
"$root/usr/local/bin/kitbench" --version # on this Mac's own architecture; the other one needs a Mac of its own (or Rosetta)
! arch -x86_64 true 2>/dev/null || arch -x86_64 "$root/usr/local/bin/kitbench" --version

# ---- 5. The package ----------------------------------------------------------------------------------------------------
pkgbuild --root "$root" --identifier "$identifier" --version "$version" --install-location / --min-os-version "$minimum" "$out/component.pkg"
package=$out/kitbench-$version.pkg
productbuild --package "$out/component.pkg" ${KITBENCH_SIGN_INSTALLER:+--sign "$KITBENCH_SIGN_INSTALLER"} "$package"

# ---- 6. Notarised, and the ticket stapled, so that a bench without a network can install it -----------------------------
if [[ ${KITBENCH_NOTARY_PROFILE:-} ]]; then
    [[ ${KITBENCH_SIGN_PROGRAM:-} && ${KITBENCH_SIGN_INSTALLER:-} ]] || fail "Apple notarises only what is signed with a Developer ID"
    xcrun notarytool submit "$package" --keychain-profile "$KITBENCH_NOTARY_PROFILE" --wait
    xcrun stapler staple "$package"
    spctl --assess --type install --verbose "$package"
else
    echo "package: not notarised: Gatekeeper will refuse it on other Macs" >&2
fi
echo "$package"
