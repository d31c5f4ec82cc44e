#!/bin/sh
# phonesim's own promises, seen through Debian's tools: a tray of 64, switches, scripted faults, a daemon that pairs by itself.
. "${TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
for tool in idevice_id ideviceinfo idevicepair idevicenotificationproxy; do
    command -v $tool >/dev/null || skip "$tool (package libimobiledevice-utils) is not installed"
done

say "a tray of 64: all listed, all answer while all are asked"
sim_start - <<'JSON'
{"devices":[{"count":64,"name":"Phone","trusted":true}]}
JSON
same "listed" "$(idevice_id -l | sort -u | wc -l | tr -d ' ')" 64
for udid in $(idevice_id -l); do
    ideviceinfo -u "$udid" -k SerialNumber >"serial.$udid" 2>/dev/null &
    pids="${pids:-} $!"
done
# shellcheck disable=SC2086
wait $pids
same "serial numbers" "$(cat serial.* | sort -u | wc -l | tr -d ' ')" 64
same "places" "$(ctl state | json .devices | tr ',' '\n' | grep '"location"' | sort -u | wc -l | tr -d ' ')" 64
sim_clean
sim_stop

say "switches of TLS: services in clear, sessions in clear, TLS 1.3"
sim_start - <<'JSON'
{"devices":[{"name":"a","trusted":true,"service_ssl":false},{"name":"b","trusted":true,"session_ssl":false,"service_ssl":false},
 {"name":"c","trusted":true,"tls13":true},
 {"name":"f","trusted":true},{"name":"g","trusted":true,"passcode":"1"}]}
JSON
for name in a b c; do
    udid=$(state $name udid)
    same "name over the switches of $name" "$(ideviceinfo -u "$udid" -k DeviceName)" $name
    expect_exit 0 idevicenotificationproxy -u "$udid" post com.example.posted >/dev/null
    ctl seen $name | grep -q 'PostNotification com.example.posted' || fail "$name did not hear the notification"
done

say "faults: an error, a dropped link after the handshake, garbage, a cable that goes and comes"
f=$(state f udid)
ctl fault f '{"action":"error","service":"lockdown","message":"StartSession","text":"PasswordProtected"}' >/dev/null
expect_text 'Password protected' ideviceinfo -u "$f" -k DeviceName
same "the fault was used up" "$(ideviceinfo -u "$f" -k DeviceName)" f
ctl fault f '{"action":"drop-tls","service":"lockdown","message":"SessionStarted"}' >/dev/null
ideviceinfo -u "$f" -k DeviceName >said.txt 2>&1 || :
if grep -qx f said.txt; then fail "a value came over a dropped link"; fi
ctl fault f '{"action":"garbage","service":"lockdown","message":"QueryType"}' >/dev/null
if ideviceinfo -u "$f" -k DeviceName >/dev/null 2>&1; then fail "garbage was taken for an answer"; fi
before=$(state f mux_id)
ctl fault f '{"action":"unplug","service":"lockdown","message":"StartSession","replug_ms":300}' >/dev/null
if ideviceinfo -u "$f" -k DeviceName >/dev/null 2>&1; then fail "an answer from an unplugged device"; fi
ctl wait f plugged true 5 >/dev/null
[ "$(state f mux_id)" -gt "$before" ] || fail "no new DeviceID after the cable"
same "as good as before" "$(ideviceinfo -u "$f" -k DeviceName)" f
same "faults that acted" "$(state f faults_fired)" 4
same "where the last one did" "$(state f last_fault)" "lockdown StartSession"
ctl messages f | json .messages | grep -q '"lockdown StartSession","lockdown SessionStarted"' || fail "$(ctl messages f)"
many=$(state f messages)
ctl fault f "{\"action\":\"error\",\"at_message\":3,\"text\":\"PasswordProtected\"}" >/dev/null # the third of whatever comes
expect_text 'Password protected' ideviceinfo -u "$f" -k DeviceName
[ "$(state f messages)" -gt "$many" ] || fail "messages are not counted"
printf 'state f\nno-such f\n' | ctl - >said.txt && fail "a refused command among several was not told"
same "answers" "$(wc -l <said.txt | tr -d ' ')" 2
ctl fault f '{"action":"explode"}' >/dev/null && fail "an unknown fault was taken"
ctl fault f '{"action":"unplug","when":"now"}' >/dev/null && fail "a fault with an unknown key was taken"

say "an erased device has forgotten this computer; it pairs anew in Setup Assistant, and is empty"
g=$(state g udid)
expect_exit 0 ideviceinfo -u "$g" -k DeviceName >/dev/null
ctl wipe g >/dev/null
same "phase" "$(state g phase)" assistant
same "pairings" "$(state g pairings)" "[]"
expect_text 'Invalid HostID' ideviceinfo -u "$g" -k DeviceName
expect_text 'SUCCESS: Paired' idevicepair -u "$g" pair
same "seen after the wipe" "$(ideviceinfo -u "$g" -k DeviceName)" g
same "setup values of an erased device" "$(ideviceinfo -u "$g" -q com.apple.PurpleBuddy)" ""
ctl finish-setup g >/dev/null
same "set up again" "$(ideviceinfo -u "$g" -q com.apple.PurpleBuddy -k SetupDone)" true
sim_clean
sim_stop

say "a daemon with preflight pairs by itself, after the tap on Trust"
sim_start - <<'JSON'
{"daemon":{"preflight":true},"devices":[{"name":"p"},{"name":"q","phase":"assistant"}]}
JSON
same "the dialog is there without a tool" "$(state p trust_asked)" true
ctl trust p yes >/dev/null
same "paired by the daemon" "$(ideviceinfo -u "$(state p udid)" -k DeviceName)" p
same "records on p" "$(state p pairings | tr ',' '\n' | wc -l | tr -d ' ')" 1
same "paired by the daemon in Setup Assistant" "$(ideviceinfo -u "$(state q udid)" -k DeviceName)" q
sim_clean
sim_stop

say "a bench of a command: told where it is, ends with its status, leaves nothing"
echo '{"devices":[{"name":"A","trusted":true}]}' >one.json
own_bench() { TMPDIR=$dir/tmp "$SIM" --scenario one.json --listen UNIX:"$dir"/x --control 127.0.0.1:0 -- "$@"; }
mkdir tmp
expect_exit 5 own_bench sh -c 'ideviceinfo -k DeviceName >named; "$SIM" ctl "$PHONESIM" state A >asked; exit 5'
same "the name" "$(cat named)" A
has '"name":"A"' asked
expect_text 'ends with its command' own_bench sh -c '"$SIM" ctl "$PHONESIM" quit'
expect_exit 127 own_bench no-such-command
expect_exit 137 own_bench sh -c 'kill -9 $$'
TMPDIR=$dir/tmp "$SIM" --scenario one.json --listen UNIX:"$dir"/x --control 127.0.0.1:0 -- sh -c 'echo $$ >own.pid; exec sleep 30' &
until_true 10 test -s own.pid
kill "$!" # the command ends, too
code=0
wait "$!" || code=$?
same "ended from outside" $code 129
if kill -0 "$(cat own.pid)" 2>/dev/null; then fail "the command outlives its bench"; fi
same "left behind" "$(ls tmp)" ""

say "a scenario with a wrong key does not start"
echo '{"devices":[{"name":"A","colour":"red"}]}' >wrong.json
expect_text 'no key "colour"' "$SIM" --scenario wrong.json --listen UNIX:"$dir"/x --control UNIX:"$dir"/y
same "exit" $code 1
