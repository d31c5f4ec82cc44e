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
wineserver -p30 # stays between two programs: one that has to start it does not see PATH of the registry yet
place="$WINEPREFIX/drive_c/Program Files/kitbench"
# Without a semicolon at its end: wine leaves the one that stood before our folder.
path_entry() { on_wine reg query 'HKLM\System\CurrentControlSet\Control\Session Manager\Environment' /v PATH | tr -d '\r' | sed -n 's/^ *PATH *REG_[A-Z_]* *//; s/;*$//; /;/p'; }
menu() { find "$WINEPREFIX/drive_c" -ipath '*/start menu/*kitbench*'; }
path_before=$(path_entry)
[[ -n $path_before ]] || { echo "installer: wine has no PATH" >&2; exit 1; }

# practises COMMAND: the practice bench, as a person would use it.
practises() {
    local status=0 practice=$1
    bench() { on_wine cmd /c "$practice" "$@"; }
    try "$1: lists its devices" says "Hanako's iPhone" bench kitbench devices
    try "$1: says how to go on" says 'kitbench backup 00008030' bench <<<exit
    LANG=ja_JP.UTF-8 try "$1: in Japanese, too" says 練習用の作業台 bench <<<exit
    try "$1: a hand moves" says '"phase":"normal"' bench <<<$'phonesim ctl %PHONESIM% state "Taro\'s iPhone"\nexit'
    bench cmd /c exit 5 >"$out/try.log" 2>&1 || status=$?
    try "$1: ends with the command's status" test $status = 5
    try "$1: leaves nothing behind" test -z "$(find "$WINEPREFIX/drive_c/users" -name 'phonesim.*')"
}
# The story on the installed practice bench, both programs being Windows': a backup with a hand that enters the passcode twice, a restore.
story() {
    local old=00008030-000A11CE0000802E new=00008101-000B0B0B0000001E code=0
    rm -rf "$out/story"
    mkdir "$out/story"
    cd "$out/story" || return
    printf 'demo-Passw0rd\n' >password
    sed 's/$/\r/' >story.cmd <<END
@echo off
echo %PHONESIM%>address
kitbench backup $old --password-file password
if errorlevel 1 exit 1
kitbench pair $new
if errorlevel 1 exit 1
phonesim ctl %PHONESIM% choose-restore $new
kitbench restore $old $new --password-file password
exit %errorlevel%
END
    {
        until [[ -s address ]]; do sleep 0.2; done
        for _ in 1 2; do printf 'wait %s passcode_asked true 60\npasscode %s enter\n' $old $old; done |
            on_wine "$place/phonesim.exe" ctl "$(tr -d '\r' <address)" -
    } &
    on_wine cmd /c kitbench-practice cmd /c story.cmd </dev/null || code=$?
    kill $! 2>/dev/null
    [[ $code == 7 ]] # the operator's steps are open
}
lnk_says() { tr -d '\0' <"$1" | grep -qF -- "$2"; }
try "install" on_wine msiexec /i "Z:$out/$name.msi" /qn
try "the program is there" test -f "$place/kitbench.exe"
try "it runs" says "kitbench $version" on_wine "$place/kitbench.exe" --version
try "it speaks Japanese" says 使い方 on_wine "$place/kitbench.exe" --help --lang ja
try "its documents are there" test -f "$place/doc/README.md"
try "PATH has it at its end" test "$(path_entry)" = "$path_before;C:\\Program Files\\kitbench\\"
try "it is found by its name" says "kitbench $version" on_wine cmd /c kitbench --version
try "it is in the Start menu" says kitbench.lnk menu
practises kitbench-practice
try "kitbench-practice: a backup and a restore" story
no_backup() { ! says 00008030 on_wine kitbench status; }
try "the real journal knows nothing of the practice" no_backup
entry=$(menu | grep -F 'kitbench practice bench.lnk')
try "the practice bench is in the Start menu" lnk_says "$entry" '/c kitbench-practice || pause'
try "uninstall" on_wine msiexec /x "Z:$out/$name.msi" /qn
try "no file is left" test ! -e "$place"
try "nothing is left in the Start menu" test -z "$(menu)"
try "PATH is as before" test "$(path_entry)" = "$path_before"
try "the zip" python3 -m zipfile -e "$out/$name.zip" "$out/unpacked"
try "it runs from there" says "kitbench $version" on_wine "$out/unpacked/$name/kitbench.exe" --version
practises "Z:${out//\//\\}\\unpacked\\$name\\kitbench-practice.cmd"
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
