#!/bin/bash
# make bench: kitbench beside Debian's idevicebackup2, in the same run, against the same simulated device and contents, alternating.
# Prints medians and ratios (below 1 is better for kitbench) as a Markdown table. ROUNDS (3), BENCH_CASES ("small large mix").
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
kb=$top/build/kitbench sim=$top/build/phonesim measure=$top/build/native/measure
rounds=${ROUNDS:-3}
dir=${BENCH_DIR:-$top/build/bench}
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
a=00008030-00000000000000AE b=00008030-00000000000000BE
control=UNIX:$dir/control.sock
export USBMUXD_SOCKET_ADDRESS="UNIX:$dir/usbmuxd.sock" KITBENCH_HOME="$dir/home" KITBENCH_BACKUP_PASSWORD=bench
simpid=
trap 'kill $simpid 2>/dev/null || :' EXIT

start_sim() { # start_sim CONTENT_JSON
    cat >scenario.json <<JSON
{"devices":[
 {"name":"a","udid":"$a","os":"17.5.1","trusted":true,"activated":true,"supervised":false,"backup_password":"bench","capacity":512000000000,"free":400000000000,"content":$1},
 {"name":"b","udid":"$b","os":"18.1","phase":"assistant","trusted":true,"activated":true,"supervised":false,"reboot_ms":200,"capacity":512000000000,"free":400000000000,
  "pairing_after_restore":"kept","restore_check":"none","content":{"seed":2,"files":4,"profile":"small"}}]}
JSON
    "$sim" --scenario scenario.json --listen "$USBMUXD_SOCKET_ADDRESS" --control "$control" --state "$dir/sim" >sim.out 2>sim.err &
    simpid=$!
    until grep -q ready sim.out; do sleep 0.1; done
}
stop_sim() {
    kill "$simpid"
    wait "$simpid" 2>/dev/null || :
    simpid=
    rm -rf "$dir/sim"
}
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
column() { awk -v c="$2" '{print $c}' "$1" | median; }
ratio() { awk -v x="$1" -v y="$2" 'BEGIN {if (y > 0) printf "%.2f", x/y; else printf "-"}'; }
must() { # must FILE WHAT: every run of it ended with 0 (or 7: steps are open)
    awk -v what="$2" '$4 != 0 && $4 != 7 {printf "%s: a run ended with %s\n", what, $4; bad=1} END {exit bad}' "$1" >&2
}
row() { # row NAME OURS THEIRS
    must "$2" "kitbench $1"
    must "$3" "idevicebackup2 $1"
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$1" \
        "$(column "$2" 1)" "$(column "$3" 1)" "$(ratio "$(column "$2" 1)" "$(column "$3" 1)")" \
        "$(column "$2" 2)" "$(column "$3" 2)" "$(ratio "$(column "$2" 2)" "$(column "$3" 2)")" \
        "$(column "$2" 3)" "$(column "$3" 3)"
}
reset_b() { for w in wipe activate; do "$sim" ctl "$control" $w b >/dev/null; done; }

one_case() { # one_case NAME CONTENT_JSON
    local name=$1 i
    start_sim "$2"
    mkdir -p ours theirs
    : >o.backup; : >o.transfer; : >t.backup; : >o.restore; : >t.restore
    for i in $(seq "$rounds"); do
        rm -rf ours/* theirs/*
        "$measure" --until '"phase":"proving"' "$kb" backup $a --json --full --store "$dir/ours" >>o.all
        tail -n 1 o.all >>o.backup
        tail -n 1 o.all | awk '{print $5, $6, $3, $4}' >>o.transfer
        "$measure" idevicebackup2 -u $a backup --full "$dir/theirs" >>t.backup
    done
    for i in $(seq "$rounds"); do
        reset_b
        "$measure" --until '"state":"rebooting"' "$kb" restore $a $b --json --store "$dir/ours" --source-state no-mdm --wait 10 | awk '{print $5, $6, $3, $4}' >>o.restore
        sleep 1
        reset_b
        "$measure" idevicebackup2 -u $b -s $a restore --system --settings --remove --password bench "$dir/theirs" >>t.restore
        sleep 1
    done
    row "$name backup, whole (kitbench also proves and seals it)" o.backup t.backup
    row "$name backup, transfer only" o.transfer t.backup
    row "$name restore" o.restore t.restore
    stop_sim
}

printf '| what | kitbench wall s | idevicebackup2 wall s | ratio | kitbench CPU s | idevicebackup2 CPU s | ratio | kitbench peak KiB | idevicebackup2 peak KiB |\n|---|---|---|---|---|---|---|---|---|\n'
for c in ${BENCH_CASES:-small large mix}; do
    case $c in
    small) one_case "20,000 files of 4 KiB" '{"seed":1,"files":20000,"profile":"small","dpic":1000,"iter":1000,"cache":true}' ;;
    large) one_case "2 GiB in large files" '{"seed":1,"files":16,"profile":"large","bytes":2147483648,"dpic":1000,"iter":1000,"cache":true}' ;;
    mix) one_case "realistic mix" '{"seed":1,"files":8000,"profile":"mix","bytes":800000000,"dpic":1000,"iter":1000,"cache":true}' ;;
    esac
done
start_sim '{"seed":1,"files":10,"profile":"small"}'
: >o.info; : >t.info
for _ in 1 2 3 4 5 6 7 8 9 10; do
    "$measure" "$kb" devices --json >>o.info
    "$measure" ideviceinfo -u $a >>t.info
done
row "devices (two devices, all services) against ideviceinfo (one device, lockdown only)" o.info t.info
stop_sim
