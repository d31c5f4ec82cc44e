#!/bin/sh
# devices: what a device is at each point of its life is told apart, in JSON and in words of both languages; --watch follows the cable; DEVICE words.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

KEYS="udid location slot name model class serial imei os build trust locked activation setup supervised organization restore_pane mdm agent find_my backup_encryption free_bytes capacity_bytes battery_pct"
USBMUXD_SOCKET_ADDRESS=UNIX:$dir/nobody.sock
export USBMUXD_SOCKET_ADDRESS
mkdir -p "$KITBENCH_HOME"
for language in en ja; do
    kb 8 devices --lang $language
    cp err nobody.$language
done
cmp -s nobody.en nobody.ja && fail "not told in Japanese"
kb 8 devices --json
[ ! -s out ] || fail "something is on standard output"

sim_start - <<'END'
{"devices": [
 {"name": "ready", "udid": "00008030-0000000000000A01", "serial": "SERIALREADY1", "imei": "356600073000111", "trusted": true, "location": 336592896},
 {"name": "locked", "udid": "00008030-0000000000000A02", "trusted": true, "passcode": "1234", "locked": true},
 {"name": "stranger", "udid": "00008030-0000000000000A03", "passcode": "1234"},
 {"name": "fresh", "udid": "00008030-0000000000000A04", "phase": "assistant", "activated": false, "trusted": true},
 {"name": "hello", "udid": "00008030-0000000000000A05", "phase": "assistant", "trusted": true, "supervised": true,
  "cloud_configuration": {"IsSupervised": true, "OrganizationName": "Example", "SkipSetup": ["Restore"]}},
 {"name": "dark", "udid": "00008030-0000000000000A06", "phase": "bfu", "passcode": "1234", "trusted": true},
 {"name": "recovery", "udid": "00008030-0000000000000A07", "phase": "restore-mode"}]}
END
kb 0 devices --json
same "devices" "$(wc -l <out | tr -d ' ')" 7
n=0
while IFS= read -r line; do
    n=$((n + 1))
    printf '%s\n' "$line" >dev.$n
    same "keys of $line" "$(keys <dev.$n)" "$KEYS"
done <out
is() { # is NUMBER KEY VALUE KEY VALUE...
    file=dev.$1
    shift
    while [ $# -gt 0 ]; do
        same "$file: $1" "$(json ".$1" <"$file")" "$2"
        shift 2
    done
}
is 1 trust trusted locked false activation Activated setup 'done' serial SERIALREADY1 imei 356600073000111 location 336592896 supervised false
is 2 trust trusted locked true
is 3 trust untrusted serial null supervised null setup null
is 4 trust trusted activation Unactivated setup assistant
is 5 trust trusted activation Activated setup assistant supervised true restore_pane skipped organization Example
is 6 locked true
kb 0 devices --lang en
cp out words.en
cp err notes.en
kb 0 devices --lang ja
for word in 端末 信頼済み 未信頼; do has $word out; done
cat words.en notes.en >all.en
kb 0 devices -v
# Nobody was paired with, whatever they are.
for device in stranger recovery dark; do
    ctl seen $device >seen.txt
    hasnt '"Pair"' seen.txt
done

# DEVICE words: serial number, IMEI, the UDID in any writing, its start; ambiguous and unknown ones.
for word in SERIALREADY1 serialready1 356600073000111 00008030-0000000000000A01 00008030-0000000000000a01 000080300000000000000A01; do
    kb 0 pair "$word" --json
    has '"device":"00008030-0000000000000A01"' out
done
kb 2 pair 00008030-0000
has 0A02 err
kb 5 pair ffff
kb 2 pair ''

# The cable: each attach is a new DeviceID, and a line; each detach one too.
"$KB" devices --watch --json >watch.out 2>watch.err </dev/null &
watcher=$!
lines() { [ "$(wc -l <watch.out)" -ge "$1" ]; }
until_true 30 lines 7
before=$(state ready mux_id)
ctl unplug ready >hand
until_true 10 lines 8
same "detached" "$(tail -n 1 watch.out)" '{"event":"detached","udid":"00008030-0000000000000A01"}'
ctl plug ready >hand
until_true 20 lines 9
same "attached" "$(tail -n 1 watch.out | json .udid)" 00008030-0000000000000A01
same "keys" "$(tail -n 1 watch.out | keys)" "$KEYS"
[ "$(state ready mux_id)" != "$before" ] || fail "the DeviceID is the same"
kill $watcher
code=0
wait $watcher || code=$?
case $code in 130 | 143) ;; *) fail "watch ends with $code" ;; esac
sim_clean
say fine
