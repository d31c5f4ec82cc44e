#!/bin/sh
# A clean backup or restore through the tray: its messages, one a line, go to the file MESSAGES; a backup
# leaves its store in STORE and the device's content in STORE.content, a restore reads them.
# usage: record.sh backup|restore MESSAGES STORE
set -eu
# shellcheck source=../e2e/lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
# shellcheck source=bench.sh
. "$TOP/tests/torture/bench.sh"
[ "$1" = backup ] || TORTURE_STORE=$3
messages=$2
bench_start "$1"
tray_into_pipe 20
# All that passes until the operator's steps are open, or the backup is done.
note() {
    case $line in
    *'"state":"steps"'* | *'"state":"done"'*) [ -s "$messages" ] || ctl messages t | json .messages | tr ',' '\n' | tr -d '[]"' >"$messages" ;;
    esac
    when_asked
}
hear note
[ $code = 0 ] || fail "a clean $1 ended with $code: $(cat out err)"
job_now
same "state" "$(field state "$job")" 'done'
sim_clean
[ "$1" = restore ] || {
    cp -R "$store" "$3"
    ctl content t | json .content.files >"$3.content"
}
