#!/bin/sh
# The commands against the bench as a program and a person meet them: --json purity, DEVICE words, exit codes.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

A=00008030-000A11CE0000802E B=00008101-000B0B0B0000001E C=00008020-000C0DE50000003E

# Every line of standard output is one JSON object, and nothing else is there. run EXIT COMMAND...: in out and err.
run() {
    want=$1
    shift
    code=0
    "$KB" "$@" >out 2>err </dev/null || code=$?
    same "exit of kitbench $*" "$code" "$want" || { cat out err; }
}
pure() {
    run "$@" --json
    while IFS= read -r line; do
        case $line in
        '{'*'}') printf '%s\n' "$line" | json . >/dev/null || fail "not JSON: $line" ;;
        *) fail "not JSON on standard output: $line" ;;
        esac
    done <out
}
has() { grep -q -- "$1" "$2" || fail "\"$1\" is not in $2: $(cat "$2")"; }
lines() { same "lines of $2" "$(wc -l <"$2" | tr -d ' ')" "$1"; }

# No daemon: 8, and what to do; nothing on standard output.
USBMUXD_SOCKET_ADDRESS=UNIX:$dir/nobody.sock
export USBMUXD_SOCKET_ADDRESS
mkdir -p "$KITBENCH_HOME"
pure 8 devices
lines 0 out
lines 1 err
run 8 devices --watch
run 8 doctor
has FAIL out
run 8 pair "$A"

sed 's/"files": 1200, "profile": "mix", "bytes": 200000000/"files": 60, "profile": "small", "iter": 1000, "dpic": 1000/' \
    "$TOP/tests/sim/scenarios/demo.json" >small.json
sim_start small.json
cat >"$KITBENCH_HOME/kitbench.conf" <<EOF
agent_bundle_id = "com.example.agent"
mdm_profile_identifier = "com.example.mdm.profile"
EOF
pure 0 doctor
has '"check":"usbmuxd","state":"ok"' out
has '"check":"setting.store","state":"ok","text":"store = .*default' out

# One object a device, in usbmuxd's order, with the contract's keys.
pure 0 devices
lines 4 out
same "first device" "$(head -n 1 out | json .udid)" "$A"
same "keys" "$(head -n 1 out | grep -o '"[a-z_]*":' | tr -d '":\n')" \
    "udidlocationslotnamemodelclassserialimeiosbuildtrustlockedactivationsetupsupervisedorganizationrestore_panemdmagentfind_mybackup_encryptionfree_bytescapacity_bytesbattery_pct"
run 0 devices --lang ja
has 端末 out

# DEVICE words.
run 2 pair 0000
has "$A" err
has "$B" err
run 2 pair slot:1
run 2 pair 000
run 5 pair ffffffff
run 5 backup 0000803X
run 0 pair f2la00000001
run 0 pair 00008030000a11ce0000802e

# Passwords: missing, unreadable, never from a pipe.
run 4 backup $A
has password-file err
run 4 backup $A --password-file "$dir/nothing"
has "$dir/nothing" err
lines 0 out

printf 'correct horse\nsecond line\n' >pw
printf 'wrong' >bad
( while sleep 1; do ctl passcode $A enter >/dev/null 2>&1 || :; done ) &
finger=$!
code=0
KITBENCH_BACKUP_PASSWORD='correct horse' "$KB" backup $A --json >out 2>err </dev/null || code=$?
kill $finger
same "backup" "$code" 0
tail -n 1 out >last
same "outcome" "$(json .outcome <last)" backed-up
grep -q 'correct horse' out err "$KITBENCH_HOME"/journal.db && fail "the password leaked"
pure 0 backups
lines 1 out
pure 0 inspect $A
same "without the password the inside is not known" "$(json .encrypted <out)" true
pure 0 inspect $A --password-file pw
pure 4 inspect $A --password-file bad
lines 0 out
pure 0 verify $A --password-file pw
has '"event":"result","outcome":"ok"' out
pure 4 verify $A --password-file bad
has '"outcome":"locked"' out

# check says one object, writes nothing, and its exit is the verdict's.
pure 7 check $A $B --password-file pw
lines 1 out
same verdict "$(json .verdict <out)" operator
same "no pairing was made" "$(ctl seen $B | grep -c '"Pair"' || :)" 0
pure 3 check $A $C --password-file pw
same verdict "$(json .verdict <out)" refused
has os-version out
pure 3 restore $A $C --dry-run --password-file bad
run 6 inspect "$dir" || :

# A restore to its steps, and the steps to their end.
run 0 pair $B
ctl choose-restore $B >/dev/null
pure 7 restore $A $B --password-file pw --by Hanako
tail -n 1 out >last
same outcome "$(json .outcome <last)" restored
pure 0 steps $B
has '"step":"agent-reauth","state":"open"' out
run 7 confirm $B agent-reauth --by Taro
run 2 confirm $B wifi
run 2 confirm $B icloud-backup --by Taro
run 2 confirm $B no-such-step --by Taro
pure 0 confirm f2lb00000002 wifi --by Taro
pure 0 confirm $B wifi --by Somebody
pure 0 steps $B --all --offline
has '"step":"wifi","state":"done"' out
for hand in wifi next sign-in finish-setup home install-agent reauth-agent; do ctl $hand $B >hand || fail "$hand: $(cat hand)"; done
pure 0 steps
pure 0 confirm $B apple-id --by Taro
pure 0 status
grep '"device":"'$B'"' out | grep -q '"state":"steps","step":"agent-reauth"' || fail "done before the agent is: $(cat out)"
pure 0 confirm $B agent-reauth --by Taro
pure 0 status
grep '"device":"'$B'"' out | grep -q '"state":"done"' || fail "not done: $(cat out)"
ctl unplug $B >/dev/null
pure 0 steps $B
lines 0 out

# Reports: whole or not at all.
for kind in html csv json; do
    pure 0 report --out report.$kind --lang ja
    [ -s report.$kind ] || fail "report.$kind is empty"
done
has 'F2LA00000001</td><td>F2LB00000002' report.html
has '"agent-reauth","done","operator","Taro"' report.csv
same unbroken "$(json .journal.unbroken <report.json)" true
grep -q Somebody report.json && fail "a second confirmation replaced the first"
run 2 report --batch nothing --out other.html
run 8 report --out "$dir/nowhere/report.html"
[ ! -e other.html ] || fail "a report of nothing was written"

# Following: what is plugged in and pulled out.
"$KB" devices --watch --json >watch.out 2>watch.err &
watcher=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do [ "$(wc -l <watch.out)" -ge 3 ] || sleep 0.5; done
ctl plug $B >/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q "$B" watch.out || sleep 0.5; done
ctl unplug $B >/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q detached watch.out || sleep 0.5; done
kill $watcher
same "last line" "$(tail -n 1 watch.out)" '{"event":"detached","udid":"'$B'"}'
say fine
