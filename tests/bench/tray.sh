#!/bin/bash
# make bench-tray: 1, 4, 16 and 64 devices at once, kitbench tray beside as many idevicebackup2 processes that a shell starts, against the same
# simulated bench. Then what a tray costs that has nothing to do, and how soon a device that is plugged in is judged. Prints Markdown tables.
# TRAYS ("1 4 16 64"), ROUNDS (1), IDLE_S (30), LATE_S (240), FILES (200) and BYTES (24000000) of each device. Linux only (/proc).
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
kb=$top/build/kitbench sim=$top/build/phonesim measure=$top/build/native/measure gen=$top/build/native/backupgen
files=${FILES:-200} bytes=${BYTES:-24000000} rounds=${ROUNDS:-1} idle_s=${IDLE_S:-30}
dir=${BENCH_DIR:-$top/build/bench-tray}
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
control=UNIX:$dir/control.sock
export USBMUXD_SOCKET_ADDRESS="UNIX:$dir/usbmuxd.sock" KITBENCH_HOME="$dir/home" KITBENCH_BACKUP_PASSWORD=bench
simpid='' tray='' reader=''
trap 'kill $simpid $tray 2>/dev/null || :' EXIT
hz=$(getconf CLK_TCK)

udid() { printf '00008101-0000000000000B%02d' "$1"; }
# bench N KEYS: N devices, spread over four controllers.
bench() {
    local n=$1 i
    {
        echo '{"devices": ['
        for i in $(seq "$n"); do
            [ "$i" = 1 ] || echo ,
            printf '{"name":"t%s","udid":"%s","location":%s,"trusted":true,"activated":true,"supervised":false,"capacity":512000000000,"free":400000000000,%s}' \
                "$i" "$(udid "$i")" $(((i % 4 + 1) * 16777216 + i * 65536)) "$2"
        done
        echo ']}'
    } >scenario.json
    mkdir -p "$KITBENCH_HOME"
    "$sim" --scenario scenario.json --listen "$USBMUXD_SOCKET_ADDRESS" --control "$control" --state "$dir/sim" >sim.out 2>sim.err &
    simpid=$!
    until grep -q ready sim.out; do sleep 0.1; done
}
clear_away() { # everything but the source of the restores
    kill "$simpid"
    wait "$simpid" 2>/dev/null || :
    simpid=
    rm -rf "${dir:?}/sim" "${dir:?}/ours" "${dir:?}/theirs" "${dir:?}/home"
}
settle() { sync; sleep 1; }
sheet() { # sheet N [SOURCE]
    echo "target${2:+,source}"
    for i in $(seq "$1"); do echo "$(udid "$i")${2:+,$2}"; done
}
all_theirs() { # all_theirs N COMMAND...: one process a device, UDID in place of @
    local n=$1
    shift
    # shellcheck disable=SC2016
    "$measure" --every 200 bash -c 'n=$1; shift; pids=; for i in $(seq "$n"); do u=$(printf 00008101-0000000000000B%02d "$i"); "${@//@/$u}" >>out.theirs 2>&1 & pids="$pids $!"; done; bad=0; for p in $pids; do wait "$p" || bad=$((bad + 1)); done; exit "$bad"' bash "$n" "$@" | tail -n 1
}
ratio() { awk -v x="$1" -v y="$2" 'BEGIN {if (y > 0) printf "%.2f", x/y; else printf "-"}'; }
div() { awk -v x="$1" -v y="$2" -v f="$3" 'BEGIN {printf f, x/y}'; }
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
column() { awk -v c="$2" '{print $c}' "$1" | median; }
# row WHAT N MEGABYTES OURS THEIRS; the files' columns: wall cpu peak exit pss
row() {
    awk -v what="$1" -v n="$2" '$4 != 0 && $4 != 7 {printf "%s %s: a tray ended with %s\n", what, n, $4; bad=1} END {exit bad}' "$4" >&2
    local a b lost
    lost=$(awk '$4 > most {most = $4} END {print most + 0}' "$5") # of theirs: told, and no reason to end a bench
    a=$(column "$4" 1) b=$(column "$5" 1)
    [ "$lost" = 0 ] || set -- "$1 ($lost of the idevicebackup2 failed)" "${@:2}"
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s (%s) | %s (%s) |\n' "$1" "$2" "$(div "$3" "$a" %.0f)" "$(div "$3" "$b" %.0f)" "$(ratio "$a" "$b")" \
        "$(div "$(column "$4" 2)" "$2" %.3f)" "$(div "$(column "$5" 2)" "$2" %.3f)" "$(ratio "$(column "$4" 2)" "$(column "$5" 2)")" \
        "$(div "$(column "$4" 3)" $((1024 * $2)) %.1f)" "$(div "$(column "$4" 5)" $((1024 * $2)) %.1f)" \
        "$(div "$(column "$5" 3)" $((1024 * $2)) %.1f)" "$(div "$(column "$5" 5)" $((1024 * $2)) %.1f)"
}

