#!/bin/sh
# The dry run of a whole migration: a sheet with every kind of line against plugged-in devices and against a saved inventory, in both
# languages; sheets that are wrong; what is remembered between runs.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

NEW=00008101-00000000000000A1 UNTRUSTED=00008101-00000000000000B2 OLD=00008101-00000000000000C3 USED=00008101-00000000000000D4
AWAY=00008101-00000000000000E5
kit='"trusted": true, "supervised": true, "cloud_configuration": {"IsSupervised": true, "SkipSetup": ["Siri"]}'
sim_start - <<END
{"devices": [
 {"name": "new", "udid": "$NEW", "serial": "F2LNEW000001", "os": "18.1", "phase": "assistant", "activated": true, $kit},
 {"name": "untrusted", "udid": "$UNTRUSTED", "serial": "F2LNEW000002", "os": "18.1", "phase": "assistant", "activated": true},
 {"name": "old", "udid": "$OLD", "serial": "F2LNEW000003", "os": "16.9", "phase": "assistant", "activated": true, $kit},
 {"name": "used", "udid": "$USED", "serial": "F2LNEW000004", "os": "18.1", "phase": "normal", "activated": true, $kit},
 {"name": "away", "udid": "$AWAY", "serial": "F2LNEW000005", "os": "18.1", "phase": "assistant", "activated": true, $kit}
]}
END

store=$KITBENCH_HOME/store
mkdir -p "$store" damaged hostile
printf 'secret\n' >pw
printf 'another\n' >badpw
# backup UDID PARENT name=value...
backup() {
    udid=$1 parent=$2
    shift 2
    generate "$parent" udid="$udid" os=17.0 files=12 dpic=1000 iter=1000 "$@"
}
A=00008030-000000000000000A B=00008030-000000000000000B PLAIN=00008030-000000000000000C TWO=00008030-000000000000000D
backup $A "$store" password=secret management=supervised-mdm name='Hanako'
backup $B "$store" password=secret management=supervised-mdm name='花子の iPhone'
backup $PLAIN "$store" management=supervised-mdm name=Plain
backup $TWO "$store" password=secret management=supervised-mdm name=Shared
backup $A damaged password=secret management=supervised-mdm damage=db-truncated
backup $A hostile password=secret management=supervised-mdm damage=plist-bomb
# Files that are as old as real ones: what has just been written is not remembered.
find "$store" -exec touch -h -d '2026-01-02 03:04:05' {} +

line() { sed -n "$1p" out; }
verdict() { same "verdict of line $1" "$(line "$1" | json .verdict)" "$2"; }
finds() { line "$1" | grep -q "\"rule\":\"$2\",\"level\":\"$3\"" || fail "line $1 has no $2 ($3): $(line "$1")"; }

# Twelve lines of all kinds; serial numbers, starts of UDIDs and folders as people write them.
cat >jobs.csv <<END
target,source,route,source_state,target_state,user,asset_tag,department
f2lnew000001,$A,,,,Hanako,T-1,"Sales, East"
$UNTRUSTED,$B,usb,,,花子,T-2,
00008101-00000000000000C3,$B,,,,,T-3,
F2LNEW000004,$store/$B,,,,,T-4,
$AWAY,$dir/nothing,,,,Taro,T-5,

00008101000000000000F0F1,$B,,,supervised,Jiro,T-6,
00008101-000000000000F0F2,$PLAIN,,,,,T-7,
00008101-000000000000F0F3,damaged/$A,,,,,T-8,
00008101-000000000000F0F4,hostile/$A,,,,,T-9,
00008101-000000000000F0F5,$TWO,,,,Saburo,T-10,
00008101-000000000000F0F6,$TWO,,,,Shiro,T-11,
00008101-000000000000F0F7,$B,icloud,,supervised,Goro,T-12,
END
cp jobs.csv before.csv
kb 3 check --jobs jobs.csv --json --password-file pw
same "objects" "$(wc -l <out | tr -d ' ')" 12
same "keys" "$(line 1 | sed 's/"findings":\[[^]]*\]/"findings":[]/' | grep -o '"[a-z_]*":' | tr -d '":\n')" \
    "backupdeviceverdictsource_statesame_devicetarget_statesupportedagentmdmfollow_upfindingssteps"
