#!/bin/sh
# run.sh FOLDER seconds|runs NUMBER TARGET...: each target of tests/fuzz for so many seconds, or so many runs, one after another; a table at the
# end, and exit 1 when one crashed. FOLDER has the programs; it gets the corpora that grew (corpus/) and what crashed (TARGET-crash-...).
#
# First every seed is run as it is, the big ones too; what is made up afterwards is no longer than the bound of the table below, because a
# reader's branches are all within reach of it and each byte costs time. A crash does not end a run by number: the rest follows, up to five crashes.
set -eu
folder=$1 what=$2 number=$3
shift 3
here=$(dirname "$0")
kept=$folder/corpus

# Where a thousand small files are made and removed a second: in memory, when there is such a place.
place=/dev/shm
[ -w $place ] || place=${TMPDIR:-/tmp}
work=$(mktemp -d "$place/kitbench-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

bound_of() {
    case $1 in
    fuzz_csv) echo 512 ;; # 256 columns are the most
    *) echo 4096 ;;
    esac
}
# Where memory was taken is asked again with a seed that crashed; a long run need not write it down each time.
[ "$what" = seconds ] || lean=:malloc_context_size=1:quarantine_size_mb=16
export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1${lean:-}"

# value NAME: of the statistics at the end of a run
value() { sed -n "s/^stat::$1: *//p" "$work/log" | tail -n 1; }
tell() {
    failed=1 crashes=$((crashes + 1))
    tail -n 40 "$work/log"
}
one() {
    name=${1##*/} runs=0 crashes=0 began=$(date +%s)
    options="-rss_limit_mb=1024 -timeout=20 -verbosity=0 -print_final_stats=1 -artifact_prefix=$folder/$name-"
    mkdir -p "$kept/$name" "$work/corpus/$name"
    find "$here/corpus/$name" "$kept/$name" "$work/big/$name" -type f >"$work/seeds" 2>/dev/null || : # a new target has none
    # shellcheck disable=SC2086 # words
    tr '\n' '\0' <"$work/seeds" | xargs -0 "$1" $options >"$work/log" 2>&1 || tell
    cp "$here/corpus/$name"/* "$kept/$name"/* "$work/corpus/$name" 2>/dev/null || :
    left=$number
    while [ "$left" -gt 0 ] && [ $crashes -lt 5 ]; do
        limit=-runs=$left
        [ "$what" = runs ] || limit=-max_total_time=$left
        # shellcheck disable=SC2086 # words
        "$1" $options $limit -max_len="$(bound_of "$name")" "$work/corpus/$name" >"$work/log" 2>&1 || tell
        ran=$(value number_of_executed_units)
        runs=$((runs + ${ran:-0}))
        left=$((left - ${ran:-left}))
        [ "$what" = runs ] || left=0
    done
    cp "$work/corpus/$name"/* "$kept/$name" 2>/dev/null || :
    took=$(($(date +%s) - began))
    printf '| %s | %d | %d | %d |\n' "$name" "$runs" $((runs / (took > 0 ? took : 1))) "$crashes" | tee -a "$work/table"
}

failed=0
sh "$here/big.sh" "$work/big"
for target; do one "$target"; done
printf '\n| target | runs | executions/s | crashes |\n|---|---|---|---|\n'
cat "$work/table"
exit $failed