old() { printf '"os":"17.5.1","backup_password":"bench","cache":true,"passcode_prompts":false,"content":{"seed":1,"files":%s,"profile":"mix","bytes":%s,"dpic":1000,"iter":1000}' "$files" "$bytes"; }
new='"os":"18.1","phase":"assistant","reboot_ms":200,"pairing_after_restore":"kept","restore_check":"none","content":{"seed":2,"files":4,"profile":"small"}'
mb=$((bytes / 1000000))

backups() { # backups N
    local n=$1
    : >o.backup; : >t.backup
    for _ in $(seq "$rounds"); do
        bench "$n" "$(old)"
        sheet "$n" >jobs.csv
        # The simulator makes its contents the first time: not in anybody's time.
        all_theirs "$n" idevicebackup2 -u @ backup --full "$dir/theirs" >warm.txt
        rm -rf theirs && mkdir -p theirs ours
        settle
        "$measure" --every 200 "$kb" tray jobs.csv --backup --json --store "$dir/ours" --wait 60 2>o.err | tail -n 1 >>o.backup
        settle
        all_theirs "$n" idevicebackup2 -u @ backup --full "$dir/theirs" >>t.backup
        clear_away
    done
    row 'backup; kitbench with every bit proved and sealed' "$n" $((mb * n)) o.backup t.backup
}

source=00008030-00000000000000AE
restores() { # restores N
    local n=$1
    : >o.restore; : >t.restore
    for _ in $(seq "$rounds"); do
        bench "$n" "$new"
        sheet "$n" "$dir/source/$source" >jobs.csv
        settle
        "$measure" --every 200 --until '"state":"rebooting"' --times "$n" "$kb" tray jobs.csv --json --source-state no-mdm --wait 2 2>o.err | tail -n 1 |
            awk '{print $6, $7, $3, $4, $5}' >>o.restore
        clear_away
        bench "$n" "$new"
        settle
        all_theirs "$n" idevicebackup2 -u @ -s $source restore --system --settings --remove --password bench "$dir/source" >>t.restore
        clear_away
    done
    row 'restore of one backup; kitbench with its first proof' "$n" $((mb * n)) o.restore t.restore
}

