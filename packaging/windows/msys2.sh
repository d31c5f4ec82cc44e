#!/bin/bash
# Builds kitbench for release on Windows with MSYS2's tools and the real libraries, then the installer and the zip. Run it in the
# "MSYS2 UCRT64" shell; it installs what is missing with pacman.
# NOT TRIED: written where there is no Windows. What is tried is the cross build (deps.sh, make win-check) of the same Makefile.
# usage: msys2.sh       SIGN=name of a certificate in this user's store: signs the program and the installer with signtool
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"
[[ ${MSYSTEM:-} == UCRT64 ]] || { echo "msys2.sh: open the shell \"MSYS2 UCRT64\" and run it there" >&2; exit 1; }
sh scripts/install-deps.sh build
pacman -S --needed --noconfirm zip python gettext-tools
version=$(sed -n 's/^VERSION *:= *//p' Makefile)
# Linked statically as far as MSYS2 has static libraries; the rest comes along as DLLs.
make -j"$(nproc)" CC=gcc PKG_CONFIG='pkg-config --static' build/native/{kitbench,phonesim}.exe
sign() { [[ -z ${SIGN:-} ]] || signtool sign /n "$SIGN" /fd SHA256 /tr http://timestamp.digicert.com /td SHA256 "$@"; }
sign build/native/{kitbench,phonesim}.exe
dlls=$(ldd build/native/{kitbench,phonesim}.exe | awk '$3 ~ /^\/ucrt64\// { print $3 }')
[[ -z $dlls ]] || { echo "msys2.sh: still linked to $dlls; the installer brings no DLLs, so link these statically" >&2; exit 1; }
bash packaging/windows/installer.sh build/native "$version" build/release
for msi in build/release/*.msi; do [[ ! -f $msi ]] || sign "$msi"; done
