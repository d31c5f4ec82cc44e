# shellcheck shell=sh
# What every end-to-end script uses: `. "${TOP:-../..}/tests/e2e/lib.sh"`. The runner gives KB, SIM and TOP and a fresh folder.
#
#   sim_start [tcp] FILE    starts phonesim (FILE - : the scenario is on stdin), sets USBMUXD_SOCKET_ADDRESS and KITBENCH_HOME
#                           E2E_MUX: where, whatever the script says (a program that has no sockets in the file system)
#   native PATH             as kitbench says it: E2E_DRIVE in front (Z: in wine)
#   sim_stop                ends it
#   bench                   a scenario of the devices on stdin, one a line
#   assistant N UDID KEYS   such a line: device tN in Setup Assistant, ready to be restored; KEYS: "os" and whatever else
#   generate FOLDER KEY=VALUE...  a backup by backupgen; its path, or why there is none, is in gen.txt
#   managed UDID KEY=VALUE...     in the store, one of a supervised device with MDM and OS 17.0, encrypted with the password of the file pw
#   ctl COMMAND [ARG...]    the operator's hand and questions; prints the JSON reply
#   json PATH               picks .a.b[0] out of JSON on stdin, without quotes
#   state DEVICE PATH       a value of the device's state
#   expect_exit N CMD...    runs CMD and wants the exit status N
#   expect_text TEXT CMD... runs CMD and wants TEXT in what it says (out and err); its status goes to $code
#   same WHAT A B           wants A equal to B
#   kb EXIT ARG...          runs kitbench without a terminal and wants the exit status; what it says is in files out and err
#   has TEXT FILE           wants TEXT (fixed) in a file; hasnt: the opposite
#   jsonl PATH              json for each line of stdin
#   keys                    the names on the top level of the JSON object on stdin, with single spaces
#   tray_start ARG...       kitbench tray in the background (process $tray); what it says is in tray.out and tray.err, which nobody
#                           else writes; tray_end N: waits for it and wants the exit status N, or one of several (N as a pattern: 5|7)
#   in_tray TEXT N          succeeds when N lines of tray.out have TEXT: for until_true
#   finger COMMAND...       a hand, as soon as the device lets it, in the background; fingers N COMMAND...: so many times
#   on_ask ASK COMMAND...   a hand, as soon as kitbench (kb ... --json) has asked for it
#   until_true SECONDS CMD  polls until CMD succeeds
#   sim_clean [DEVICE...]   wants no refused and no malformed request (of all devices)
#   say, fail, skip         a line; the end with 1; the end with 77
set -eu
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
SIM=${SIM:-$TOP/build/phonesim}
KB=${KB:-$TOP/build/kitbench}
export TOP SIM KB
dir=$PWD
control=UNIX:$dir/ctl.sock
sim_pid='' fingers_pids='' code=0 tray=''
export KITBENCH_HOME="$dir/home" LC_ALL=C

say() { printf '%s\n' "$*"; }
fail() {
    printf 'FAIL: %s\n' "$*" >&2
    exit 1
}
skip() {
    printf 'SKIP: %s\n' "$*"
    exit 77
}

