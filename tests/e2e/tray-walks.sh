#!/bin/sh
# Random walks: a bench with a tray is plugged, unplugged, swapped, killed, tapped and broken by lot; what must always hold is looked at after
# each act, and a kind hand brings everything to its end. `make walks SEED=n ROUNDS=n` walks elsewhere and further.
# limit: 900
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
[ -r /proc/self/stat ] || skip "this computer has no /proc"
WALK=$TOP/build/native/walk
[ -x "$WALK" ] || fail "walk is not built"
cp "$KB" "$dir/kb"
KB=$dir/kb

super='"supervised":true,"reboot_ms":200,"ade":{"identifier":"com.example.mdm","organization":"Example"},"content":{"seed":7,"files":6,"profile":"small","dpic":1000,"iter":1000}'
cloud='"cloud_configuration":{"IsSupervised":true,"SkipSetup":["Siri"]}'
n=0
one() { # one NAME KEYS
    [ $n = 0 ] || echo ,
    n=$((n + 1))
    printf '{"name":"%s","udid":"00008101-0000000000000A%02d","location":%s,%s,%s}' "$1" $n $((336592896 + n * 65536)) "$2" "$super"
}
{
    echo '{"devices": ['
    for name in a b c d e; do one $name '"os":"18.1","phase":"assistant","trusted":true,"activated":true,'"$cloud"; done
    one f '"os":"18.1","phase":"assistant","trusted":true,"activated":false,'"$cloud"
    one g '"os":"18.1","phase":"assistant","activated":true,"pairing_after_restore":"kept",'"$cloud"
    one never1 '"os":"15.0","phase":"assistant","trusted":true,"activated":true,'"$cloud"
    one never2 '"os":"18.1","phase":"assistant","trusted":true,"activated":true,"cloud_configuration":{"IsSupervised":true,"SkipSetup":["Restore"]}'
    echo ']}'
} >bench.json
sim_start bench.json
printf 'mdm_profile_identifier = "com.example.mdm"\n' >"$KITBENCH_HOME/kitbench.conf"
A=00008030-000000000000000A
managed $A files=60 dpic=1000 mdm_identifier=com.example.mdm
echo target,source >jobs.csv
for n in 1 2 3 4 5 6 7 8 9; do printf '00008101-0000000000000A%02d,%s\n' $n $A; done >>jobs.csv
code=0
"$WALK" "${SEED:-1}" "${ROUNDS:-60}" "$KB" "$SIM" "$control" "$KITBENCH_HOME" jobs.csv $A || code=$?
[ $code = 0 ] || {
    "$KB" status --json | cut -c 1-400 >&2 || :
    tail -n 30 tray.out >&2 || :
    fail "a walk broke: make walks SEED=${SEED:-1} ROUNDS=${ROUNDS:-60}"
}
until_true 20 eval '[ -z "$(pgrep -f "^$KB worker")" ]'
