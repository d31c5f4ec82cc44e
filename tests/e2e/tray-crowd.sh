#!/bin/sh
# 64 devices on one bench, two trays at once (60 are restored, 4 are backed up): 48 are well, 16 are not, each in another way. Exactly the right
# ones end as done; each of the others in its own state, with its sentence and its exit code. No process and no lock is left, the journal is
# whole, and the trays' own memory and CPU stay small. CROWD=N takes N of the 48, for slow builds.
# limit: 600
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
[ -r /proc/self/status ] || skip "this computer has no /proc"
well=${CROWD:-48}
slow_build=
grep -q __asan_init "$KB" && slow_build=yes
# A program of its own name: the workers of other tests are not counted.
cp "$KB" "$dir/kb"
KB=$dir/kb

place() { echo $((336592896 + $1 * 65536)); }
udid() { printf '00008101-0000000000000A%02d' "$1"; }
own() { printf '00008030-0000000000000B%02d' "$1"; } # a backup that only this device gets
A=00008030-000000000000000A
mb2=com.apple.mobilebackup2
taking='"service":"'$mb2'","message":"DLMessageDownloadFiles"'
small='"content":{"seed":7,"files":6,"profile":"small","dpic":1000,"iter":1000}'

# device N KEYS: in Setup Assistant, to be restored.   old N KEYS: in use, to be backed up.
count=0
one() {
    [ $count = 0 ] || echo ,
    count=$((count + 1))
    printf '{"name":"t%s","udid":"%s","location":%s,"reboot_ms":300,%s}' "$1" "$(udid "$1")" "$(place "$1")" "$2"
}
new='"os":"18.1","phase":"assistant","trusted":true'
super='"supervised":true,"cloud_configuration":{"IsSupervised":true,"SkipSetup":["Siri"]},"ade":{"identifier":"com.example.mdm","organization":"Example"}'
device() { one "$1" "$new,$super,$small${2:+,$2}"; }
old() { one "$1" '"os":"17.5.1","phase":"normal","passcode":"1234","trusted":true,'"${2:-$small}"; }
fault() { printf '{"action":"%s",%s}' "$1" "$2"; }
thrice() { printf '%s,%s,%s' "$1" "$1" "$1"; }
lock='"service":"lockdown","replug_ms":400'
{
    echo '{"devices": ['
    for n in $(seq 1 "$well"); do if [ "$n" -le 3 ]; then old "$n"; else device "$n"; fi; done
    device 49 '"activated":false,"faults":['"$(fault unplug "$lock,\"at_message\":4"),$(fault unplug "$lock,\"at_message\":9"),$(fault silence '"service":"lockdown","at_message":12')"']'
    device 50 '"faults":['"$(fault slow '"service":"'$mb2'","value":60000')"']'
    one 51 '"os":"18.1","phase":"normal",'"$super,$small"
    one 52 '"os":"15.0","phase":"assistant","trusted":true,'"$super,$small"
    device 53
    old 54 '"content":{"seed":8,"files":4,"profile":"large","bytes":40000000,"dpic":1000,"iter":1000}'
    old 55 "$small,\"passcode_timeout_s\":6"
    device 56 '"faults":['"$(fault hostile-name "$taking"',"text":"../../victim"')"']'
    device 57 '"faults":['"$(thrice "$(fault plist-bomb '"service":"'$mb2'","message":"DLMessageVersionExchange"')")"']'
    device 58 '"faults":['"$(fault silence "$taking"',"at_message":2,"value":0')"']'
    device 59 '"activated":false'
    device 60 '"activated":false'
    device 61 '"faults":['"$(fault drop-tls "$taking"',"at_message":2')"']'
    device 62
    device 63 '"faults":['"$(fault unplug "$taking"',"at_message":2')"']'
    device 64
    echo ']}'
} >bench.json
sim_start bench.json
all=$count

store=$KITBENCH_HOME/store
printf 'mdm_profile_identifier = "com.example.mdm"\n' >"$KITBENCH_HOME/kitbench.conf"
printf 'precious' >victim
backup() { # backup UDID FILES KEYS...
    backup_udid=$1 backup_files=$2
    shift 2
    managed "$backup_udid" files="$backup_files" dpic=1000 mdm_identifier=com.example.mdm "$@"
}
backup $A 30
backup "$(udid 53)" 10 management=unmanaged # the same device, without MDM, which has become supervised: a row with x
for n in 59 60; do backup "$(own $n)" 12; done
backup "$(own 62)" 10 password=another
backup "$(own 64)" 10 damage=payload-missing

