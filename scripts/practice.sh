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
conf=${scenario%.json}.conf # what its devices have
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
trap 'rm -rf "$sockets"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
rm -rf "$dir/kitbench-home"
mkdir -p "$dir/kitbench-home"
cp "$conf" "$dir/kitbench-home/kitbench.conf"
export KITBENCH_HOME="$dir/kitbench-home"

PATH=$(dirname "$kb"):$PATH
if [ $# = 0 ]; then
    t "The practice bench: no real device is touched. Try:" "練習用の作業台です。本物の端末には触れません。例:" >&2
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
"$sim" --scenario "$scenario" --listen "UNIX:$sockets/usbmuxd" --control "UNIX:$sockets/control" -- "$@" || code=$?
exit $code
