#!/bin/sh
# What the computer of a tray goes through: usbmuxd begins anew while devices are restored and while they wait for a person, the computer
# sleeps, the terminal is closed. Each time all devices end where they should, in the same run or in the next.
# limit: 420
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
A=00008030-000000000000000A
for n in 1 2; do assistant $n 00008101-00000000000000A$n '"os":"18.1","cloud_configuration":{"IsSupervised":true}'; done | bench >bench.json
sim_start bench.json
managed $A files=2000 dpic=1000
printf 'target,source\n00008101-00000000000000A1,%s\n00008101-00000000000000A2,%s\n' $A $A >jobs.csv
both_in_steps() { [ "$("$KB" status --json | grep -c '"state":"steps"' || :)" = 2 ]; }
begin_again() {
    for n in 1 2; do ctl wipe t$n >done.txt; ctl activate t$n >done.txt 2>&1 || :; ctl choose-restore t$n >done.txt 2>&1 || :; done
    rm -f "$KITBENCH_HOME/journal.db"
}

# usbmuxd begins anew while both are restored: who was half restored is set aside, who was not is tried again by the tray itself, and the
# next run brings both to their steps.
tray_start jobs.csv --json --password-file pw --wait 8
until_true 120 in_tray '"state":"restoring"' 2
ctl daemon stop >done.txt
sleep 1
ctl daemon start >done.txt
tray_end '5|7'
same "results" "$(grep -c '"event":"result"' tray.out)" 2
grep '"state"' tray.out | grep -q 'set-aside\|failed' || fail "nobody noticed: $(cat tray.out)"
tray_start jobs.csv --json --password-file pw --wait 200
until_true 120 both_in_steps

# And while both wait for a person: nobody loses a step, and what the devices show is read again.
ctl daemon stop >done.txt
sleep 1
ctl daemon start >done.txt
for n in 1 2; do
    for hand in wifi sign-in finish-setup home; do ctl $hand t$n >done.txt; done
done
past_wifi() { [ "$("$KB" status --json | grep -c '"step":"remote-management"' || :)" = 2 ]; }
until_true 120 past_wifi
kill -0 "$tray" || fail "the tray ended with usbmuxd: $(cat tray.err)"

# The terminal is closed: like Ctrl-C, and nothing is left.
kill -HUP "$tray"
tray_end 130
both_in_steps || fail "a step was lost"

# The computer sleeps for a quarter of an hour: told, and nobody is given up.
clock=$(find /usr/lib -name 'libfaketime.so.1' 2>/dev/null | head -n 1)
[ -n "$clock" ] && ! grep -q asan "$KB" || skip "without libfaketime (or with ASan) no computer sleeps here"
begin_again
echo +0 >clock
: >tray.out
LD_PRELOAD=$clock FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 FAKETIME_TIMESTAMP_FILE=$dir/clock \
    "$KB" tray jobs.csv --json --password-file pw --wait 20 >tray.out 2>tray.err </dev/null &
tray=$!
until_true 60 in_tray '"state":"restoring"' 1
echo +900 >clock
slept() { grep -q asleep tray.err; }
until_true 30 slept
echo +0 >clock # the bench's own clock did not sleep
until_true 120 both_in_steps
kill -TERM "$tray"
tray_end 130
