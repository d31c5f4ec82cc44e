# shellcheck shell=sh
# The bench of `make torture`: one device, one sheet, one operation through `kitbench tray`. Sourced after tests/e2e/lib.sh.
#
#   bench_start backup|restore [FAULT-JSON]   a fresh device, home and sheet in this folder; DEVICE is its UDID
#   tray_into_pipe WAIT [PATIENCE]            a tray in the background: its number in $tray, what it says in the pipe and in err
#   TRAY=$dir/hurried                         the same kitbench with a clock that runs HURRY times as fast
#   hear FUNCTION                             calls it for each line that the tray says, in $line, until the end; exit code in $code
#   tray_to_end                               hears it, and does the operator's steps meanwhile
#   job_now                                   the device's last job in $job: its line of status, "" when there is none
#   field NAME JSON                           a plain value out of one line of JSON, without a process
# A restore takes TORTURE_STORE, a store with one finished backup, which no point may change.
OLD=00008030-00000000000000AA NEW=00008030-00000000000000BB
super='"supervised": true, "cloud_configuration": {"IsSupervised": true}'
dir=$PWD HUMAN=Sato HURRIED=${HURRIED:-$TOP/build/native/hurried/kitbench}

bench_start() {
    operation=$1 DEVICE=$NEW
    [ "$operation" = restore ] || DEVICE=$OLD
    # Names of their own: their processes are told from all others.
    ln "$KB" kitbench 2>link.txt || cp "$KB" kitbench
    ln "$HURRIED" hurried 2>link.txt || cp "$HURRIED" hurried
    KB=$dir/kitbench TRAY=$dir/kitbench
    mkfifo pipe
    mkdir -p "$KITBENCH_HOME"
    printf 'mdm_profile_identifier = "com.example.mdm.profile"\n' >"$KITBENCH_HOME/kitbench.conf"
    printf 'secret\n' >pw
    if [ "$operation" = backup ]; then
        store=$KITBENCH_HOME/store
        printf 'target\n%s\n' $OLD >jobs.csv
        sim_start - <<END
{"devices": [{"name": "t", "udid": "$OLD", "os": "17.5", "trusted": true, $super, "mdm": {"identifier": "com.example.mdm.profile"}, "faults": [${2:-}],
  "content": {"seed": 5, "files": 4, "profile": "small", "iter": 100, "dpic": 100}}]}
END
    else
        store=$TORTURE_STORE
        printf 'target,source\n%s,%s\n' $NEW $OLD >jobs.csv
        sim_start - <<END
{"devices": [{"name": "t", "udid": "$NEW", "os": "18.1", "phase": "assistant", "reboot_ms": 200, "trusted": true, $super, "faults": [${2:-}],
  "ade": {"identifier": "com.example.mdm.profile", "organization": "Example"}, "content": {"seed": 6, "files": 2, "profile": "small"}}]}
END
    fi
}

tray_into_pipe() {
    tray_option=
    [ "$operation" = restore ] || tray_option=--backup
    # shellcheck disable=SC2086 # one option or none
    "$TRAY" tray jobs.csv $tray_option --json --password-file pw --store "$store" --wait "$1" --patience "${2:-60}" --by $HUMAN \
        >pipe 2>err </dev/null &
    tray=$!
    exec 3<pipe
    : >out
}
hear() {
    while IFS= read -r line <&3; do
        printf '%s\n' "$line" >>out
        "$1"
    done
    exec 3<&-
    code=0
    wait $tray 2>wait.txt || code=$?
}
field() {
    field_rest=${2#*\""$1"\":}
    [ "$field_rest" != "$2" ] || return 0
    case $field_rest in
    \"*) field_rest=${field_rest#\"} && printf '%s' "${field_rest%%\"[,\}]*}" ;;
    *) printf '%s' "${field_rest%%[,\}]*}" ;;
    esac
}
job_now() {
    "$KB" status --json >status.txt 2>status.err || fail "status: $(cat status.err)"
    job=
    while IFS= read -r job_line; do
        case $job_line in *"\"device\":\"$DEVICE\""*) job=$job_line ;; esac
    done <status.txt
}

# What a hand does once the steps are open; what kitbench cannot see is confirmed.
operate() {
    printf '%s t\n' wifi next sign-in finish-setup home | ctl - >hand.txt 2>&1 || :
    for step in apple-id agent-reauth; do "$KB" confirm $DEVICE $step --by $HUMAN >confirm.txt 2>&1 || :; done
}
when_asked() {
    case $line in *'"event":"operator"'*) operate ;; esac
}
tray_to_end() { hear when_asked; }
