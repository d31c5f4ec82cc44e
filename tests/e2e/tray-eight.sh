#!/bin/sh
# A tray of eight, one backup for all: each is restored once, each is led to its end by a scripted hand, and none gets in another's way.
# Small enough for slow places: it is also run as a Windows program (make win-check).
# limit: 420
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
all="1 2 3 4 5 6 7 8"

for n in $all; do
    assistant "$n" "00008101-00000000000000E$n" '"os":"18.1","location":'$((336592896 + n * 65536))',"cloud_configuration":{"IsSupervised":true,"SkipSetup":["Siri"]},"ade":{"identifier":"com.example.mdm","organization":"Example"}'
done | bench >bench.json
sim_start bench.json
A=00008030-000000000000000A
managed $A files=40 dpic=20000
echo target,source,user >jobs.csv
for n in $all; do echo "00008101-00000000000000E$n,$A,利用者$n" >>jobs.csv; done

tray_start jobs.csv --json --password-file pw --wait 200
until_true 200 in_tray '"state":"steps"' 8
for n in $all; do
    for hand in wifi next sign-in finish-setup home reauth-agent; do ctl $hand t$n >done.txt 2>&1 || :; done
done
waits_for() { "$KB" status --json >now.txt && [ "$(grep -c '"step":"'"$1"'"' now.txt)" = "$2" ]; }
for step in apple-id agent-reauth; do
    until_true 120 waits_for $step 8
    for n in $all; do "$KB" confirm 00008101-00000000000000E$n $step --by 佐藤 >done.txt 2>&1 || fail "$(cat done.txt)"; done
done
tray_end 0
for n in $all; do
    grep '"event":"result"' tray.out | grep "00008101-00000000000000E$n" >line || fail "no result of $n"
    same "outcome of $n" "$(json .outcome <line)" restored
    same "exit of $n" "$(json .exit <line)" 0
    same "content of $n" "$(state t$n content.last_job.missing) $(state t$n content.last_job.bad_digest) $(state t$n content.last_job.error)" "0 0 0"
done
kb 0 status --json
same "done" "$(grep -c '"state":"done"' out)" 8
kb 0 report --out report.csv
has 利用者8 report.csv
has 佐藤 report.csv
sim_clean
say fine
