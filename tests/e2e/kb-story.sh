#!/bin/sh
# The whole story with the real program: device A (supervised, MDM, agent) is backed up encrypted, judged, restored onto B, and B is led
# to its end by a scripted hand. Every JSON line has the contract's keys, every exit code is the contract's, and the content is the same.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

A=00008030-000A11CE0000802E B=00008101-000B0B0B0000001E
sim_start - <<'END'
{"devices": [
 {"name": "Hanako's iPhone", "udid": "00008030-000A11CE0000802E", "serial": "F2LA00000001", "os": "17.5.1", "build": "21F90",
  "product_type": "iPhone12,1", "phase": "normal", "passcode": "1234", "trusted": true, "supervised": true,
  "cloud_configuration": {"IsSupervised": true, "OrganizationName": "Example Corp", "SkipSetup": ["Siri"]},
  "mdm": {"identifier": "com.example.mdm.profile", "organization": "Example Corp"},
  "agent": {"bundle_id": "com.example.agent", "installed": true, "authenticated": true},
  "content": {"seed": 11, "files": 300, "profile": "mix", "bytes": 8000000, "iter": 1000, "dpic": 1000}},
 {"name": "new", "udid": "00008101-000B0B0B0000001E", "serial": "F2LB00000002", "os": "18.1", "build": "22B83",
  "product_type": "iPhone13,2", "phase": "assistant", "supervised": true, "reboot_ms": 300,
  "cloud_configuration": {"IsSupervised": true, "OrganizationName": "Example Corp", "SkipSetup": ["Siri"]},
  "ade": {"identifier": "com.example.mdm.profile", "organization": "Example Corp"},
  "content": {"seed": 12, "files": 20, "profile": "small"}}]}
END
cat >"$KITBENCH_HOME/kitbench.conf" <<'END'
agent_bundle_id = "com.example.agent"
mdm_profile_identifier = "com.example.mdm.profile"
END
printf 'Passw0rd of Hanako\nsecond line' >pw
store=$KITBENCH_HOME/store

# The keys of the contract (design.md section 2), in its order.
DEVICES="udid location slot name model class serial imei os build trust locked activation setup supervised organization restore_pane mdm agent find_my backup_encryption free_bytes capacity_bytes battery_pct"
INSPECT="path udid device_name model os build serial taken_at encrypted finished full source_state supervised mdm agent apps files bytes needs_bytes"
CHECK="backup device verdict source_state same_device target_state supported agent mdm follow_up findings steps"
STEPS="device job step state text evidence open_since" STATUS="device job batch slot state step text updated_at"

# every FILE KEYS: each line of the file has exactly these keys.
every() {
    [ -s "$1" ] || fail "no line was printed"
    while IFS= read -r line; do same "keys of $line" "$(printf '%s\n' "$line" | keys)" "$2"; done <"$1"
}
# events DEVICE: out has event lines of the contract, all of this device, and a result at the end and nowhere else (file line).
events() {
    {
        echo '^{"event":"progress","device":"'"$1"'","phase":"[a-z-]*","done_pct":\(null\|[0-9.]*\),"bytes":\(null\|[0-9]*\)}$'
        echo '^{"event":"operator","device":"'"$1"'","ask":"[a-z-]*","text":"[^"]*"}$'
        echo '^{"event":"state","device":"'"$1"'","state":"[a-z-]*"}$'
        echo '^{"event":"result","device":"'"$1"'","outcome":"[a-z-]*","domain":"[a-z0-9-]*","code":-\{0,1\}[0-9]*,"text":"[^"]*","exit":[0-9]*}$'
    } >shapes
    grep -v -f shapes out >odd || :
    [ ! -s odd ] || fail "not as the contract says: $(cat odd)"
    same "results" "$(grep -c '"event":"result"' out)" 1
    tail -n 1 out >line
    has '"event":"result"' line
}

kb 0 devices --json
every out "$DEVICES"
same "devices" "$(json .udid <out | head -n 1)" $A
head -n 1 out >a.json
for pair in trust:trusted locked:false activation:Activated setup:done supervised:true organization:'Example Corp' restore_pane:shown \
    mdm:true agent:true find_my:false backup_encryption:false serial:F2LA00000001 os:17.5.1 build:21F90 class:iPhone slot:null; do
    same "${pair%%:*}" "$(json ".${pair%%:*}" <a.json)" "${pair#*:}"
done
tail -n 1 out >b.json
same "trust of the new device" "$(json .trust <b.json)" untrusted
has '"supervised":null' b.json

# The backup: two passcodes, and the events tell of both.
fingers 2 passcode "Hanako's iPhone" enter
kb 0 backup $A --json --password-file pw --by Sato
events $A
same outcome "$(json .outcome <line)" backed-up
same exit "$(json .exit <line)" 0
same "passcode was asked for" "$(grep -c '"ask":"passcode"' out | sed 's/[2-9]/2/')" 2
for word in checking ready backing-up 'done'; do has '"state":"'$word'"' out; done
hasnt 'Passw0rd' out
hasnt 'Passw0rd' err
same "the device encrypts" "$(state $A will_encrypt)" true
same "with the first line of the file" "$(state $A backup_password)" "Passw0rd of Hanako"
(cd "$store" && sha256sum --quiet -c $A.sha256) || fail "the seal does not fit"
same "every file is sealed" "$(cd "$store" && find $A -type f | wc -l | tr -d ' ')" "$(wc -l <"$store/$A.sha256" | tr -d ' ')"
for pair in udid:$A source_state:supervised supervised:true mdm:true agent:true organization:'Example Corp' by:Sato os:17.5.1; do
    same "facts: ${pair%%:*}" "$(json ".${pair%%:*}" <"$store/$A.facts.json")" "${pair#*:}"
