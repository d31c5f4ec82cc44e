#!/bin/sh
# The practice bench: phonesim with a few devices, and a shell in which kitbench and the stock tools see them instead of real ones.
# usage: kitbench-practice [--scenario FILE.json] [COMMAND [ARG...]]     runs COMMAND (your shell) on the bench and ends with its status
#        kitbench-practice demo                                          shows the whole story, with a scripted hand
# Nothing of the practice gets into the real journal or store: KITBENCH_HOME is a folder of its own, kept until the next practice.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
share='@share@' # filled in by make install
case $share in
/*) kb=$here/kitbench sim=$here/phonesim scenario=$share/scenarios/demo.json demo=$share/demo.sh ;;
*)
    top=$(dirname "$here")
    kb=$top/build/kitbench sim=$top/build/phonesim scenario=$top/tests/sim/scenarios/demo.json demo=$here/demo.sh
    ;;
esac
dir=${KITBENCH_PRACTICE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/kitbench/practice}

case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in ja*) japanese=1 ;; *) japanese='' ;; esac
t() { if [ "$japanese" ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }
stop() {
    printf 'kitbench-practice: %s\n' "$*" >&2
    exit 1
}

case ${1:-} in
-h | --help)
    t "usage: kitbench-practice [--scenario FILE.json] [COMMAND [ARG...]] | demo" \
        "使い方: kitbench-practice [--scenario FILE.json] [コマンド [引数...]] | demo"
    exit 0
    ;;
demo) KB=$kb SIM=$sim SCENARIO=$scenario DEMO_DIR=$dir/kitbench-demo exec sh "$demo" ;;
--scenario)
    [ $# -ge 2 ] || stop "$(t "--scenario wants a file" "--scenarioにはファイルを指定してください")"
    scenario=$2
    shift 2
    ;;
-*) stop "$(t "unknown option $1" "不明なオプションです: $1")" ;;
esac
[ -r "$scenario" ] || stop "$(t "cannot read $scenario" "$scenario を読めません")"

sockets=$(mktemp -d) # short: a socket's path has room for 100 bytes
sim_pid=''
at_exit() {
    [ -z "$sim_pid" ] || { kill "$sim_pid" 2>/dev/null && wait "$sim_pid" 2>/dev/null; } || :
    rm -rf "$sockets"
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
rm -rf "$dir/kitbench-home"
mkdir -p "$dir/kitbench-home"
cat >"$dir/kitbench-home/kitbench.conf" <<'CONF' # what the devices of the scenario have
agent_bundle_id        = "com.example.agent"
mdm_profile_identifier = "com.example.mdm.profile"
CONF
export USBMUXD_SOCKET_ADDRESS="UNIX:$sockets/usbmuxd" KITBENCH_HOME="$dir/kitbench-home" PHONESIM="UNIX:$sockets/control"
"$sim" --scenario "$scenario" --listen "$USBMUXD_SOCKET_ADDRESS" --control "$PHONESIM" >"$sockets/out" 2>"$sockets/err" &
sim_pid=$!
until grep -q ready "$sockets/out"; do
    kill -0 "$sim_pid" 2>/dev/null || stop "$(t "phonesim does not start: $(cat "$sockets/err")" "phonesimを開始できません: $(cat "$sockets/err")")"
    sleep 0.1
done

PATH=$(dirname "$kb"):$PATH
if [ $# = 0 ]; then
    t "The practice bench is ready: no real device is touched. Try:" "練習用の作業台の準備ができました。本物の端末には触れません。例:" >&2
    cat >&2 <<'END'
    kitbench devices
    kitbench backup 00008030
    phonesim ctl "$PHONESIM" state "Hanako's iPhone"
    phonesim ctl "$PHONESIM" passcode "Hanako's iPhone" enter
END
    t "exit leaves it." "exitで終わります。" >&2
    set -- "${SHELL:-/bin/sh}"
fi
code=0
"$@" || code=$?
exit $code
