#!/bin/sh
# Every message of a backup and of a restore through the tray, each with five faults, as many points at once as TORTURE_JOBS says.
# The table goes between the marks of the file that is named, when there is one and every point was taken.
# usage: torture.sh [docs/reliability.md]     TORTURE_EVERY=N takes each N-th point, TORTURE_KEEP=1 leaves the folders
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
KB=${KB:-$TOP/build/kitbench} SIM=${SIM:-$TOP/build/phonesim}
every=${TORTURE_EVERY:-1} jobs=${TORTURE_JOBS:-6} document=${1:-}
root=$(mktemp -d "${TMPDIR:-/tmp}/kbt.XXXXXX") # short: sockets live below it
export TOP KB SIM TORTURE_STORE="$root/store" TORTURE_ROOT="$root"
trap '[ -n "${TORTURE_KEEP:-}" ] || rm -rf "$root"' EXIT
trap 'exit 130' INT TERM
began=$(date +%s)

for operation in backup restore; do
    mkdir "$root/$operation"
    (cd "$root/$operation" && sh "$TOP/tests/torture/record.sh" $operation "$root/$operation.messages" "$root/store")
done
find "$root/store" -type f -exec cksum {} + | sort >"$root/store.before"

# Of a kind of message that comes over a hundred times (a backup makes and lists 256 folders), the first two, the last two and each 64th. What
# a status answers is part of its kind.
choose() {
    awk '{ kind = $0
           if ($2 == "DLMessageStatusResponse") kind = kind " to " before; else before = $2
           kinds[NR] = kind; nth[NR] = ++count[kind] }
         END { for (i = 1; i <= NR; i++) {
                   all = count[kinds[i]]; n = nth[i]
                   if (all <= 100 || n <= 2 || n > all - 2 || n % 64 == 0) print i } }' "$1"
}
for operation in backup restore; do
    for at in $(choose "$root/$operation.messages"); do
        for fault in cable silence garbage kill-worker kill-tray; do echo "$operation $fault $at"; done
    done
done | awk -v every="$every" 'NR % every == every - 1 || every == 1' >"$root/points"
echo "$(wc -l <"$root/points" | tr -d ' ') points, $jobs at once"

# One point: a line in results; what did not survive is told at once and keeps its folder.
cat >"$root/one.sh" <<'END'
name=$1-$2-$3
for try in 1 2; do # a run that was over before its message is run once more
    folder=$TORTURE_ROOT/$name.$try
    mkdir "$folder"
    code=0
    (cd "$folder" && timeout 300 sh "$TOP/tests/torture/point.sh" "$1" "$2" "$3" >said 2>&1) || code=$?
    [ $code = 3 ] || break
done
case $code in
0) word=survived ;;
3) word=unreached ;;
*)
    word=FAILED
    echo "FAILED $*: $(grep '^FAIL' "$folder/said" || tail -n 3 "$folder/said")"
    ;;
esac
printf '%s %s %s %s | %s\n' $word "$1" "$2" "$3" "$(grep -v '^ ' "$folder/said" | head -n 1)" >>"$TORTURE_ROOT/results"
[ $word = FAILED ] || [ -n "${TORTURE_KEEP:-}" ] || rm -rf "$folder"
END
: >"$root/results"
xargs -P "$jobs" -L 1 sh "$root/one.sh" <"$root/points"
took=$(($(date +%s) - began))

failed=$(grep -c '^FAILED' "$root/results" || :)
find "$root/store" -type f -exec cksum {} + | sort >"$root/store.after"
cmp "$root/store.before" "$root/store.after" || {
    echo "FAILED: a restore changed the backup it took"
    failed=$((failed + 1))
}
count() { grep -c "^$1 $2 $3 " "$root/results" || :; }
table() {
    echo '| operation | messages | points | cable pulled | silent | garbage | kill -9 worker | kill -9 tray |'
    echo '|---|---|---|---|---|---|---|---|'
    for operation in backup restore; do
        printf '| %s | %s | %s |' $operation "$(wc -l <"$root/$operation.messages" | tr -d ' ')" "$(grep -c " $operation " "$root/results" || :)"
        for fault in cable silence garbage kill-worker kill-tray; do
            here=$(count survived $operation $fault) lost=$(count FAILED $operation $fault)
            printf ' %s of %s |' "$here" "$((here + lost))"
        done
        echo
    done
    echo
    echo "$(wc -l <"$root/results" | tr -d ' ') points in $(((took + 59) / 60)) minutes, $jobs at once on $(getconf _NPROCESSORS_ONLN) cores; $(grep -c '^unreached' "$root/results" || :) were not reached."
}
table
if [ "$every" = 1 ] && [ -n "$document" ]; then
    table >"$root/table"
    awk -v table="$root/table" '/^<!-- torture -->$/ { print; while ((getline line < table) > 0) print line; skip = 1 }
        /^<!-- end of torture -->$/ { skip = 0 } !skip && !/^<!-- torture -->$/' "$document" >"$root/document"
    cat "$root/document" >"$document"
fi
[ "$failed" = 0 ] || {
    TORTURE_KEEP=1
    cp "$root/results" "$root/results.txt"
    echo "$failed did not survive; their folders are in $root"
    exit 1
}
