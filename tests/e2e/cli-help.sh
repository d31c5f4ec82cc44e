#!/bin/sh
# Help of every command in both languages, and every kind of wrong use. Needs no bench.
set -eu
KITBENCH_HOME=$PWD/home
export KITBENCH_HOME
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
expect() { # expect EXIT COMMAND...: its output is in out and err
    want=$1
    shift
    code=0
    "$@" >out 2>err || code=$?
    [ "$code" = "$want" ] || fail "$* ended with $code, not $want: $(cat out err)"
}
says() { grep -q -- "$1" "$2" || fail "\"$1\" is not in $2: $(cat "$2")"; }

for lang in en ja; do
    expect 0 "$KB" --help --lang $lang
    if [ ! -s out ] || [ -s err ]; then fail "--help belongs on standard output"; fi
    for command in doctor devices pair backup backups inspect verify check restore steps confirm status report tray slots; do
        expect 0 "$KB" $command --help --lang $lang
        if [ ! -s out ] || [ -s err ]; then fail "$command --help belongs on standard output"; fi
        says "kitbench $command" out
        says "--json" out
    done
done

expect 0 "$KB" --version
says "^kitbench [0-9]" out
expect 2 "$KB"
says "Usage:" out

# Japanese needs no locale.
expect 0 env LC_ALL=C "$KB" --lang ja --help
says "使い方" out
expect 0 env LC_ALL=ja_JP.UTF-8 "$KB" --help
says "使い方" out
expect 0 env LC_ALL=C LANG=ja_JP.UTF-8 "$KB" --help
says "Usage:" out
expect 0 env LC_ALL= LC_MESSAGES=ja_JP.UTF-8 LANG=en_US.UTF-8 "$KB" --help
says "使い方" out
expect 0 env LC_ALL=ja_JP.UTF-8 "$KB" --lang en --help
says "Usage:" out

# Wrong use: exit 2, nothing on standard output, the option by its name, and where help is.
wrong() { # wrong WORD ARGUMENT...
    word=$1
    shift
    expect 2 "$KB" "$@"
    [ ! -s out ] || fail "$*: a wrong use prints nothing on standard output"
    [ "$(wc -l <err)" = 1 ] || fail "$*: one sentence, not: $(cat err)"
    says "$word" err
    says "--help" err
}
wrong frobnicate frobnicate
wrong --frobnicate devices --frobnicate
wrong --frobnicate --frobnicate devices
wrong --watch doctor --watch
wrong -Z devices -Z
wrong --store devices --store
wrong extra devices extra
wrong 'BACKUP DEVICE' check only-one
wrong 'BACKUP DEVICE' restore only-one
wrong --accept restore a b --accept nonsense
wrong --source-state check a b --source-state nonsense
wrong --lang devices --lang fr
wrong --wait pair x --wait soon
wrong --password-file backup x --password secret
wrong tray tray
wrong frob slots frob
wrong slots slots
wrong --out report
wrong .html report --out report.txt
wrong --by confirm 00008030 wifi
wrong no-such-step confirm 00008030 no-such-step --by Hanako

# Settings: a mistake is named with its line, in the operator's language.
mkdir -p home
printf '\357\273\277operator = "Hanako"\nunknown = 1\n' >home/kitbench.conf
expect 2 "$KB" status
says "line 2" err
says "unknown" err
expect 2 "$KB" status --lang ja
says "2 行目" err
expect 0 "$KB" status --help
printf '\357\273\277operator = "Hanako"\nlanguage = "ja"\n' >home/kitbench.conf
expect 0 env LC_ALL=C "$KB" --help
says "使い方" out
echo fine
