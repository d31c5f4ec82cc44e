#!/bin/sh
# The dry run's time is what this bench has measured: unknown before the first restore, told after it.
# limit: 180
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

OLD=00008030-00000000000000AA NEW=00008101-00000000000000BB NEXT=00008101-00000000000000CC
sup='"supervised": true, "cloud_configuration": {"IsSupervised": true}'
sim_start - <<END
{"devices": [
 {"name": "old", "udid": "$OLD", "trusted": true, "os": "17.5", $sup, "content": {"seed": 5, "files": 12, "profile": "small", "iter": 1000, "dpic": 1000}},
 {"name": "new", "udid": "$NEW", "trusted": true, "os": "18.1", "phase": "assistant", $sup, "reboot_ms": 1000},
 {"name": "next", "udid": "$NEXT", "trusted": true, "os": "18.1", "phase": "assistant", $sup}
]}
END
export KITBENCH_BACKUP_PASSWORD=secret
kb 0 backup $OLD
printf 'target,source\n%s,%s\n' $NEXT $OLD >jobs.csv
kb 0 check --jobs jobs.csv
has 'To move by cable: ' out
has 'Time: not known' out
kb 7 restore $OLD $NEW
kb 0 check --jobs jobs.csv
has 'Time: 0:0' out
has 'last restores: 1' out
kb 0 check --jobs jobs.csv --lang ja
has '直近の復元 1 件' out
same "restores of the next one" "$(ctl seen $NEXT | grep -c 'mobilebackup2' || :)" 0
