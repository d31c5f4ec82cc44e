#!/bin/sh
# A tray of backups: encryption is switched on with each device's passcode; one whose passcode nobody enters holds up nobody else, and is
# given up with a sentence; the next run makes its backup alone.
# limit: 400
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
cat >bench.json <<END
{"devices":[
{"name":"o1","udid":"00008030-00000000000000B1","os":"17.5.1","phase":"normal","passcode":"1234","trusted":true,"content":{"seed":1,"files":50,"profile":"small","dpic":1000,"iter":1000}},
{"name":"o2","udid":"00008030-00000000000000B2","os":"17.5.1","phase":"normal","passcode":"1234","trusted":true,"content":{"seed":2,"files":50,"profile":"small","dpic":1000,"iter":1000}}]}
END
sim_start bench.json
printf 'secret\n' >pw
printf 'target\n00008030-00000000000000B1\n00008030-00000000000000B2\n' >jobs.csv
fingers 2 passcode o2 enter
kb 7 tray jobs.csv --backup --json --password-file pw --wait 10
grep '"result"' out | grep B2 | grep -q '"outcome":"backed-up".*"exit":0' || fail "the second was not backed up: $(cat out)"
grep '"result"' out | grep B1 | grep -q '"exit":7' || fail "the first: $(cat out)"
grep '"result"' out | grep B1 >line
same "outcome" "$(json .outcome <line)" failed
hasnt 'Stopped by the operator' line # nobody did: no hand came
"$KB" status --json | grep B1 | tail -n 1 >line
hasnt 'Stopped by the operator' line
kb 0 verify 00008030-00000000000000B2 --password-file pw
fingers 2 passcode o1 enter
kb 0 tray jobs.csv --backup --json --password-file pw --wait 30
same "backed up now" "$(grep -c '"state":"backing-up"' out)" 1
kb 0 verify 00008030-00000000000000B1 --password-file pw
kb 0 tray jobs.csv --backup --json --password-file pw --wait 5
same "again" "$(grep -c '"state":"backing-up"' out || :)" 0
kb 4 tray jobs.csv --backup --wait 5
has '--password-file' err
