#!/bin/sh
# A second reader, written from the format alone, and `kitbench verify` say the same of whole and of damaged backups.
# limit: 420
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

READ=$TOP/build/native/bkread
[ -x "$READ" ] || fail "bkread is not built"
printf 'secret\n' >pw

# both GENERATOR_ARGUMENT...: verdict is what both say, "whole" or "wrong".
both() {
    mkdir -p made
    generate made files=40 all_folders=0 "$@" # 256 folders for each of 300 backups take minutes
    verdict=wrong
    "$READ" "$(cat gen.txt)" secret >reader 2>&1 && verdict=whole
    code=0
    "$KB" verify "$(cat gen.txt)" --password-file pw >out 2>err </dev/null || code=$?
    ours=wrong
    [ $code != 0 ] || ours=whole
    [ $code = 0 ] || [ $code = 6 ] || fail "verify of $*: exit $code: $(cat out err)"
    [ $ours = $verdict ] || fail "of $*: kitbench says $ours, the reader $(cat reader): $(cat out)"
    rm -rf made
}
whole() {
    both "$@"
    same "$*" $verdict whole
    has 'whole: ' reader
}
wrong() {
    both "$@"
    same "$*" $verdict wrong
}

# Every damage of the generator's table. What a bomb does to a reader that knows nothing of bombs is its point; what only permissions forbid is in
# backups-denied.sh; and damage to keys, which the rest of the table has from keybag-missing on, needs a backup that is encrypted.
for key in password=secret seed=7; do
    whole $key
    whole $key files=0
    whole $key management=supervised-mdm agent=com.example.agent
    whole $key damage=flip-undigested # which only a seal finds
    "$TOP/build/native/backupgen" --list >list
    [ $key != seed=7 ] || sed -i '/^keybag-missing /,$d' list
    while read -r damage outcome _; do
        case $damage in
        *bomb | plist-deep | denied-*) continue ;;
        flip-undigested-end) [ $key != seed=7 ] || outcome=ok ;; # nothing in a plain backup tells of it
        esac
        case $outcome in
        ok | warnings) whole $key damage="$damage" agent=com.example.agent ;;
        *) wrong $key damage="$damage" agent=com.example.agent ;;
        esac
    done <list
done
whole password=secret no_tail=1
