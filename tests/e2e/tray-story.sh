#!/bin/sh
# A tray by its sheet: matched by UDID, serial number and slot; one backup for two; a device that is too old; one that no line names; one
# that is plugged in late. Steps are ticked by a scripted hand and confirmed from another terminal; the tray ends by itself. Then again.
# limit: 420
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

device() { # device N OS [KEYS,]
    assistant "$1" "00008101-00000000000000A$1" '"serial":"F2LNEW00000'"$1"'","imei":"35000000000000'"$1"'","os":"'"$2"'","location":'$((336592896 + $1 * 65536))','"${3:-}"'"cloud_configuration":{"IsSupervised":true,"SkipSetup":["Siri"]},"ade":{"identifier":"com.example.mdm","organization":"Example"}'
}
{
    for n in 1 2 4; do device $n 18.1; done
    device 3 15.0
    device 5 18.1 '"plugged":false,'
} | bench >bench.json
sim_start bench.json
A=00008030-000000000000000A B=00008030-000000000000000B
for backup in $A $B; do managed $backup files=40 dpic=20000; done
kb 0 slots set 5 $((336592896 + 5 * 65536))
cat >jobs.csv <<END
target,source,user,department
00008101-00000000000000A1,$A,Hanako,East
f2lnew000002,$A,Taro,East
350000000000003,$B,Jiro,
slot:5,$B,Saburo,
END

tray_start jobs.csv --json --password-file pw --wait 60
until_true 60 in_tray '"state":"steps"' 2
ctl plug t5 >done.txt
until_true 60 in_tray '"state":"steps"' 3
for n in 1 2 5; do
    for hand in wifi next sign-in finish-setup home reauth-agent; do ctl $hand t$n >done.txt 2>&1 || :; done
done
waits_for() { "$KB" status --json >now.txt && [ "$(grep -c '"step":"'"$1"'"' now.txt)" = "$2" ]; }
until_true 60 waits_for apple-id 3
for n in 1 2 5; do "$KB" confirm 00008101-00000000000000A$n apple-id --by Sato >done.txt 2>&1 || fail "$(cat done.txt)"; done
until_true 60 waits_for agent-reauth 3
for n in 1 2 5; do
    kill -0 $tray || fail "the tray ended while a re-authentication was open"
    "$KB" confirm 00008101-00000000000000A$n agent-reauth --by Sato >done.txt 2>&1 || fail "$(cat done.txt)"
done
tray_end 3
result() { grep '"event":"result"' "$1" | grep "00008101-00000000000000A$2" | json "$3"; }
for n in 1 2 5; do
    same "outcome of $n" "$(result tray.out $n .outcome)" restored
    same "exit of $n" "$(result tray.out $n .exit)" 0
done
same "outcome of 3" "$(result tray.out 3 .outcome)" refused
same "results" "$(grep -c '"event":"result"' tray.out)" 4
has 'Not in the sheet' tray.err
same "the fourth was left alone" "$(ctl seen t4 | grep -c 'mobilebackup2\|"Pair"' || :)" 0
for n in 1 2 5; do same "state of $n" "$("$KB" status --json | grep "A$n" | json .state)" 'done'; done
same "slot" "$("$KB" status --json | grep A5 | json .slot)" 5
for n in 1 2 5; do same "restores of $n" "$(ctl seen t$n | grep -c '"Restore"' || :)" "$(ctl seen t1 | grep -c '"Restore"' || :)"; done
sim_clean t1 t2 t5

# Started again with the same sheet: what is done stays done, whether it is plugged in or not; what was refused is looked at again.
ctl unplug t1 >done.txt
kb 3 tray jobs.csv --json --password-file pw --wait 5
same "done before" "$(grep '"event":"result"' out | grep -c '"exit":0')" 3
same "nothing was restored again" "$(grep -c '"state":"restoring"' out || :)" 0

# A line whose backup was changed afterwards is told, and what was done stays.
sed "s/A1,$A/A1,$B/" jobs.csv >changed.csv && mv changed.csv jobs.csv
kb 3 tray jobs.csv --json --password-file pw --wait 5
has 'has changed' err
kb 3 tray jobs.csv --lang ja --password-file pw --wait 5

# A wrong password is refused once for all lines, with 4; a sheet with mistakes begins nothing.
printf 'target,source\nslot:5,%s\n' $B >other.csv
printf 'wrong\n' >badpw
ctl wipe t5 >done.txt
ctl activate t5 >done.txt || :
kb 4 tray other.csv --json --password-file badpw --wait 5
printf 'target,source\nslot:5,%s\nslot:5,%s\n' $B $A >twice.csv
kb 2 tray twice.csv --password-file pw
kb 2 tray nothing.csv
kb 2 tray