verdict 1 ready
same "device of line 1" "$(line 1 | json .device)" $NEW
same "backup of line 1" "$(line 1 | json .backup)" "$store/$A"
verdict 2 operator
finds 2 not-trusted operator
verdict 3 refused
finds 3 os-version block
verdict 4 operator
finds 4 setup-not-at-restore operator
verdict 5 refused
finds 5 backup-damaged block
verdict 6 unknown
finds 6 os-version warn
verdict 7 refused
finds 7 backup-unencrypted hold
verdict 8 refused
finds 8 backup-damaged block
verdict 9 refused
finds 9 backup-hostile block
verdict 10 unknown
finds 10 backup-two-people warn
finds 11 backup-two-people warn
verdict 12 unknown
has 'jobs.csv:6:' err
has 'jobs.csv:12:27:' err
cmp -s jobs.csv before.csv || fail "the sheet was changed"
for device in $NEW $UNTRUSTED $OLD $USED $AWAY; do
    same "nothing was written to $device" "$(ctl seen "$device" | grep -c '"Pair"\|"SetValue"\|mobilebackup2' || :)" 0
done
sim_clean

# For people, in both languages: everything fits 80 columns, and the page to print is there.
kb 3 check --jobs jobs.csv --password-file pw --out sheet.html
has 'VERDICT' out
has 'Ready: 1' out
has 'Time: not known' out
same "too wide" "$(sed '/^$/q' out | awk 'length($0) > 100' | wc -l | tr -d ' ')" 0
has '<!DOCTYPE html>' sheet.html
has 'Sales, East' sheet.html
has '@page' sheet.html
kb 3 check --jobs jobs.csv --password-file pw --lang ja --out sheet.html
has '判定' out
has '<html lang="ja">' sheet.html
same "English in the Japanese page" "$(grep -c 'Dry run' sheet.html || :)" 0

# Exit codes: all ready; the worst of several; accepted holds.
printf 'target,source\n%s,%s\n' $NEW $A >one.csv
kb 0 check --jobs one.csv --password-file pw --json
verdict 1 ready
printf 'target,source\n%s,%s\n%s,%s\n' $NEW $A $USED $B >two.csv
kb 7 check --jobs two.csv --password-file pw
printf 'target,source,source_state\n%s,%s,\n' $NEW $PLAIN >plain.csv
kb 3 check --jobs plain.csv
kb 0 check --jobs plain.csv --accept backup-unencrypted

# A password that is wrong or missing refuses the line, also when the backup is remembered.
kb 3 check --jobs one.csv --password-file badpw --json
finds 1 backup-password block
kb 3 check --jobs one.csv --json
finds 1 backup-password block
kb 0 check --jobs one.csv --password-file pw --json
grep -q 'secret' "$KITBENCH_HOME/inspected.json" && fail "the password is in inspected.json"

# What is remembered is forgotten when the folder changes; what was edited by hand is at worst looked at again.
cp -rp "$store/$A" copy
truncate -s 4096 "$store/$A/Manifest.db"
kb 3 check --jobs one.csv --password-file pw --json
finds 1 backup-damaged block
rm -r "${store:?}/$A"
cp -rp copy "$store/$A"
kb 0 check --jobs one.csv --password-file pw
printf '{"settings":7,"backups":[]}' >"$KITBENCH_HOME/inspected.json"
kb 0 check --jobs one.csv --password-file pw
printf 'no JSON' >"$KITBENCH_HOME/inspected.json"
kb 0 check --jobs one.csv --password-file pw