# The job sheets. The twins are known by their places, and are swapped while their transfers wait.
for n in 59 60; do kb 0 slots set "p$n" "$(place "$n")"; done
echo target,source,user >restore.csv
echo target,user >backup.csv
for n in $(seq 1 "$well") $(seq 49 64); do
    case $n in
    1 | 2 | 3 | 54 | 55) echo "$(udid "$n"),user $n" >>backup.csv ;;
    53) echo "$(udid 53),$(udid 53),user $n" >>restore.csv ;;
    59 | 60) echo "slot:p$n,$(own "$n"),user $n" >>restore.csv ;;
    62 | 64) echo "$(udid "$n"),$(own "$n"),user $n" >>restore.csv ;;
    *) echo "$(udid "$n"),$A,user $n" >>restore.csv ;;
    esac
done

# The disk that is full: a small one of its own below the store for device 54, or, where nobody may mount, a limit to a file's size.
mkdir -p "$store/$(udid 54)"
# shellcheck disable=SC2016 # the inner shell's
if unshare -rm true 2>said.txt; then
    small_disk() { exec unshare -rm sh -c 'mount -t tmpfs -o size=1m none "$1" && shift && exec "$@"' sh "$store/$(udid 54)" "$@"; }
else
    small_disk() { exec sh -c 'ulimit -f 40000; exec "$@"' sh "$@"; }
fi
began=$(date +%s)
"$KB" tray restore.csv --json --password-file pw --patience 6 --wait 40 >restore.out 2>restore.err </dev/null &
restore=$!
small_disk "$KB" tray backup.csv --backup --json --password-file pw --wait 12 >backup.out 2>backup.err </dev/null &
backup=$!

# The hands: a person who says no, passcodes, a port that flaps, twins that are swapped, and everybody's steps.
fingers 3 trust t51 no
for n in 1 2 3; do fingers 2 passcode "t$n" enter; done
fingers 6 passcode t54 enter
state_in() { grep -q "\"event\":\"state\",\"device\":\"$(udid "$2")\",\"state\":\"$3\"" "$1"; }
until_true 100 state_in restore.out 49 operator
for turn in 1 2 3 4 5 6; do
    ctl unplug t49 >done.txt
    sleep 0.3
    ctl plug t49 >done.txt
    sleep 0.2
done
until_true 100 state_in restore.out 59 operator
until_true 100 state_in restore.out 60 operator
for n in 59 60; do ctl unplug "t$n" >done.txt; done
ctl plug t59 "$(place 60)" >done.txt
ctl plug t60 "$(place 59)" >done.txt
for n in 49 59 60; do ctl activate "t$n" >done.txt; done

confirm() { "$KB" confirm "$1" "$2" --by Sato >done.txt 2>&1 || :; }
hand() { # hand DEVICE STEP: all that can be done at its screen, and a name for what only a person knows
    case $2 in
    wifi | remote-management) for tap in wifi next sign-in finish-setup home reauth-agent; do ctl $tap "$1" >done.txt 2>&1 || :; done ;;
    finish-setup | home-screen) ctl finish-setup "$1" >done.txt 2>&1 || : ;;
    apple-id | agent-reauth | agent-auth) confirm "$1" "$2" ;;
    esac
}
# What a tray has used itself, its workers not counted: peak of its memory in KiB, and CPU in ticks.
measure() { # measure NAME PID
    awk '/^VmHWM/ {print $2}' "/proc/$2/status" >now.txt 2>said.txt || return 0
    [ ! -s now.txt ] || cp now.txt "$1.peak"
    sed 's/.*) //' "/proc/$2/stat" 2>said.txt | awk '{print $12 + $13}' >now.txt || return 0
    [ ! -s now.txt ] || cp now.txt "$1.ticks"
}
runs() { kill -0 "$1" 2>said.txt; }
while runs $restore || runs $backup; do
    measure restore $restore
    measure backup $backup
    "$KB" status --json >status.txt 2>said.txt || :
    sed -n 's/.*"device":"\([^"]*\)".*"state":"steps","step":"\([^"]*\)".*/\1 \2/p' status.txt >todo.txt
    while read -r who step; do hand "$who" "$step"; done <todo.txt
    sleep 1
done
code=0
wait $restore || code=$?
same "exit of the restores" $code 6
code=0
wait $backup || code=$?
same "exit of the backups" $code 8
say "$all devices, $(($(date +%s) - began)) s; restores: $(cat restore.peak) KiB, $(cat restore.ticks) ticks of CPU; backups: $(cat backup.peak) KiB, $(cat backup.ticks) ticks"

