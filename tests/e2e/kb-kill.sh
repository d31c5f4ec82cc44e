#!/bin/sh
# kill -9 of kitbench and of its worker, at many points of a backup and of a restore: no worker is left, the next start says what each device
# is and what to do, the journal is whole, the next backup goes on where this one was, and the next restore ends.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
[ -d /proc/self ] || skip "this computer has no /proc"

A=00008030-00000000000000AA B=00008030-00000000000000BB
super='"supervised": true, "cloud_configuration": {"IsSupervised": true}'
sim_start - <<END
{"devices": [
 {"name": "A", "udid": "$A", "os": "17.5", "trusted": true, $super, "mdm": {"identifier": "com.example.mdm.profile"},
  "content": {"seed": 5, "files": 200, "profile": "mix", "bytes": 6000000, "iter": 1000, "dpic": 1500000}},
 {"name": "B", "udid": "$B", "os": "18.1", "phase": "assistant", "reboot_ms": 1000, "trusted": true, "pairing_after_restore": "kept", $super,
  "content": {"seed": 6, "files": 5, "profile": "small"}}]}
END
printf 'mdm_profile_identifier = "com.example.mdm.profile"\n' >"$KITBENCH_HOME/kitbench.conf"
printf 'secret\n' >pw
store=$KITBENCH_HOME/store
mkfifo pipe
mb2=com.apple.mobilebackup2

workers_of() { grep -l "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status 2>/dev/null | tr -dc '0-9\n'; }
same_state() { [ "$(state "$1" "$2")" = "$3" ]; }
gone() { [ ! -d "/proc/$1" ] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status" 2>/dev/null; }

moment=true # what is waited for between the line and the kill
has_files() { [ "$(find "$store/$A" -type f | wc -l)" -gt 8 ]; }
enough_files() { until_true 20 has_files; }
taking() { until_true 20 same_state B phase restoring; }

# kill_at parent|worker PATTERN ARG...: runs kitbench and kills it at the first line that has PATTERN; its exit code is in $code.
kill_at() {
    whom=$1 pattern=$2 killed=
    shift 2
    "$KB" "$@" --json --password-file pw --by Sato >pipe 2>err </dev/null &
    pid=$!
    : >out
    while IFS= read -r line; do
        printf '%s\n' "$line" >>out
        [ -z "$killed" ] || continue
        printf '%s\n' "$line" >line
        grep -q -e "$pattern" line || continue
        killed=$(workers_of $pid)
        if [ -z "$killed" ]; then
            [ "$pattern" = '"phase":"sealing"' ] || fail "no worker"
            killed=ended
            continue
        fi
        $moment
        if [ "$whom" = parent ]; then kill -9 $pid; else kill -9 "$killed"; fi 2>wait.txt || :
    done <pipe
    [ -n "$killed" ] || fail "it never came to $pattern: $(cat out err)"
    code=0
    wait $pid 2>wait.txt || code=$?
    until_true 2 gone "$killed"
    ctl clear-faults A >ctl.txt
    ctl clear-faults B >ctl.txt
}
# What the next start says: the last job of a device.
status_of() {
    kb 0 status --json
    grep "\"device\":\"$1\"" out | tail -n 1 >status.txt
    [ "$(json .text <status.txt | wc -c)" -gt 20 ] || fail "no sentence: $(cat status.txt)"
    json .state <status.txt
}
whole() {
    kb 0 report --out report.json
    same unbroken "$(json .journal.unbroken <report.json)" true
}

say "backup: before its request, in the middle, while it is sealed"
backup_killed() {
    [ -z "$3" ] || ctl fault A "$3" >ctl.txt
    kill_at "$1" "$2" backup $A
    if [ "$1" = worker ]; then
        [ "$code" != 0 ] || fail "a killed worker is no success"
        tail -n 1 out >line
        has '"event":"result"' line
    fi
    case $(status_of $A) in waiting | failed) ;; *) fail "state of the backup: $(cat status.txt)" ;; esac
    [ ! -e "$store/$A.sha256" ] || fail "it is sealed already"
    whole
}
for whom in parent worker; do
    backup_killed "$whom" '"state":"backing-up"' '{"action":"silence","service":"'$mb2'","message":"DLMessageVersionExchange"}'
    moment=enough_files
    backup_killed "$whom" '"phase":"backing-up"' '{"action":"silence","service":"'$mb2'","after_bytes":4000000}'
    moment=true
