#!/bin/sh
# A supervision identity (PKCS#12) pairs a supervised device without a tap; another identity, a wrong password and a file that is none do not.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
command -v openssl >/dev/null || skip "openssl is not installed"

for who in org other; do
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$who" -keyout $who.key -out $who.pem 2>openssl.txt
    openssl pkcs12 -export -inkey $who.key -in $who.pem -out $who.p12 -passout "pass:$who secret" 2>openssl.txt
    openssl pkcs12 -export -inkey $who.key -in $who.pem -out $who-open.p12 -passout pass: 2>openssl.txt
done
old='"passcode": "1234", "supervised": true, "supervisor_certificates": ["'$dir'/org.pem"]'
sim_start - <<END
{"devices": [{"name": "one", $old}, {"name": "two", $old}, {"name": "three", $old}, {"name": "four", "passcode": "1234"}]}
END
printf 'org secret\n' >pw
printf 'wrong\n' >bad
printf 'not a PKCS#12 file\n' >garbage.p12
udid() { state "$1" udid; }

kb 0 pair "$(udid one)" --identity org.p12 --password-file pw --wait 0 --json
has '"outcome":"paired"' out
hasnt '"ask":"trust"' out
same "nobody tapped" "$(state one trust_asked)" false
kb 0 devices --json
grep '"name":"one"' out >line
same trust "$(json .trust <line)" trusted
kb 0 pair "$(udid two)" --identity org-open.p12 --wait 0
grep -rlF 'org secret' "$KITBENCH_HOME" out err >found || :
[ ! -s found ] || fail "the identity's password is in $(cat found)"

# A wrong password is said before the device is touched.
for words in "org.p12 --password-file bad" "org.p12" "nothing.p12" "garbage.p12 --password-file pw"; do
    code=0
    # shellcheck disable=SC2086 # words
    "$KB" pair "$(udid three)" --wait 0 --identity $words >out 2>err </dev/null || code=$?
    case $words in org*) same "exit of $words" $code 4 ;; *) [ $code != 0 ] || fail "$words paired" ;; esac
    [ "$(cat out err | wc -c)" -gt 20 ] || fail "no sentence: $words"
done
ctl seen three >seen.txt
hasnt '"Pair"' seen.txt

# The identity of somebody else, and a device that is not supervised: a person has to tap.
printf 'other secret\n' >pw2
for device in three four; do
    kb 7 pair "$(udid $device)" --identity other.p12 --password-file pw2 --wait 1 --json
    has '"ask":"trust"' out
done
finger trust four yes
kb 0 pair "$(udid four)" --identity org.p12 --password-file pw --wait 30 --json
say fine
