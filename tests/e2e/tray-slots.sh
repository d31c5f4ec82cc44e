#!/bin/sh
# slots: learned by plugging in, listed, set and forgotten; slot:NAME as a device; the slot in devices, journal and rates.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

OLD=00008030-00000000000000AA NEW=00008101-00000000000000BB NEXT=00008101-00000000000000CC
P1=337645568 P2=337649664 P3=337653760
mkdir -p "$KITBENCH_HOME"
USBMUXD_SOCKET_ADDRESS=UNIX:$dir/nobody.sock kb 8 slots learn
USBMUXD_SOCKET_ADDRESS=UNIX:$dir/nobody.sock kb 8 slots list
kb 2 slots frob
kb 2 slots set 1
kb 2 slots list extra
kb 2 slots learn a b A
kb 2 slots learn a:b
sup='"supervised": true, "cloud_configuration": {"IsSupervised": true}'
sim_start - <<END
{"devices": [
 {"name": "old", "udid": "$OLD", "trusted": true, "os": "17.5", $sup, "location": $P1, "content": {"seed": 5, "files": 12, "profile": "small", "iter": 1000, "dpic": 1000}},
 {"name": "new", "udid": "$NEW", "trusted": true, "os": "18.1", "phase": "assistant", $sup, "reboot_ms": 1000, "plugged": false, "location": $P2},
 {"name": "next", "udid": "$NEXT", "trusted": true, "os": "18.1", "phase": "assistant", $sup, "plugged": false, "location": $P3}
]}
END
kb 0 slots list
has 'No slot' err

# Learning: who is plugged in already does not count before it was pulled out; each is saved at once.
"$KB" slots learn --json >learn.out 2>learn.err </dev/null &
learner=$!
asked() { grep -qF "place \"$1\"" learn.err; }
until_true 20 asked 1
sleep 0.5
[ ! -s learn.out ] || fail "what was plugged in counted: $(cat learn.out)"
ctl unplug old >hand
ctl plug old >hand
until_true 20 asked 2
same "first" "$(sed -n 1p learn.out)" '{"event":"slot","slot":"1","location":'$P1'}'
grep -qF "$P1" "$KITBENCH_HOME/slots.json" || fail "not saved at once"
# usbmuxd begins anew: everybody has another DeviceID, and nobody was plugged in.
ctl daemon stop >hand
ctl daemon start >hand
sleep 1.5
# The port that was just learned takes no second name.
ctl unplug old >hand
ctl plug old >hand
again() { grep -qF 'does not count' learn.err; }
until_true 20 again
ctl plug new >hand
until_true 20 asked 3
same "second" "$(sed -n 2p learn.out)" '{"event":"slot","slot":"2","location":'$P2'}'
kill -INT $learner
code=0
wait $learner || code=$?
# A shell without job control starts what is in the background with SIGINT ignored.
if [ $code != 0 ] && [ $code != 130 ]; then fail "Ctrl-C ended it with $code"; fi
same "lines" "$(wc -l <learn.out | tr -d ' ')" 2

# With names: ends after the last, moves a port that was another slot, and says so.
kb 7 slots learn left --wait 1
has 'left' err
ctl unplug new >hand
"$KB" slots learn Left --lang en >learn.out 2>learn.err </dev/null &
learner=$!
until_true 20 asked Left
ctl plug new >hand
wait $learner || fail "learning ended with $?"
has 'was slot "2" before' learn.err
kb 0 slots list --json
same "slots" "$(jsonl .slot <out | tr '\n' ' ')" '1 Left '
same "keys" "$(head -n 1 out | keys)" 'slot location device tries failures bytes_per_second'
same "devices" "$(jsonl .device <out | tr '\n' ' ')" "$OLD $NEW "

# By hand: a number, a device, none.
kb 0 slots set 2 slot:left
kb 0 slots set 3 0x14209000
kb 0 slots set 3 $P3 --json
has '"location":'$P3 out
kb 0 slots set spare 12345
kb 0 slots set spare none --json
has '"location":null' out
kb 2 slots set spare none
kb 5 slots set 3 ffffffff
kb 2 slots set 3,4 $P3
kb 0 slots list --json
same "slots" "$(jsonl .slot <out | tr '\n' ' ')" '1 2 3 '

# slot:NAME is whoever is there.
kb 2 pair slot:9
kb 5 pair slot:3
has 'slot "3"' err
kb 0 pair slot:1 --json
has "$OLD" out
kb 0 devices --json
same "slot of the devices" "$(jsonl .slot <out | tr '\n' ' ')" '1 2 '
kb 0 devices
has 'SLOT' out
export KITBENCH_BACKUP_PASSWORD=secret
kb 0 backup slot:1
printf 'target,source\nslot:2,%s\nslot:3,%s\n' $OLD $OLD >jobs.csv
kb 3 check --jobs jobs.csv --json
has "$NEW" out
hasnt "$NEXT" out
printf 'target,source\nslot:2,%s\n%s,%s\n' $OLD $NEW $OLD >same.csv
kb 2 check --jobs same.csv
has 'same device' err
printf 'target,source\nslot:nowhere,%s\n' $OLD >unknown.csv
kb 2 check --jobs unknown.csv
has 'There is no slot "nowhere"' err
kb 7 restore $OLD slot:2
kb 0 status --json
same "slot of the jobs" "$(jsonl .slot <out | tr '\n' ' ')" '1 2 '
kb 0 steps slot:2 --offline
kb 5 steps slot:3 --offline
kb 2 steps slot:9 --offline
kb 0 slots list --json
same "tries" "$(jsonl .tries <out | tr '\n' ' ')" '1 1 0 '
same "failures" "$(jsonl .failures <out | tr '\n' ' ')" '0 0 0 '
[ "$(sed -n 2p out | json .bytes_per_second)" -gt 0 ] || fail "no speed: $(cat out)"
same "unknown speed" "$(sed -n 3p out | json .bytes_per_second)" null

# A cable that lets go at each backup stands out.
for n in 1 2 3; do
    ctl unplug next >hand || :
    ctl plug next >hand
    ctl fault old '{"action":"unplug","service":"com.apple.mobilebackup2","message":"DLMessageUploadFiles","at_message":1}' >hand
    ctl change old 3 >hand
    kb 5 backup slot:1
    ctl plug old >hand
    until_true 20 "$KB" pair slot:1 --json >hand 2>&1
done
kb 0 slots list
has 'fails clearly more often' out
kb 0 slots list --lang ja
has 'ケーブル' out
# A place is a port: somebody else is there now.
ctl unplug next >hand
ctl plug next $P2 >hand 2>&1 && ctl unplug next >hand
ctl unplug new >hand
ctl plug next $P2 >hand
kb 0 slots list --json
same "slot 2" "$(sed -n 2p out | json .device)" $NEXT

# A file that is no table is told and kept.
echo '{"slots":1}' >"$KITBENCH_HOME/slots.json"
kb 8 slots list
kb 8 pair slot:1
kb 0 devices --json
same "no slot" "$(sed -n 1p out | json .slot)" null
same "kept" "$(cat "$KITBENCH_HOME/slots.json")" '{"slots":1}'
say fine
