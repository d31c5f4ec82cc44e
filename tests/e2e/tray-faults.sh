#!/bin/sh
# A tray that is killed, whose workers are killed, whose cables fall out, whose usbmuxd goes: every device has a state and a sentence, no
# process and no lock is left, the journal is whole, and the next run of the same sheet brings every device to its steps.
# limit: 600
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
# A program of its own name: the workers of other tests are neither counted nor killed.
cp "$KB" "$dir/kb"
KB=$dir/kb
for n in 1 2 3; do assistant $n 00008101-00000000000000A$n '"os":"18.1","cloud_configuration":{"IsSupervised":true}'; done | bench >bench.json
sim_start bench.json
A=00008030-000000000000000A
managed $A files=3000 dpic=1000
{
    echo "target,source"
    for n in 1 2 3; do echo "00008101-00000000000000A$n,$A"; done
} >jobs.csv
tray() { tray_start jobs.csv --json --password-file pw --wait "$@"; }
workers() { pgrep -f "^$KB worker" | wc -l | tr -d ' '; }
no_worker() { [ "$(workers)" = 0 ]; }
begin_again() { # all three as new
    for n in 1 2 3; do ctl wipe t$n >done.txt; ctl activate t$n >done.txt 2>&1 || :; ctl choose-restore t$n >done.txt 2>&1 || :; done
    rm -rf "$KITBENCH_HOME/journal.db"
}
all_restored() { # the next run reaches the steps of all
    tray 3
    tray_end 7
    for n in 1 2 3; do
        same "state of $n" "$("$KB" status --json | grep "A$n" | tail -n 1 | json .state)" steps
    done
    no_worker || fail "a worker is left"
    kb 0 report --out report.json
}

# The tray itself is killed while devices are restored.
tray 30
until_true 60 in_tray '"phase":"restoring"' 3
kill -9 $tray
wait $tray 2>/dev/null || :
until_true 20 no_worker
"$KB" status --json >now.txt
grep -q '"state":"restoring"' now.txt && fail "a dead restore is called running: $(cat now.txt)"
all_restored

# A worker is killed: its own device alone.
begin_again
tray 4
until_true 60 in_tray '"state":"restoring"' 1
pkill -9 -o -f "^$KB worker" || :
tray_end '5|7'
same "results" "$(grep -c '"event":"result"' tray.out)" 3
[ "$(grep -c '"outcome":"restored"' tray.out)" -ge 2 ] || fail "more than one device suffered: $(cat tray.out)"
all_restored

# The cable falls out of one while it is restored, and comes back.
begin_again
tray 4
until_true 60 in_tray 'A2.*"state":"restoring"' 1
ctl unplug t2 >done.txt
sleep 1
ctl plug t2 >done.txt
tray_end '5|7'
same "results" "$(grep -c '"event":"result"' tray.out)" 3
[ "$(grep -c '"outcome":"restored"' tray.out)" -ge 2 ] || fail "more than one device suffered: $(cat tray.out)"
all_restored

# Ctrl-C once: what is being restored is finished, nothing new begins. Twice: at once.
begin_again
tray 30 --per-bus 1
until_true 60 in_tray '"state":"restoring"' 1
kill -TERM $tray
tray_end 130
same "restored" "$(grep -c '"state":"steps"' tray.out)" 1
same "begun" "$(grep -c '"state":"restoring"' tray.out)" 1
no_worker || fail "a worker is left"
all_restored
begin_again
tray 30
until_true 60 in_tray '"state":"restoring"' 1
kill -TERM $tray
sleep 0.2
kill -TERM $tray
tray_end 130
until_true 10 no_worker
all_restored

# Two trays on one sheet: the second says so.
begin_again
tray 30
until_true 60 in_tray '"state":"checking"' 1
kb 8 tray jobs.csv --password-file pw --wait 5
has 'already' err
hasnt 'Not every line' err
kill -9 $tray
wait $tray 2>/dev/null || :