sim_stop() {
    [ -n "$sim_pid" ] || return 0
    kill "$sim_pid" 2>/dev/null || :
    wait "$sim_pid" 2>/dev/null || :
    sim_pid=''
}
# A failed test shows what the bench heard last.
at_exit() {
    at_exit_code=$?
    # shellcheck disable=SC2086 # one word a process
    [ -z "$fingers_pids" ] || kill $fingers_pids 2>/dev/null || :
    sim_stop
    if [ $at_exit_code != 0 ] && [ $at_exit_code != 77 ] && [ -f sim.err ]; then
        printf '%s\n' '--- phonesim, last lines' >&2
        tail -n 40 sim.err >&2
    fi
    exit $at_exit_code
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

sim_start() {
    sim_listen=UNIX:$dir/mux.sock
    if [ "$1" = tcp ]; then
        sim_listen=127.0.0.1:0
        shift
    fi
    sim_listen=${E2E_MUX:-$sim_listen}
    if [ "$1" = - ]; then cat >scenario.json; else cp "$1" scenario.json; fi
    mkdir -p "$KITBENCH_HOME"
    : >sim.out
    "$SIM" --scenario scenario.json --listen "$sim_listen" --control "$control" --state "$dir/sim.state" -v >sim.out 2>>sim.err &
    sim_pid=$!
    sim_tries=0
    until grep -q '"ready"' sim.out; do
        sim_tries=$((sim_tries + 1))
        kill -0 "$sim_pid" 2>/dev/null || fail "phonesim did not start: $(tail -n 1 sim.err)"
        [ $sim_tries -lt 300 ] || fail "phonesim is not ready after 30 seconds"
        sleep 0.1
    done
    USBMUXD_SOCKET_ADDRESS=$(json .listen <sim.out)
    export USBMUXD_SOCKET_ADDRESS
}

bench() {
    echo '{"devices": ['
    sed '$!s/$/,/'
    echo ']}'
}
assistant() {
    printf '{"name":"t%s","udid":"%s","phase":"assistant","activated":true,"trusted":true,"supervised":true,"reboot_ms":300,%s,"content":{"seed":1%s,"files":10,"profile":"small"}}\n' \
        "$1" "$2" "$3" "$1"
}
generate() {
    [ -x "$TOP/build/native/backupgen" ] || fail "backupgen is not built"
    "$TOP/build/native/backupgen" "$@" >gen.txt 2>&1 || fail "backupgen $*: $(cat gen.txt)"
}
managed() {
    managed_udid=$1
    shift
    mkdir -p "$KITBENCH_HOME/store"
    printf 'secret\n' >pw
    generate "$KITBENCH_HOME/store" udid="$managed_udid" os=17.0 iter=1000 password=secret management=supervised-mdm name=X "$@"
}

native() { printf '%s%s\n' "${E2E_DRIVE:-}" "$1"; }
ctl() { "$SIM" ctl "$control" "$@"; }
json() { "$SIM" json "$1"; }
state() { ctl state "$1" | json ".$2"; }

expect_exit() {
    want=$1 code=0
    shift
    "$@" || code=$?
    [ "$code" = "$want" ] || fail "exit $code instead of $want: $*"
}

expect_text() {
    want=$1 code=0
    shift
    "$@" >said.txt 2>&1 || code=$?
    if ! grep -qF -- "$want" said.txt; then
        cat said.txt >&2
        fail "\"$want\" was not said by: $*"
    fi
}

jsonl() { while IFS= read -r jsonl_line; do printf '%s\n' "$jsonl_line" | json "$1"; done; }
kb() {
    kb_want=$1 code=0
    shift
    "$KB" "$@" >out 2>err </dev/null || code=$?
    [ "$code" = "$kb_want" ] || {
        cat out err >&2
        fail "exit $code instead of $kb_want: kitbench $*"
    }
}
tray_start() {
    : >tray.out
    "$KB" tray "$@" >tray.out 2>tray.err </dev/null &
    tray=$!
}
in_tray() { [ "$(grep -c "$1" tray.out)" -ge "$2" ]; }
tray_end() {
    code=0
    wait "$tray" || code=$?
    case "|$1|" in *"|$code|"*) return 0 ;; esac
    cat tray.out tray.err >&2
    fail "the tray ended with $code instead of $1"
}
has() { grep -qF -- "$1" "$2" || fail "\"$1\" is not in $2: $(cat "$2")"; }
hasnt() { ! grep -qF -- "$1" "$2" || fail "\"$1\" is in $2: $(cat "$2")"; }
# What is nested goes first, innermost first; texts with brackets in them would disturb it, and are emptied before.
keys() {
    sed -e 's/\\.//g' -e 's/:"[^"]*"/:""/g' -e 's/^{//' -e 's/}$//' -e ':a' -e 's/{[^{}]*}//g' -e 's/\[[^][]*\]//g' -e 'ta' |
        grep -o '"[^"]*":' | tr -d '":' | tr '\n' ' ' | sed 's/ $//'
}
until_true() {
    until_tries=$(($1 * 20))
    shift
    until "$@"; do
        until_tries=$((until_tries - 1))
        [ $until_tries -gt 0 ] || fail "it did not come true: $*"
        sleep 0.05
    done
}
fingers() {
    (
        trap - EXIT
        fingers_left=$1
        shift
        while [ "$fingers_left" -gt 0 ]; do
            if ctl "$@" >/dev/null 2>&1; then fingers_left=$((fingers_left - 1)); else sleep 0.1; fi
        done
    ) &
    fingers_pids="$fingers_pids $!"
}
finger() { fingers 1 "$@"; }
on_ask() {
    on_ask_word=$1
    shift
    rm -f out
    (
        trap - EXIT
        until [ -f out ] && grep -q '"ask":"'"$on_ask_word"'"' out; do sleep 0.1; done
        ctl "$@" >/dev/null
    ) &
    fingers_pids="$fingers_pids $!"
}

same() { [ "$2" = "$3" ] || fail "$1: \"$2\" is not \"$3\""; }

sim_clean() {
    for sim_count in refused malformed; do
        ctl state | json .devices | tr ',' '\n' | grep "\"$sim_count\":" | grep -v "\"$sim_count\":0\$" >wrong.txt || :
        [ ! -s wrong.txt ] || {
            grep 'WRONG' sim.err >&2 || :
            fail "phonesim counted $sim_count requests"
        }
    done
}
