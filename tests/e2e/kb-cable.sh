#!/bin/sh
# The cable comes out early, in the middle and late; the device had taken the restore or not; it comes back under a new DeviceID, and usbmuxd
# goes away in between. A link that is lost late is neither success nor failure until the device has been read.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

A=00008030-00000000000000AA B=00008030-00000000000000BB
super='"supervised": true, "cloud_configuration": {"IsSupervised": true}'
sim_start - <<END
{"devices": [
 {"name": "A", "udid": "$A", "os": "17.5", "trusted": true, $super, "mdm": {"identifier": "com.example.mdm.profile"},
  "content": {"seed": 5, "files": 120, "profile": "mix", "bytes": 4000000, "iter": 1000, "dpic": 1000}},
 {"name": "B", "udid": "$B", "os": "18.1", "phase": "assistant", "reboot_ms": 800, "trusted": true, $super,
  "content": {"seed": 6, "files": 5, "profile": "small"}}]}
END
printf 'mdm_profile_identifier = "com.example.mdm.profile"\n' >"$KITBENCH_HOME/kitbench.conf"
printf 'secret\n' >pw
mb2=com.apple.mobilebackup2
is_back() { [ "$(state "$1" plugged)" = true ] && [ "$(state "$1" mux_id)" != 0 ]; }
back() { until_true 10 is_back "$1"; }
fault() { ctl fault "$1" "$2" >ctl.txt || fail "$(cat ctl.txt)"; }
job_state() {
    kb 0 status --json
    grep "\"device\":\"$1\"" out | tail -n 1 | json .state
}
result() { # result OUTCOME: and a sentence with it
    tail -n 1 out >line
    same outcome "$(json .outcome <line)" "$1"
    [ "$(json .text <line | wc -c)" -gt 20 ] || fail "no sentence: $(cat line)"
}
again() {
    back B
    ctl wipe B >ctl.txt
    kb 0 pair $B
}

say "backup: early, in the middle"
for where in '"message":"DLMessageVersionExchange"' '"after_bytes":1500000'; do
    fault A '{"action":"unplug","service":"'$mb2'",'"$where"',"replug_ms":300}'
    kb 5 backup $A --password-file pw --json
    result failed
    case $(job_state $A) in waiting | failed) ;; *) fail "$where: $(job_state $A)" ;; esac
    back A
done
kb 0 backup $A --password-file pw --json
result backed-up

say "restore: before its request, and in the middle"
fault B '{"action":"unplug","service":"'$mb2'","message":"DLMessageVersionExchange","replug_ms":300}'
kb 5 restore $A $B --password-file pw --json
result failed
same "restored from" "$(state B restored_from)" ""
[ "$(job_state $B)" != set-aside ] || fail "nothing was written"
back B
fault B '{"action":"unplug","service":"'$mb2'","message":"DLMessageDownloadFiles","at_message":5,"replug_ms":300}'
kb 5 restore $A $B --password-file pw --json
result failed
has "half restored" line
same "state" "$(job_state $B)" set-aside
kb 0 status --lang ja
back B

say "restore: late, and the device took it all the same"
for where in Late Response; do
    [ $where = Late ] || again
    id=$(state B mux_id)
    fault B '{"action":"unplug","service":"'$mb2'","message":"'$where'","replug_ms":300}'
    kb 7 restore $A $B --password-file pw --json
    result restored
    [ "$(state B mux_id)" != "$id" ] || fail "the DeviceID is the same"
    same "state" "$(job_state $B)" steps
done
ctl content A | json .content.files >a.files
ctl content B | json .content.files >b.files
cmp a.files b.files || fail "the content is not the same"
again

say "restore: late, and the device did not take it"
ctl set B late_loss half >ctl.txt
fault B '{"action":"unplug","service":"'$mb2'","message":"Late","replug_ms":300}'
code=0
"$KB" restore $A $B --password-file pw --json --wait 5 >out 2>err </dev/null || code=$?
case $code in 0 | 7) fail "exit $code: $(tail -n 1 out)" ;; esac
tail -n 1 out >line
hasnt '"outcome":"restored"' line
same "state" "$(job_state $B)" set-aside
ctl set B late_loss restored >ctl.txt
again

say "restore: usbmuxd is away while the device restarts"
(
    trap - EXIT
    until grep -q '"state":"rebooting"' out 2>ctl2.txt; do sleep 0.05; done
    ctl daemon stop >ctl2.txt
    sleep 2
    ctl daemon start >ctl2.txt
) &
rm -f out
kb 7 restore $A $B --password-file pw --json
result restored
again

say "restore: it stays away, and is plugged in again by hand"
ctl set B stays_away_after_reboot true >ctl.txt
(
    trap - EXIT
    until grep -q '"state":"rebooting"' out 2>ctl2.txt; do sleep 0.05; done
    sleep 3 # it restarts for less than a second
    for hand in unplug plug; do ctl $hand B >ctl2.txt; done
) &
rm -f out
kb 7 restore $A $B --password-file pw --json
result restored
kb 0 report --out report.json
same unbroken "$(json .journal.unbroken <report.json)" true
sim_clean
say fine
