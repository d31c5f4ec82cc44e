#!/bin/sh
# One point: one fault at the K-th message of an operation, on a fresh bench in this folder. After it: a state and a sentence that are true,
# no process, no lock, the journal whole; and the next run of the tray ends done, with the person's data whole.
# usage: point.sh backup|restore FAULT K      prints "survived ..." or fails with what was wrong
# faults: cable silence garbage kill-worker kill-tray
set -eu
# shellcheck source=../e2e/lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
# shellcheck source=bench.sh
. "$TOP/tests/torture/bench.sh"
fault=$2 at=$3
CODES='0 3 4 5 6 7 8' # of the contract; none of ours is unexpected (1), misused (2) or cancelled (130)
STATES='waiting checking operator ready backing-up restoring rebooting steps done refused failed set-aside'

action() {
    case $fault in
    cable) echo '"action":"unplug"' ;;
    garbage) echo '"action":"garbage"' ;;
    *) echo '"action":"silence"' ;; # for a kill: held at that message
    esac
}
one_of() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac; }
worker_pids() { pgrep -f "^$TRAY worker" || :; }
no_process() { [ -z "$(pgrep -f "^$dir/[a-z]* \(tray\|worker\)" || :)" ]; }

# ---- The run with the fault

fired='' resting='' rebooting='' struck='' place=''
# The fault has acted: a process is killed where the device holds it.
strike() {
    fired=1
    place=$(field last_fault "$(ctl state t)")
    case $fault in
    kill-worker)
        pids=$(worker_pids)
        if [ -z "$pids" ]; then # the host's last words: it has ended while they are read
            say "unreached: no worker waits at $place"
            exit 3
        fi
        # shellcheck disable=SC2086 # one word a process
        kill -9 $pids 2>kill.txt || :
        ;;
    kill-tray) kill -9 $tray ;;
    esac
}
# A cable that was pulled is plugged in when the device is waited for; once the line has come to rest the device is taken out, so that the
# tray ends by itself.
nudge() {
    if [ -n "$resting" ]; then
        [ "$resting" = over ] || ctl unplug t >hand.txt 2>&1 || :
        resting=over
    elif [ $fault = cable ] && [ -n "$rebooting" ] && [ -z "$struck" ]; then
        struck=1
        ctl plug t >hand.txt 2>&1 || :
    fi
}
see() {
    case $line in
    '{"ok":'*) strike ;;
    *'"state":"rebooting"'*) rebooting=1 ;;
    *'"state":"waiting"'* | *'"state":"operator"'* | *'"state":"steps"'*) resting=${resting:-now} ;;
    *'"event":"result"'*)
        [ -n "$fired" ] || last_look
        kill $watcher 2>kill.txt || :
        ;;
    esac
    [ -z "$fired" ] || nudge
}
# The line has ended: either it survived the fault, or the run was over before it.
last_look() {
    device=$(ctl state t)
    [ "$(field faults_fired "$device")" != 1 ] || fired=1 place=$(field last_fault "$device")
}
run_with_fault() {
    tray_into_pipe "$@"
    "$SIM" ctl "$control" wait t faults_fired 1 100 >pipe & # one line more in the pipe
    watcher=$!
    hear see
    if [ -z "$fired" ]; then
        say "unreached: the run was over before message $at"
        exit 3
    fi
    [ $fault != kill-tray ] || same "the tray's end" $code 137
}

# ---- What must be true after it