# ---- A tray that waits ----
ticks_of() { sed 's/.*) //' "/proc/$tray/stat" | awk '{print $12 + $13, $14 + $15}'; } # its own, and its children's that have ended
start_tray() {
    "$kb" tray jobs.csv --json --source-state no-mdm --wait 600 >tray.out 2>tray.err </dev/null &
    tray=$!
}
stop_tray() {
    kill "$tray"
    wait "$tray" 2>/dev/null || :
    tray=
}
lines_in() { grep -c -e "$1" tray.out || :; }
await() { # await PATTERN N
    local i
    for i in $(seq 3000); do
        [ "$(lines_in "$1")" -ge "$2" ] && return 0
        sleep 0.1
    done
    echo "bench-tray: no $2 lines with $1" >&2
    exit 1
}
idle() { # idle WHAT: after everything has come to rest
    local before after
    sleep "${2:-5}"
    before=$(ticks_of)
    sleep "$idle_s"
    after=$(ticks_of)
    # shellcheck disable=SC2086 # four numbers
    set -- "$1" $before $after
    printf '| %s | %s %% | %s %% | %s |\n' "$1" "$(div $((100 * ($4 - $2))) $((hz * idle_s)) %.2f)" "$(div $((100 * ($4 - $2 + $5 - $3))) $((hz * idle_s)) %.2f)" \
        "$(awk '/^VmHWM/ {printf "%.1f", $2 / 1024}' "/proc/$tray/status")"
}
waits() {
    printf '\n| a tray of 64 that waits | CPU of the tray, of one core | its readers with it | peak MiB of the tray |\n|---|---|---|---|\n'
    bench 64 "$new"
    printf 'target,source\n00008101-0000000000000C00,%s\n' "$dir/source/$source" >jobs.csv
    start_tray
    for _ in $(seq 300); do [ "$(grep -c 'Not in the sheet' tray.err)" -ge 64 ] && break; sleep 0.1; done
    idle '64 devices attached that no line names'
    stop_tray
    sheet 64 "$dir/source/$source" >jobs.csv
    start_tray
    await '"state":"steps"' 64
    idle '64 devices restored, whose steps are open, after 10 s' 10
    idle '64 devices restored, whose steps are open, after 4 min' $((${LATE_S:-240} - 10 - idle_s))
    stop_tray
    clear_away
}

# ---- From the plug to the verdict ----
judged() { # judged N: seconds until the first and the last of N was ready, all plugged in at once
    local n=$1 began times
    bench "$n" "$new"
    sheet "$n" "$dir/source/$source" >jobs.csv
    for i in $(seq "$n"); do "$sim" ctl "$control" unplug "t$i" >done.txt; done
    settle
    mkfifo pipe
    while IFS= read -r line; do
        case $line in *'"state":"ready"'*) echo "$EPOCHREALTIME" >>times.txt ;; esac
    done <pipe &
    reader=$!
    : >times.txt
    "$kb" tray jobs.csv --json --source-state no-mdm --wait 600 >pipe 2>tray.err </dev/null &
    tray=$!
    sleep 2
    began=$EPOCHREALTIME
    for i in $(seq "$n"); do "$sim" ctl "$control" plug "t$i" >>done.txt & done
    for i in $(seq 600); do [ "$(wc -l <times.txt)" -ge "$n" ] && break; sleep 0.1; done
    times=$(awk -v b="$began" '{printf "%.2f\n", $1 - b}' times.txt | sort -n)
    kill -9 "$tray"
    wait "$tray" 2>/dev/null || :
    wait "$reader" || :
    tray=
    rm -f pipe
    printf '| %s | %s | %s | %s |\n' "$n" "$(head -n 1 <<<"$times")" "$(median <<<"$times")" "$(tail -n 1 <<<"$times")"
    clear_away
}

"$gen" "$(mkdir -p source && echo source)" udid=$source os=17.0 files="$files" large=$((bytes / files)) dpic=1000 iter=1000 password=bench name=X >gen.txt 2>&1
mb_source=$(du -sm source | cut -f1)
printf '%s cores, load before: %s, %s rounds, medians; %s files and %s MB a device (%s MB of the one backup that is restored)\n\n' "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)" "$rounds" "$files" "$mb" "$mb_source"
printf '| what | devices | kitbench tray MB/s | idevicebackup2 MB/s | wall ratio | kitbench CPU s a device | other CPU s a device | CPU ratio | kitbench peak MiB a device (PSS) | other peak MiB a device (PSS) |\n|---|---|---|---|---|---|---|---|---|---|\n'
for n in ${TRAYS:-1 4 16 64}; do backups "$n"; done
mb=$mb_source
for n in ${TRAYS:-1 4 16 64}; do restores "$n"; done
waits
printf '\n| plugged in at once | first ready, s | median | last ready, s |\n|---|---|---|---|\n'
for n in 1 64; do judged "$n"; done
printf '\nload after: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