# A saved inventory: the same devices, unplugged. What is plugged in comes first.
kb 0 devices --json
cp out devices.json
{ printf '['; paste -sd, devices.json; printf ']'; } >array.json
ctl unplug $NEW >done.txt
kb 3 check --jobs one.csv --password-file pw --json
verdict 1 unknown
has 'plug it in' out
kb 0 check --jobs one.csv --password-file pw --json --inventory devices.json
verdict 1 ready
has 'age is not known' err
kb 0 check --jobs one.csv --password-file pw --inventory array.json
printf 'target,source\nF2LNEW000001,%s\n' $A >serial.csv
kb 0 check --jobs serial.csv --password-file pw --inventory devices.json
ctl plug $NEW >done.txt
kb 0 check --jobs one.csv --password-file pw --inventory devices.json
grep -q 'age is not known' err && fail "a plugged-in device was judged by the inventory"
sim_stop
USBMUXD_SOCKET_ADDRESS=UNIX:$dir/nobody.sock
kb 8 check --jobs one.csv --password-file pw
kb 0 check --jobs one.csv --password-file pw --inventory devices.json
has 'Only the inventory counts' err
iconv -t UTF-16 <devices.json >utf16.json
kb 2 check --jobs one.csv --inventory utf16.json
has 'UTF-16' err
printf '{"udid":"%s"}\nnonsense\n' $NEW >bad.json
kb 2 check --jobs one.csv --inventory bad.json
has 'line 2' err
: >empty.json
kb 2 check --jobs one.csv --inventory empty.json
kb 2 check --jobs one.csv --inventory nothing.json

# Sheets that are wrong: all mistakes with line and column, exit 2, nothing judged, in both languages.
wrong() {
    kb 2 check --jobs "$1" --json --inventory devices.json
    [ ! -s out ] || fail "something was judged: $(cat out)"
    has "$1:$2: " err
    has "$3" err
    kb 2 check --jobs "$1" --inventory devices.json --lang ja
    has "$1:$2: " err
}
iconv -f UTF-8 -t CP932 <jobs.csv >sjis.csv
wrong sjis.csv 3:59 'Shift_JIS'
iconv -f UTF-8 -t UTF-16LE <jobs.csv >utf16le.csv
wrong utf16le.csv 1:1 'UTF-16'
{ printf '\377\376'; iconv -f UTF-8 -t UTF-16LE <jobs.csv; } >utf16.csv
wrong utf16.csv 1:1 'UTF-16'
{ printf '\357\273\277'; sed 's/$/\r/' one.csv; } >bom.csv
kb 0 check --jobs bom.csv --password-file pw --inventory devices.json
sed 's/source,/souce,/' jobs.csv >souce.csv
wrong souce.csv 1:8 'did you mean "source"'
tr , ';' <one.csv >semicolon.csv
wrong semicolon.csv 1:7 'semicolons'
printf 'target,source\n%s,"x\n' $NEW >quote.csv
wrong quote.csv 2:27 'never closed'
printf 'target,source\n%s,%s\n%s,%s\n' $NEW $A $NEW $B >twice.csv
wrong twice.csv 3:1 'line 2 already'
printf 'target,source\n%s,%s\nF2LNEW000001,%s\n' $NEW $A $B >same.csv
wrong same.csv 3:1 'same device'
printf 'target,source\n00008101,%s\n' $A >many.csv
wrong many.csv 2:1 'more than one device'
printf 'target,source\n%s,00008030\n' $NEW >backups.csv
wrong backups.csv 2:27 'begin with'
printf 'target,source\n,\n\nabc,x\nslot:1,\n' >all.csv
wrong all.csv 5:8 'empty'
has 'all.csv:4:1: ' err
kb 2 check --jobs nothing.csv
kb 2 check --jobs .
kb 2 check --jobs one.csv $A $NEW
kb 2 check --jobs one.csv --out sheet.pdf
kb 2 check $A $NEW --out sheet.html
kb 2 check --inventory devices.json

# What verify has found whole is known to the next dry run, and the password is proved once for all.
rm "$KITBENCH_HOME/inspected.json"
for udid in $A $B $TWO; do kb 0 verify "$udid" --password-file pw; done
same "passwords" "$(grep -o '"password":"[0-9a-f]*"' "$KITBENCH_HOME/inspected.json" | sort -u | wc -l | tr -d ' ')" 1
same "remembered" "$(grep -o '"identity"' "$KITBENCH_HOME/inspected.json" | wc -l | tr -d ' ')" 3
cp "$KITBENCH_HOME/inspected.json" known.json
kb 0 verify $PLAIN
kb 4 verify $A --password-file badpw
kb 3 check --jobs jobs.csv --password-file pw --inventory devices.json
grep -qF "$(grep -o '"password":"[0-9a-f]*"' known.json | head -n 1)" "$KITBENCH_HOME/inspected.json" || fail "the password lost its number"
