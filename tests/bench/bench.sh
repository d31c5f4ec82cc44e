#!/bin/bash
# make bench: kitbench beside Debian's idevicebackup2, in the same run, against the same simulated device and contents, alternating.
# Prints medians and ratios (below 1 is better for kitbench) as a Markdown table. ROUNDS (3), BENCH_CASES ("small large mix").
# Every run writes into a new folder and nothing is removed before a case is over: file systems are slow after mass deletion.
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
 {"name":"a","udid":"$a","os":"17.5.1","trusted":true,"activated":true,"supervised":false,"backup_password":"bench","capacity":512000000000,"free":400000000000,"content":$1,"cache":true},
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
    rm -rf "$dir/sim" "$dir"/[0-9]*
}
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
column() { awk -v c="$2" '{print $c}' "$1" | median; }
ratio() { awk -v x="$1" -v y="$2" 'BEGIN {if (y > 0) printf "%.2f", x/y; else printf "-"}'; }
mib() { awk -v k="$(column "$1" "$2")" 'BEGIN {printf "%.1f", k/1024}'; }
must() { # must FILE WHAT: every run of it ended with 0 (or 7: steps are open)
    awk -v what="$2" '$4 != 0 && $4 != 7 {printf "%s: a run ended with %s\n", what, $4; bad=1} END {exit bad}' "$1" >&2
}
row() { # row NAME OURS THEIRS; the files' columns: wall cpu peak exit pss
    must "$2" "kitbench $1"
    must "$3" "the other $1"
    printf '| %s | %s | %s | %s | %s | %s | %s | %s (%s) | %s (%s) |\n' "$1" \
        "$(column "$2" 1)" "$(column "$3" 1)" "$(ratio "$(column "$2" 1)" "$(column "$3" 1)")" \
        "$(column "$2" 2)" "$(column "$3" 2)" "$(ratio "$(column "$2" 2)" "$(column "$3" 2)")" \
        "$(mib "$2" 3)" "$(mib "$2" 5)" "$(mib "$3" 3)" "$(mib "$3" 5)"
}
part() { awk '{print $6, $7, $3, $4, $5}'; } # what had been spent at --until's line
reset_b() { # a new device in Setup Assistant, attached again, and paired: the old pairing went with the wipe (-21)
    for w in wipe activate; do "$sim" ctl "$control" $w b >/dev/null; done
    until idevice_id -l | grep -q $b; do sleep 0.2; done
    idevicepair -u $b pair >/dev/null
}
settle() { sync; sleep 1; } # what the last run left to be written is not the next one's

restore_ours() { # restore_ours ROUND
    reset_b
    settle
    "$measure" --until '"state":"rebooting"' "$kb" restore $a $b --json --store "$dir/$1/ours" --source-state no-mdm --wait 10 2>o.err | tail -n 1 | part
}

one_case() { # one_case NAME CONTENT_JSON
    local name=$1 i
    start_sim "$2"
    : >o.backup; : >o.transfer; : >t.backup; : >o.first; : >o.restore; : >t.restore
    for i in $(seq "$rounds"); do
        mkdir -p "$i/ours" "$i/theirs"
        settle
        "$measure" --until '"phase":"proving"' "$kb" backup $a --json --full --store "$dir/$i/ours" 2>o.err | tail -n 1 >o.one
        cat o.one >>o.backup
        part <o.one >>o.transfer
        settle
        "$measure" idevicebackup2 -u $a backup --full "$dir/$i/theirs" 2>t.err >t.out
        tail -n 1 t.out >>t.backup
    done
    for i in $(seq "$rounds"); do
        restore_ours "$i" >>o.first # proves every bit before it touches the device, and remembers that it did
        restore_ours "$i" >>o.restore
        reset_b
        settle
        "$measure" idevicebackup2 -u $b -s $a restore --system --settings --remove --password bench "$dir/$i/theirs" 2>t.err >t.out
        tail -n 1 t.out >>t.restore
    done
    row "$name: backup, transfer" o.transfer t.backup
    row "$name: backup, and all of it proved and sealed" o.backup t.backup
    row "$name: restore" o.restore t.restore
    row "$name: restore, with the first proof of every bit" o.first t.restore
    stop_sim
}

printf '%s cores, load before: %s, %s rounds, medians\n\n' "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)" "$rounds"
printf '| what | kitbench wall s | other wall s | ratio | kitbench CPU s | other CPU s | ratio | kitbench peak MiB (PSS) | other peak MiB (PSS) |\n|---|---|---|---|---|---|---|---|---|\n'
for c in ${BENCH_CASES:-small large mix}; do
    case $c in
    small) one_case "20,000 files of 4 KiB" '{"seed":1,"files":20000,"profile":"small","dpic":1000,"iter":1000}' ;;
    large) one_case "2 GiB in 16 files" '{"seed":1,"files":16,"profile":"large","bytes":2147483648,"dpic":1000,"iter":1000}' ;;
    mix) one_case "realistic mix, 8,000 files, 800 MB" '{"seed":1,"files":8000,"profile":"mix","bytes":800000000,"dpic":1000,"iter":1000}' ;;
    esac
done
start_sim '{"seed":1,"files":10,"profile":"small"}'
: >o.info; : >t.info
for _ in 1 2 3 4 5 6 7 8 9 10; do
    "$measure" "$kb" devices --json >>o.info
    "$measure" ideviceinfo -u $a >>t.info
done
row "devices (two devices, all services) and ideviceinfo (one device, lockdown only)" o.info t.info
stop_sim
printf '\nload after: %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
