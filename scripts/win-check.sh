#!/bin/bash
# Runs kitbench.exe and its unit tests in wine: the tests of every room, and end-to-end scripts against the native phonesim on a port
# of this computer, as Apple Mobile Device Service has one on Windows. Every program has a time limit; nothing is left running.
# usage: win-check.sh [unit] [e2e]     after make win-programs; ends with "N passed, N failed"
# E2E_ONLY=part-of-a-name; WIN_SECONDS=900: after so many seconds no test is begun and none goes on, and the end says how many were
# left out. WIN_MUX: where phonesim listens. Usually that is Windows' own place, and kitbench.exe is not told of any; only when
# somebody has that port already, it is another one.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
built=$top/build/win64
what=${*:-unit e2e}
limit=${WIN_SECONDS:-900}
usual=127.0.0.1:27015
mux=${WIN_MUX:-$usual}
scripts=${WIN_E2E:-kb-devices kb-story tray-eight kb-password kb-hands kb-supervised-pair kb-refusals}
export WINEPREFIX=$built/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml=;winemenubuilder.exe=' HOME=$built/wine-home LC_ALL=C.UTF-8
unset DISPLAY
passed=0 failed=0 left=0

command -v wine >/dev/null || { echo "win-check: wine is missing; run scripts/install-deps.sh windows" >&2; exit 1; }
[[ -f $built/kitbench.exe ]] || { echo "win-check: no kitbench.exe; run make win-programs" >&2; exit 1; }
mkdir -p "$HOME"
rooms=$(mktemp -d /tmp/kb-wine.XXXXXX) || exit 1
at_end() {
    wineserver -k 2>/dev/null # of our own prefix only
    rm -rf "$rooms"
}
trap at_end EXIT
trap 'exit 130' INT TERM
if [[ ! -f $WINEPREFIX/.kitbench ]]; then
    timeout 300 wine wineboot -i >"$rooms/boot" 2>&1 || { cat "$rooms/boot"; echo "win-check: wine does not start" >&2; exit 1; }
    : >"$WINEPREFIX/.kitbench"
fi
# Wine's services start with the first program, hold its output open, and end long after it: a pipe would never come to its end.
wineserver -p $((limit + 60))
wine cmd /c exit >/dev/null 2>&1 </dev/null

# in_time MOST: sets `most`, how many seconds the next test may have; fails when the time is over.
in_time() {
    most=$((limit - SECONDS))
    ((most <= $1)) || most=$1
    ((most > 0)) && return
    left=$((left + 1))
    return 1
}
over() { ((SECONDS >= limit)); }
count() { # count PASSED FAILED
    passed=$((passed + $1)) failed=$((failed + $2))
}

unit() {
    local program sums
    {
        echo '#!/bin/sh'
        echo "wine \"\$@\" >$rooms/said 2>&1 </dev/null || status=\$?"
        echo "cat $rooms/said; exit \${status:-0}"
    } >"$rooms/wine"
    chmod +x "$rooms/wine"
    for program in "$built"/tests/unit/*/*.exe "$built"/tests/unit/*/*/*.exe; do
        in_time 240 || continue
        RUN_WITH="timeout -k 5 $most $rooms/wine" sh scripts/run-tests.sh "$program" >"$rooms/unit.log"
        sums=$(tail -n 1 "$rooms/unit.log")
        if over && [[ $sums != *" 0 failed" ]]; then left=$((left + 1)) && continue; fi
        cat "$rooms/unit.log"
        if [[ $sums =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then count "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"; else count 0 1; fi
    done
}

# A script sees kitbench.exe as a program like the other; its paths begin with Z: when Windows says them.
e2e() {
    local name status
    # Wine reads arguments in the locale's characters, and the scripts say LC_ALL=C.
    {
        echo '#!/bin/sh'
        [[ $mux != "$usual" ]] || echo 'unset USBMUXD_SOCKET_ADDRESS'
        printf 'LC_ALL=C.UTF-8 exec wine %s "$@"\n' "$built/kitbench.exe"
    } >"$rooms/kitbench"
    chmod +x "$rooms/kitbench"
    for name in $scripts; do
        [[ $name == *"${E2E_ONLY:-}"* ]] || continue
        in_time 420 || continue
        mkdir "$rooms/$name"
        status=0
        (cd "$rooms/$name" && TOP=$top KB=$rooms/kitbench SIM=$top/build/phonesim E2E_MUX=$mux E2E_DRIVE=Z: \
            timeout -k 10 "$most" sh "$top/tests/e2e/$name.sh" >log 2>&1 </dev/null) || status=$?
        if ((status == 124)) && over; then left=$((left + 1)) status=cut; fi
        case $status in
        cut) ;;
        0) count 1 0; echo "e2e $name: ok" ;;
        77) echo "e2e $name: $(tail -n 1 "$rooms/$name/log")" ;;
        *) count 0 1; grep -m 5 FAIL "$rooms/$name/log"; tail -n 10 "$rooms/$name/log"; echo "e2e $name: FAILED ($status)" ;;
        esac
        rm -rf "${rooms:?}/$name"
    done
}

if [[ -z ${WIN_MUX:-} ]] && (exec 3<>"/dev/tcp/${usual/://}") 2>/dev/null; then
    mux=127.0.0.1:0
    echo "win-check: somebody listens at $usual already; phonesim takes another port"
fi
for part in $what; do
    case $part in
    unit | e2e) $part ;;
    *) echo "win-check: unit and e2e are known, not $part" >&2; exit 2 ;;
    esac
done
((left == 0)) || echo "win-check: $left test programs were left out, $limit seconds were over"
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