done

for words in "backups" "inspect $A --password-file pw"; do
    # shellcheck disable=SC2086 # words
    kb 0 $words --json
    every out "$INSPECT"
    for pair in udid:$A device_name:"Hanako's iPhone" encrypted:true finished:true source_state:supervised supervised:true mdm:true; do
        same "$words: ${pair%%:*}" "$(json ".${pair%%:*}" <out)" "${pair#*:}"
    done
done
same "agent in the backup" "$(json .agent <out)" true

# The dry run: one object, nothing written, not even a pairing.
kb 7 check $A $B --json --password-file pw
every out "$CHECK"
same verdict "$(json .verdict <out)" operator
has '"rule":"not-trusted","level":"operator"' out
hasnt '"state"' out
same "Pair" "$(ctl seen $B | grep -c '"Pair"' || :)" 0
same "services" "$(ctl seen $B | grep -c mobilebackup2 || :)" 0

kb 0 pair $B --json
events $B
same outcome "$(json .outcome <line)" paired
ctl choose-restore new >hand
kb 0 check $A $B --json --password-file pw
every out "$CHECK"
for pair in backup:"$(native "$store/$A")" device:$B verdict:ready source_state:supervised same_device:false target_state:supervised supported:true \
    agent:reauth mdm:ok; do
    same "check: ${pair%%:*}" "$(json ".${pair%%:*}" <out)" "${pair#*:}"
done
has '"follow_up":["agent-reauth"]' out
has '"steps":["start-setup","choose-restore","wifi","remote-management","apple-id","finish-setup","home-screen","agent-reauth"]' out
same "Restore" "$(ctl seen $B | grep -c '"Restore' || :)" 0

# The restore.
ctl content $A | json .content.files >a.files
kb 7 restore $A $B --json --password-file pw --by Sato
events $B
same outcome "$(json .outcome <line)" restored
same exit "$(json .exit <line)" 7
same states "$(grep '"event":"state"' out | jsonl .state | tr '\n' ' ')" "checking ready restoring rebooting steps "
has '"ask":"wifi"' out
state $B content.last_job.options >options
same "every option is sent" "$(cat options)" \
    '{"RestoreShouldReboot":true,"RestoreSystemFiles":true,"RestorePreserveSettings":false,"RemoveItemsNotRestored":true,"RestoreDontCopyBackup":true,"Password":true}'
for what in missing bad_digest bad_padding bad_size error; do same $what "$(state $B content.last_job.$what)" 0; done
ctl seen $B >seen.txt
has RestoreApplications.plist seen.txt
ctl content $B | json .content.files >b.files
cmp a.files b.files || fail "the content is not the same"
[ "$(grep -o sha256 a.files | wc -l)" -gt 250 ] || fail "too few files were compared"
same "the agent reports for the OLD device" "$(state $B agent.reports_as)" $A

# The steps: what the device shows ticks itself.
open_steps() { jsonl .step <out | tr '\n' ' '; }
kb 0 steps $B --json
every out "$STEPS"
same steps "$(open_steps)" "wifi remote-management apple-id finish-setup home-screen agent-reauth "
kb 0 status --json
every out "$STATUS"
same status "$(tail -n 1 out | json .state)" steps
for hand in wifi next; do ctl $hand new >done.txt; done
kb 0 steps $B --json
same steps "$(open_steps)" "apple-id finish-setup home-screen agent-reauth "
ctl sign-in new >hand
kb 0 confirm $B apple-id --by Suzuki
for hand in finish-setup home; do ctl $hand new >done.txt; done
kb 0 steps $B --json
same steps "$(open_steps)" "agent-reauth "
kb 0 status --json
same "not done before the agent is authenticated again" "$(tail -n 1 out | json .state)" steps
ctl reauth-agent new >hand
kb 0 steps $B --json
same "no evidence ticks it" "$(open_steps)" "agent-reauth "
kb 0 confirm $B agent-reauth --by Suzuki
kb 0 steps $B --json
[ ! -s out ] || fail "a step is open: $(cat out)"
kb 0 steps $B --all --json
every out "$STEPS"
same "wifi: evidence" "$(grep '"step":"wifi"' out | json .evidence)" device
same "agent-reauth: evidence" "$(grep '"step":"agent-reauth"' out | json .evidence)" operator
kb 0 status --json
same status "$(tail -n 1 out | json .state)" 'done'
same "the agent reports for itself" "$(state $B agent.reports_as)" $B

# The report, whole and proved; in both languages.
for kind in html csv json; do
    kb 0 report --out report.$kind
    [ -s report.$kind ] || fail "report.$kind is empty"
    hasnt Passw0rd report.$kind
    has Suzuki report.$kind
    has F2LB00000002 report.$kind
done
same unbroken "$(json .journal.unbroken <report.json)" true
kb 0 report --out report-ja.html --lang ja
has 報告 report-ja.html
kb 0 status --lang ja
has 完了 out

# A changed journal row does not stay hidden.
if command -v python3 >/dev/null; then
    python3 - "$KITBENCH_HOME/journal.db" <<'END'
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
base.execute("drop trigger chain_is_not_changed")
base.execute("update chain set body = replace(body, 'Suzuki', 'Tanaka')")
base.commit()
END
    kb 8 report --out changed.json
    has "changed from outside" err
    same unbroken "$(json .journal.unbroken <changed.json)" false
fi

hasnt Passw0rd "$KITBENCH_HOME/journal.db"
sim_clean
say fine
