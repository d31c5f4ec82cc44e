#!/bin/sh
# A place that exists and may not be opened (a Mac without Full Disk Access) is told as that, never as "there is none"; and a part of a backup
# that may not be read is no damage.
# limit: 120
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

# Root may read everything: somebody else looks then.
if [ "$(id -u)" = 0 ]; then
    command -v setpriv >/dev/null || skip "no setpriv"
    as_other() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
else
    as_other() { "$@"; }
fi
# The runner's folder is its own user's alone.
place=$(mktemp -d /tmp/kitbench-denied.XXXXXX)
leave() {
    kept=$?
    chmod -R u+rwX "$place"
    rm -rf "$place"
    exit $kept
}
trap leave EXIT
chmod 755 "$place"
cd "$place"
export KITBENCH_HOME="$place/home"
as_other test -x "$KB" || skip "another user cannot reach $KB"
as_other test -x "$PWD" || skip "another user cannot reach this folder"
mkdir -m 777 home
mkdir closed open
generate closed seed=1 files=3
generate open seed=1 files=3
chmod -R a+rX open
chmod 000 closed
expect() { # expect EXIT ARGUMENT...
    want=$1
    shift
    code=0
    as_other "$KB" "$@" >out 2>err </dev/null || code=$?
    [ $code = "$want" ] || fail "$*: $code, not $want: $(cat out err)"
}

expect 8 backups --store closed
has "Full Disk Access" err
hasnt "There is no backup yet" err
expect 8 backups --store closed --json
same "lines" "$(wc -l <out)" 1
same "event" "$(jsonl .event <out)" finding
same "code" "$(jsonl .code <out)" denied
same "path" "$(jsonl .path <out)" "$place/closed"
jsonl .text <out >text
has "Full Disk Access" text
expect 8 backups --store closed --lang ja
has "フルディスクアクセス" err

expect 0 backups --store open
has "00008110-001A2B3C4D5E6F7A" out
expect 0 backups --store nowhere
has "There is no backup yet" err

# One backup among others: told too, and the others are shown.
mkdir -m 000 open/00008110-00000000000000FF
expect 0 backups --store open --json
same "lines" "$(wc -l <out)" 2
grep '"event"' out | jsonl .code >codes
same "code" "$(cat codes)" denied
chmod 700 closed open/00008110-00000000000000FF

# Inside a backup: each list, the database, one folder, one file. The second reader can read it no better.
mkdir -m 777 parts
printf 'secret\n' >pw
chmod 644 pw
for damage in denied-status denied-manifest denied-info denied-db denied-folder denied-payload; do
    for key in password=secret seed=7; do
        as_other "$TOP/build/native/backupgen" parts/$key $key files=10 all_folders=0 damage=$damage >gen.txt
        expect 6 verify "$(cat gen.txt)" --password-file pw --json
        has '"code":"denied"' out
        same "$damage $key" "$(tail -n 1 out | json .outcome)" unreadable
        if as_other "$TOP/build/native/bkread" "$(cat gen.txt)" secret >reader 2>&1; then fail "the reader finds $damage whole"; fi
        has 'wrong: ' reader
        chmod -R u+rwX "parts/$key"
        rm -rf "parts/$key"
    done
done
