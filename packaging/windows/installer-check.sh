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
# Without a semicolon at its end: wine leaves the one that stood before our folder.
path_entry() { on_wine reg query 'HKLM\System\CurrentControlSet\Control\Session Manager\Environment' /v PATH | tr -d '\r' | sed -n 's/^ *PATH *REG_[A-Z_]* *//; s/;*$//; /;/p'; }
menu() { find "$WINEPREFIX/drive_c" -ipath '*/start menu/*kitbench*'; }
path_before=$(path_entry)
[[ -n $path_before ]] || { echo "installer: wine has no PATH" >&2; exit 1; }

try "install" on_wine msiexec /i "Z:$out/$name.msi" /qn
try "the program is there" test -f "$place/kitbench.exe"
try "it runs" says "kitbench $version" on_wine "$place/kitbench.exe" --version
try "it speaks Japanese" says 使い方 on_wine "$place/kitbench.exe" --help --lang ja
try "its documents are there" test -f "$place/doc/README.md"
try "PATH has it at its end" test "$(path_entry)" = "$path_before;C:\\Program Files\\kitbench\\"
try "it is found by its name" says "kitbench $version" on_wine cmd /c kitbench --version
try "it is in the Start menu" says kitbench.lnk menu
try "uninstall" on_wine msiexec /x "Z:$out/$name.msi" /qn
try "no file is left" test ! -e "$place"
try "nothing is left in the Start menu" test -z "$(menu)"
try "PATH is as before" test "$(path_entry)" = "$path_before"
try "the zip" python3 -m zipfile -e "$out/$name.zip" "$out/unpacked"
try "it runs from there" says "kitbench $version" on_wine "$out/unpacked/$name/kitbench.exe" --version
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