# The tray's last word: an outcome, a sentence, the contract's exit code.
judge_result() {
    grep '"event":"result"' out >result.txt || fail "no result line: $(cat out)"
    same "result lines" "$(wc -l <result.txt | tr -d ' ')" 1
    read -r result <result.txt
    one_of "$code" "$CODES" || fail "exit $code: $result $(cat err)"
    same "exit in the result" "$(field exit "$result")" "$code"
    one_of "$(field outcome "$result")" 'backed-up restored refused failed unknown' || fail "outcome: $result"
    sentence "$(field text "$result")"
}
sentence() { [ "${#1}" -ge 20 ] || fail "no sentence: \"$1\""; }
# What the device is, told by the device; what kitbench may say of it.
judge_state() {
    printf 'state t\nseen t\n' | ctl - >device.txt
    { read -r device && read -r seen; } <device.txt
    job_now
    state=$(field state "$job") text=$(field text "$job")
    [ -n "$job" ] || { # nothing was begun: not even the journal has it
        case $seen in *mobilebackup2*) fail "the journal knows nothing of a device that was asked" ;; esac
        return 0
    }
    one_of "$state" "$STATES" || fail "state $state"
    sentence "$text"
    case $operation in backup) judge_backup ;; restore) judge_restore ;; esac
}
judge_backup() {
    one_of "$state" 'waiting failed done' || fail "a backup that ended is $state: $text"
    if [ "$state" = 'done' ]; then
        (cd "$store" && sha256sum --quiet -c $OLD.sha256) || fail "done, and not sealed"
    elif [ -e "$store/$OLD.sha256" ]; then
        (cd "$store" && sha256sum --quiet -c $OLD.sha256) || fail "half sealed"
    fi
}
judge_restore() {
    truth=untouched
    case $place in *DLMessageProcessMessage) truth=unknown ;; esac # the request itself, perhaps, on its way
    case $seen in *'"request":"Restore '*) truth=asked ;; esac
    [ "$(field restore_state "$device")" != RestoredFromiTunesBackup ] || truth=restored
    case $truth in
    untouched)
        one_of "$state" 'waiting failed refused' || fail "nothing was written, and it is $state: $text"
        case $text in *restored*) fail "nothing was written, and it says: $text" ;; esac
        ;;
    asked) # it took the request: half restored, unless it refused
        one_of "$state" 'set-aside rebooting' || fail "half restored, and it is $state: $text"
        case $text in *"half restored"* | *perhaps* | *"not restored"*) ;; *) fail "half restored, and it says: $text" ;; esac
        ;;
    unknown)
        one_of "$state" 'waiting failed set-aside' || fail "it may have been asked, and it is $state: $text"
        ;;
    restored)
        one_of "$state" 'rebooting steps done set-aside' || fail "restored, and it is $state: $text"
        ;;
    esac
}
judge_rest() {
    until_true 5 no_process
    "$KB" report --out report.json >report.txt 2>&1 || fail "report: $(cat report.txt)"
    grep -q '"unbroken": *true' report.json || fail "the journal is broken: $(cat report.json)"
}

# ---- The next run

next_run() {
    printf '%s\n' 'clear-faults t' 'plug t' 'wait t plugged true 10' | ctl - >hand.txt || :
    tray_into_pipe 30
    tray_to_end
    [ "$code" = 0 ] || fail "the next run ended with $code: $(tail -n 3 out) $(tail -n 3 err)"
    grep -q 'tried again' err && fail "the next run needed more than one try: $(cat err)"
    job_now
    same "state after the next run" "$(field state "$job")" 'done'
    judge_rest
}
judge_data() {
    device=$(ctl state t)
    same "malformed" "$(field malformed "$device")" 0
    same "refused" "$(field refused "$device")" 0
    if [ "$operation" = backup ]; then
        (cd "$store" && sha256sum --quiet -c $OLD.sha256) || fail "the seal does not fit"
    else
        ctl content t | json .content.files >files.txt
        cmp -s files.txt "$TORTURE_STORE.content" || fail "the restored content is not the backup's"
    fi
}

bench_start "$1" "{$(action),\"at_message\":$at}"
if [ $fault = silence ]; then
    TRAY=$dir/hurried
    run_with_fault 16 8 # seconds of its clock
    TRAY=$dir/kitbench
else
    run_with_fault 2
fi
[ $fault = kill-tray ] || judge_result
judge_state
judge_rest
first="${state:-not begun}: $text"
next_run
judge_data
say "survived, at $place: $first"
