#!/bin/sh
# Runs Check programs one after the other and ends with one line of sums, "N passed, N failed".
# RUN_WITH: what starts a program, words (wine, under a time limit).
# usage: run-tests.sh PROGRAM... ; exit 1 when a test failed, when a program died without counting, or when nothing ran.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

passed=0 failed=0
for program in "$@"; do
    printf '%s\n' "--- ${program#build/}"
    # shellcheck disable=SC2086 # words; Windows programs end their lines with two characters
    { ${RUN_WITH:-} "$program" 2>&1; echo $? >"$dir/status"; } | tr -d '\r' | tee "$dir/out"
    status=$(cat "$dir/status" 2>/dev/null || echo unknown)
    rm -f "$dir/status"
    # Check counts like this: 100%: Checks: 12, Failures: 0, Errors: 0
    counts=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$dir/out" |
        awk '{ all += $1; bad += $2 + $3 } END { print all + 0, bad + 0 }')
    all=${counts% *} bad=${counts#* }
    if [ "$bad" -eq 0 ] && { [ "$status" != 0 ] || [ "$all" -eq 0 ]; }; then
        echo "$program: ended with status $status after $all counted tests"
        all=$((all + 1)) bad=1
    fi
    passed=$((passed + all - bad)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
