#!/bin/sh
# Debian's idevicebackup2, unmodified, makes backups: encryption on, full, incremental, another password, off.
# limit: 240
. "${TOP:-../..}/tests/e2e/lib.sh"
command -v idevicebackup2 >/dev/null || skip "idevicebackup2 is not installed"

A=00008030-000A11CE0000802E
sim_start - <<'END'
{"devices": [{"name": "A", "udid": "00008030-000A11CE0000802E", "serial": "F2LA00000001", "os": "17.5.1",
  "product_type": "iPhone12,1", "phase": "normal", "passcode": "1234", "trusted": true, "activated": true, "supervised": true,
  "cloud_configuration": {"IsSupervised": true, "OrganizationName": "Example"},
  "mdm": {"identifier": "com.example.mdm.profile", "organization": "Example"},
  "agent": {"bundle_id": "com.example.agent", "installed": true, "authenticated": true},
  "content": {"seed": 11, "files": 150, "profile": "mix", "bytes": 3000000}}]}
END
mkdir backups

# Taps the passcode while the tool waits: the stock tool does not say that the device asks for it (protocol.md 9.1, 15).
with_passcode() {
    want=$1
    shift
    timeout 60 "$@" >said.txt 2>&1 &
    tool=$!
    ctl wait A passcode_asked true 20 >wait.json || fail "the device did not ask for its passcode: $(tail -n 3 said.txt)"
    ctl passcode A enter >tap.json
    code=0
    wait $tool || code=$?
    [ "$code" = "$want" ] || fail "exit $code instead of $want: $* ($(tail -n 3 said.txt))"
}
last() { state A "content.last_job.$1"; }

with_passcode 0 idevicebackup2 -u $A encryption on first backups
same "encryption" "$(state A will_encrypt)" true

with_passcode 0 idevicebackup2 -u $A backup --full backups
same "full" "$(last full)" true
same "encrypted" "$(last encrypted)" true
all=$(last uploaded)
[ "$all" -gt 150 ] || fail "only $all files came"
for name in Info.plist Manifest.plist Manifest.db Status.plist; do [ -s backups/$A/$name ] || fail "no $name"; done
[ ! -d backups/$A/Snapshot ] || fail "Snapshot is still there"

with_passcode 0 idevicebackup2 -u $A backup backups
same "a second run is incremental" "$(last full)" false
same "and uploads nothing" "$(last uploaded)" 0

ctl change A 7 >change.json
with_passcode 0 idevicebackup2 -u $A backup backups
same "a changed file is uploaded again" "$(last uploaded)" "$(json .changed <change.json)"

with_passcode 49 idevicebackup2 -u $A changepw wrong second backups # 256 - 207
with_passcode 0 idevicebackup2 -u $A changepw first second backups
same "password" "$(state A backup_password)" second
with_passcode 0 idevicebackup2 -u $A backup backups
same "after a change of password all comes again" "$(last full)" true

with_passcode 49 idevicebackup2 -u $A encryption off wrong backups
with_passcode 0 idevicebackup2 -u $A encryption off second backups
same "encryption" "$(state A will_encrypt)" false
with_passcode 0 idevicebackup2 -u $A backup backups
same "plain" "$(last encrypted)" false
[ "$(head -c 15 backups/$A/Manifest.db)" = "SQLite format 3" ] || fail "Manifest.db of a plain backup is no database"

# Not entered: 208, which the tool reports as 256 - 208.
timeout 60 idevicebackup2 -u $A backup backups >said.txt 2>&1 &
tool=$!
ctl wait A passcode_asked true 20 >wait.json
ctl passcode A cancel >tap.json
code=0
wait $tool || code=$?
same "passcode not entered" "$code" 48

sim_clean