# ends N OUTCOME EXIT STATE TEXT: its one result, and what the journal says of it. TEXT is a part of the sentence.
"$KB" status --json >status.txt
ends() {
    grep -h '"event":"result","device":"'"$(udid "$1")"'"' restore.out backup.out >line || fail "no result of $1"
    same "results of $1" "$(wc -l <line | tr -d ' ')" 1
    same "outcome of $1 ($(json .text <line))" "$(json .outcome <line)" "$2"
    same "exit of $1" "$(json .exit <line)" "$3"
    has "$5" line
    grep "\"device\":\"$(udid "$1")\"" status.txt | tail -n 1 >line
    same "state of $1" "$(json .state <line)" "$4"
}
for n in $(seq 1 "$well"); do
    if [ "$n" -le 3 ]; then ends "$n" backed-up 0 'done' sealed; else ends "$n" restored 0 'done' ''; fi
done
#    what is wrong with it                        outcome   exit state    its sentence
ends 49 restored  0 'done'    ''                                           # a port that flaps, an answer that never comes
ends 50 restored  0 'done'    ''                                           # a slow link
ends 51 failed    5 failed    "tapped Don't Trust"                         # trust denied, three times
ends 52 refused   3 refused   "OS 15.0 is older than the backup's 17.0"
ends 53 refused   3 refused   "does not support this pair"                 # a row with x
ends 54 failed    8 failed    "disk"                                       # this computer's disk is full
ends 55 failed    5 failed    "passcode was not entered"                   # nobody enters it, three times
ends 56 failed    5 set-aside "outside its backup's folder"                # hostile names
ends 57 failed    5 failed    "not its protocol"                           # a plist bomb, three times
ends 58 failed    5 set-aside "has said nothing"                           # silent in the middle
ends 59 restored  0 'done'    ''                                           # twins, each in the other's place
ends 60 restored  0 'done'    ''
ends 61 failed    5 set-aside "connection to the device was lost"          # TLS dropped
ends 62 refused   4 refused   "password is wrong"
ends 63 failed    5 set-aside "connection to the device was lost"          # unplugged in the middle, and never back
ends 64 refused   6 refused   "missing"                                    # a damaged backup
same "results" "$(cat restore.out backup.out | grep -c '"event":"result"')" "$all"

# The devices themselves say the same: who was given what, and who was never asked.
restored_from() { state "t$1" restored_from; }
for n in $(seq 4 "$well") 49 50; do same "restored onto $n" "$(restored_from "$n")" $A; done
for n in 59 60; do same "restored onto the twin $n" "$(restored_from "$n")" "$(own "$n")"; done
for n in 1 2 3 51 52 53 54 55 57 62 64; do
    [ "$n" -gt "$well" ] && [ "$n" -le 48 ] && continue
    same "asked for a restore of $n" "$(ctl seen "t$n" | grep -c '"Restore' || :)" 0
done
has 'has moved from slot p59 to slot p60' restore.err
has 'has moved from slot p60 to slot p59' restore.err
same "the victim" "$(cat victim)" precious
for n in 1 2 3; do kb 0 verify "$(udid "$n")" --password-file pw; done

# Nothing is left: no process, no lock; the journal is whole.
[ "$(pgrep -f "^$KB worker" | wc -l)" -eq 0 ] || fail "a worker is left"
find "$KITBENCH_HOME" -type f -exec stat -c %i {} + | sort >inodes.txt
sed 's/.*:\([0-9]*\) [0-9]* [0-9EOF]*$/\1/' /proc/locks | sort >locked.txt
[ -z "$(comm -12 inodes.txt locked.txt)" ] || fail "a lock is left: $(cat /proc/locks)"
kb 0 report --out report.json
same unbroken "$(json .journal.unbroken <report.json)" true
for n in $(seq 1 "$well"); do sim_clean "t$n"; done

# What the trays cost, their workers not counted: the larger held 60 devices.
if [ -z "$slow_build" ]; then
    for tray in restore backup; do
        [ "$(cat $tray.peak)" -le $((24 * 1024)) ] || fail "the $tray tray took $(cat $tray.peak) KiB"
    done
    [ "$(cat restore.ticks)" -le $((20 * $(getconf CLK_TCK))) ] || fail "the restore tray took $(cat restore.ticks) ticks of CPU"
fi
say fine
