#!/bin/bash
# Installs, runs and uninstalls the MSI in wine, and unpacks and runs the zip. Ends with "N passed, N failed".
# usage: installer-check.sh FOLDER VERSION       FOLDER: what installer.sh filled
set -u
out=$(cd "$1" && pwd) version=$2
name=kitbench-$version-x64
export WINEPREFIX=$out/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml=;winemenubuilder.exe=' LC_ALL=C.UTF-8
unset DISPLAY
passed=0 failed=0
try() { # try WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$out/try.log" 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "installer: $what: FAILED"; tail -n 5 "$out/try.log"; fi
}
on_wine() { timeout -k 5 240 wine "$@"; }
says() { # says TEXT COMMAND...
    local text=$1
    shift
    "$@" 2>&1 | tr -d '\r' | grep -qF -- "$text"
}
trap 'wineserver -k 2>/dev/null' EXIT
rm -rf "${WINEPREFIX:?}" "${out:?}/unpacked"
on_wine wineboot -i >"$out/try.log" 2>&1 || { cat "$out/try.log"; exit 1; }
place="$WINEPREFIX/drive_c/Program Files/kitbench"
registry() { on_wine reg query 'HKLM\System\CurrentControlSet\Control\Session Manager\Environment' /v PATH; }

try "install" on_wine msiexec /i "Z:$out/$name.msi" /qn
try "the program is there" test -f "$place/kitbench.exe"
try "it runs" says "kitbench $version" on_wine "$place/kitbench.exe" --version
try "it speaks Japanese" says 使い方 on_wine "$place/kitbench.exe" --help --lang ja
try "its documents are there" test -f "$place/doc/README.md"
try "it is in PATH" says kitbench registry
try "it is in the Start menu" says kitbench.lnk find "$WINEPREFIX/drive_c" -name 'kitbench.lnk'
try "uninstall" on_wine msiexec /x "Z:$out/$name.msi" /qn
try "nothing is left" test ! -e "$place"
no_path() { ! says kitbench registry; }
try "PATH is as before" no_path
try "the zip" python3 -m zipfile -e "$out/$name.zip" "$out/unpacked"
try "it runs from there" says "kitbench $version" on_wine "$out/unpacked/$name/kitbench.exe" --version
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
