#!/bin/sh
# What needs a hand: trust, unlocking, the passcode with and without its notifications, the restore screen, the steps. Each is said,
# waited for, seen when it is done, and given up with 7 when it is not.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

A=00008030-00000000000000AA B=00008030-00000000000000BB
small='"content": {"seed": 5, "files": 30, "profile": "small", "iter": 1000, "dpic": 1000}'
mdm='"mdm": {"identifier": "com.example.mdm.profile"}, "agent": {"bundle_id": "com.example.agent", "installed": true, "authenticated": true}'
sim_start - <<END
{"devices": [
 {"name": "A", "udid": "$A", "os": "17.5", "passcode": "1234", "locked": true, "trusted": true, $mdm, $small},
 {"name": "silent", "os": "17.5", "passcode": "1234", "trusted": true, "passcode_notifications": false, $small},
 {"name": "stranger", "os": "17.5", "passcode": "1234", "locked": true, $small},
 {"name": "B", "udid": "$B", "os": "18.1", "phase": "assistant", "reboot_ms": 300, "restore_pane_required": true, $small}]}
END
cat >"$KITBENCH_HOME/kitbench.conf" <<'END'
agent_bundle_id = "com.example.agent"
mdm_profile_identifier = "com.example.mdm.profile"
END
printf 'secret\n' >pw
udid() { state "$1" udid; }
asked() { grep '"event":"operator"' out | jsonl .ask | uniq | tr '\n' ' '; }
sentence() { [ "$(tail -n 1 out | json .text | wc -c)" -gt 20 ] || fail "no sentence: $(tail -n 1 out)"; }
quick() { [ "$(($(date +%s) - began))" -le "$1" ] || fail "it took longer than $1 s"; }

# Trust: locked first, then the dialog; tapped No; never tapped; tapped Trust.
stranger=$(udid stranger)
began=$(date +%s)
kb 7 pair "$stranger" --wait 1 --json
quick 20
sentence
has '"ask":"unlock"' out
ctl unlock stranger >hand
began=$(date +%s)
kb 7 pair "$stranger" --wait 1 --json
quick 20
has '"ask":"trust"' out
sentence
finger trust stranger no
kb 5 pair "$stranger" --wait 30 --json
same outcome "$(tail -n 1 out | json .outcome)" failed
sentence
for hand in unplug plug; do ctl $hand stranger >hand.txt; done # as the sentence says
finger trust stranger yes
kb 0 pair "$stranger" --wait 30 --json
has '"outcome":"paired"' out
kb 0 pair "$stranger" --json

# Locked, then unlocked in the middle of the wait; then the passcode, twice.
on_ask unlock unlock A
fingers 2 passcode A enter
kb 0 backup $A --password-file pw --json
asked >asks
has 'unlock passcode' asks

# The device does not say that it asks: it is silent, and the passcode is named all the same.
on_ask passcode passcode silent enter
(
    trap - EXIT
    until grep -q '"phase":"info"' out 2>hand.txt; do sleep 0.1; done
    until ctl passcode silent enter >hand.txt 2>&1; do sleep 0.1; done
) &
kb 0 backup "$(udid silent)" --password-file pw --json --wait 60
has '"ask":"passcode"' out

# Never entered: 7 after --wait. Cancelled on the device: the device said no.
began=$(date +%s)
kb 7 backup $A --password-file pw --wait 3 --json
quick 30
has '"ask":"passcode"' out
sentence
kb 0 status --json
grep $A out | tail -n 1 >line
same state "$(json .state <line)" waiting
kb 0 status --lang ja
# That passcode screen still stands there, and the device takes no other request: told, cancelled, and on it goes; cancelled again.
on_ask passcode passcode A cancel
(
    trap - EXIT
    until [ "$(grep -c '"ask":"passcode"' out 2>hand.txt)" -ge 2 ]; do sleep 0.1; done
    until ctl passcode A cancel >hand.txt 2>&1; do sleep 0.1; done
) &
code=0
"$KB" backup $A --password-file pw --json >out 2>err </dev/null || code=$?
case $code in 5 | 7) ;; *) fail "cancelled passcode: $code" ;; esac
has 'busy with an earlier request' out
sentence
on_ask passcode passcode A enter
kb 0 backup $A --password-file pw --json

# The restore screen is asked for, and seen when it is there. B is not supervised: kitting follows.
kb 0 pair $B
began=$(date +%s)
kb 7 restore $A $B --password-file pw --wait 1 --json
quick 30
has '"ask":"choose-restore"' out
same "nothing was written" "$(state B restored_from)" ""
on_ask choose-restore choose-restore B
kb 7 restore $A $B --password-file pw --wait 60 --json
has '"ask":"choose-restore"' out
has '"outcome":"restored"' out
same "agent" "$(state B agent.reports_as)" $A

# The steps of this row, ticked by what is seen; what is not there is skipped, not done.
open_steps() {
    kb 0 steps $B --json
    jsonl .step <out | tr '\n' ' '
}
same steps "$(open_steps)" "wifi remote-management apple-id finish-setup home-screen kitting agent-reauth "
kb 2 confirm $B apple-id
kb 2 confirm $B
kb 2 confirm $B nothing --by Sato
kb 7 confirm $B agent-reauth --by Sato
for hand in wifi sign-in finish-setup home; do ctl $hand B >hand.txt || fail "$hand: $(cat hand.txt)"; done
kb 0 confirm $B apple-id --by Sato --lang ja
kb 0 confirm $B apple-id --by Suzuki
# Another kitbench, a tray perhaps, reads the device just now: that is waited for.
flock "$KITBENCH_HOME/locks/$B.lock" sh -c 'echo held >held; sleep 1.5' &
fingers_pids="$fingers_pids $!"
until_true 10 [ -s held ]
same steps "$(open_steps)" "kitting agent-reauth "
kb 0 steps $B --all --json
grep '"step":"remote-management"' out >line
same "remote-management" "$(json .state <line)" skipped
ctl kit B >hand
same steps "$(open_steps)" "agent-reauth "
ctl reauth-agent B >hand
kb 0 confirm $B agent-reauth --by Sato
same steps "$(open_steps)" ""
kb 0 status --json
same "done" "$(grep $B out | tail -n 1 | json .state)" 'done'
kb 0 report --out report.csv
has '"apple-id","done","operator","Sato"' report.csv
hasnt Suzuki report.csv
sim_clean
say fine
