#!/bin/sh
# A second reader, written from the format alone, and `kitbench verify` say the same of whole and of damaged backups.
# limit: 300
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

READ=$TOP/build/native/bkread
[ -x "$READ" ] || fail "bkread is not built"
printf 'secret\n' >pw

# both GENERATOR_ARGUMENT...: verdict is what both say, "whole" or "wrong".
both() {
    mkdir -p made
    generate made files=40 "$@"
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

for key in password=secret seed=7; do # encrypted and plain
    whole $key
    whole $key files=0
    whole $key management=supervised-mdm agent=com.example.agent
    for damage in size-skew xml-lists info-binary snapshot-leftover flip-undigested extra-file stray-file mixed-info agent-data-only; do
        whole $key damage=$damage
    done
    for damage in uploading moving status-missing info-missing manifest-truncated db-missing db-truncated db-page db-view db-foreign type-domain \
        type-path type-flags type-file flags-zero blob-cut blob-path file-id-upper file-id-other domain-slash path-dots payload-missing \
        payload-empty payload-truncated payload-cut-block flip-digested size-wrong payload-link payload-fifo status-link keybag-cut \
        keybag-class-twice keybag-short-key; do
        wrong $key damage=$damage
    done
done
whole password=secret no_tail=1
for damage in manifest-key-flipped manifest-key-short manifest-key-missing key-missing says-plain db-not-encrypted flip-undigested-end; do
    wrong password=secret damage=$damage
done