done
find "$store/$A" -type f | wc -l >files
[ "$(cat files)" -gt 5 ] || fail "nothing is left to go on from"
kb 3 check $A $B --json --password-file pw
has backup-unfinished out
backup_killed parent '"phase":"proving"' '' # its rounds take a while
# Sealing is quick here: it may have ended before the kill. Sealed and whole, or not sealed; nothing between.
for whom in parent worker; do
    kill_at "$whom" '"phase":"sealing"' backup $A
    status_of $A >word
    if [ -e "$store/$A.sha256" ]; then
        (cd "$store" && sha256sum --quiet -c $A.sha256) || fail "half sealed"
    fi
    whole
done
kb 0 backup $A --password-file pw --json
kb 0 status --json
same "state" "$(grep $A out | tail -n 1 | json .state)" 'done'
(cd "$store" && sha256sum --quiet -c $A.sha256) || fail "the seal does not fit"
kb 0 verify $A --password-file pw
same "encryption is switched on" "$(state A will_encrypt)" true

say "restore: before its request, in the middle"
for whom in parent worker; do
    ctl fault B '{"action":"silence","service":"'$mb2'","message":"DLMessageVersionExchange"}' >ctl.txt
    kill_at "$whom" '"phase":"restoring"' restore $A $B
    case $(status_of $B) in waiting | failed) ;; *) fail "before the request: $(cat status.txt)" ;; esac
    grep -qi 'nothing was written\|before anything was written' status.txt || fail "it is not said that nothing was written: $(cat status.txt)"
    same "restored from" "$(state B restored_from)" ""

    ctl fault B '{"action":"silence","service":"'$mb2'","message":"DLMessageDownloadFiles","at_message":5}' >ctl.txt
    moment=taking
    kill_at "$whom" '"phase":"restoring"' restore $A $B
    moment=true
    same "in the middle" "$(status_of $B)" set-aside
    has "half restored" status.txt
    kb 0 status --lang ja
    until_true 10 same_state B phase assistant
    whole
done

say "restore: when the device has everything, and while it restarts"
again() { # B from the beginning
    ctl wipe B >ctl.txt
    kb 0 pair $B
}
for where in late reboot; do
    for whom in parent worker; do
        if [ $where = late ]; then
            # All is there, and the device does not say so; the link is lost, and it goes on alone.
            ctl fault B '{"action":"silence","service":"'$mb2'","message":"Response"}' >ctl.txt
            kill_at "$whom" '"phase":"restoring","done_pct":\(9[7-9]\|100\)' restore $A $B
        else
            kill_at "$whom" '"state":"rebooting"' restore $A $B
        fi
        case $(status_of $B) in rebooting | steps) ;; *) fail "$where, $whom: $(cat status.txt)" ;; esac
        same "nobody says that it is finished" "$(json .state <status.txt | grep -c 'done' || :)" 0
        until_true 20 same_state B restore_state RestoredFromiTunesBackup
        until_true 20 same_state B plugged true
        until_true 20 same_state B phase assistant
        kb 0 steps $B --json
        has '"step":"apple-id","state":"open"' out
        same "after it was read" "$(status_of $B)" steps
        whole
        again
    done
done

say "and the next restore ends"
kb 7 restore $A $B --password-file pw --json
ctl content A | json .content.files >a.files
ctl content B | json .content.files >b.files
cmp a.files b.files || fail "the content is not the same"
whole
sim_clean
say fine
