#!/bin/sh
# No backup that verify refuses reaches a device: each damage of the generator's table ends `restore` with 6 (one with 3) and one sentence, and the device has
# not been asked for anything that changes it.
# limit: 420
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

N=00008030-00000000000000BB
assistant 1 $N '"os":"18.1"' | bench >bench.json
sim_start bench.json
printf 'secret\n' >pw
"$TOP/build/native/backupgen" --list >list
refused=0
while read -r damage outcome _; do
    case $outcome in ok | warnings) continue ;; esac
    case $damage in
    denied-*) continue ;; # root may read it; tests/unit/backup/test_verify.c looks as somebody else
    esac
    exit=6
    [ "$damage" != size-sum ] || exit=3 # no device has room for what it claims, which is found before its files are read
    say "$damage"
    mkdir made
    generate made os=17.0 password=secret files=40 all_folders=0 damage="$damage"
    kb $exit restore "$(cat gen.txt)" $N --source-state no-mdm --wait 0 --json --password-file pw
    tail -n 1 out >line
    same "$damage: exit in the result" "$(json .exit <line)" $exit
    [ "$(json .text <line | wc -c)" -gt 20 ] || fail "$damage: no sentence: $(cat line)"
    rm -rf made
    refused=$((refused + 1))
done <list
[ $refused -gt 100 ] || fail "only $refused damages were tried"
ctl seen t1 >seen.txt
for word in '"Restore' ChangePassword '"open /' mkdir; do hasnt "$word" seen.txt; done
same "restored from" "$(state t1 restored_from)" ""
sim_clean
