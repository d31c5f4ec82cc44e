#!/bin/sh
# A plain backup with a file that phonesim never made: the restored device has exactly those bytes, and so has its own next backup.
# limit: 240
. "${TOP:-../..}/tests/e2e/lib.sh"
command -v idevicebackup2 >/dev/null || skip "idevicebackup2 is not installed"

A=00008030-000A11CE0000802E
B=00008101-000B0B0B0000001E
sim_start - <<'END'
{"devices": [
 {"name": "A", "udid": "00008030-000A11CE0000802E", "serial": "F2LA00000001", "os": "17.5.1", "product_type": "iPhone12,1",
  "phase": "normal", "trusted": true, "activated": true, "content": {"seed": 41, "files": 20}},
 {"name": "B", "udid": "00008101-000B0B0B0000001E", "serial": "F2LB00000002", "os": "18.1", "product_type": "iPhone13,2",
  "phase": "assistant", "trusted": true, "activated": true, "reboot_ms": 300, "pairing_after_restore": "kept",
  "content": {"seed": 42, "files": 10}}]}
END
mkdir backups
run() { timeout 60 idevicebackup2 "$@" backups >said.txt 2>&1; }

# CameraRollDomain files have no digest, so a device takes them as they are.
id=$(printf 'CameraRollDomain-Media/DCIM/100APPLE/IMG_0001.HEIC' | sha1sum | cut -c1-40)
sub=$(printf '%.2s' "$id")
expect_exit 0 run -u $A backup --full
head -c 30000 /dev/urandom | dd of="backups/$A/$sub/$id" bs=1 seek=20011 conv=notrunc 2>dd.txt
digest=$(sha256sum <"backups/$A/$sub/$id" | cut -c1-64)

# The restarting device may kill the tool's last farewell (SIGPIPE, a known fault of 1.3.0); the content tells.
code=0
run -u $B -s $A restore --system --settings || code=$?
[ $code = 0 ] || [ $code = 141 ] || fail "the restore ended with $code"
ctl wait B phase assistant 20 >wait.json
ctl content B | json .content.files >b.files
grep -q "$digest" b.files || fail "the restored file is not the backup's"

ctl finish-setup B >set.json
expect_exit 0 run -u $B backup --full
same "the file in the next backup" "$(sha256sum <"backups/$B/$sub/$id" | cut -c1-64)" "$digest"

# One byte in a file with a digest: refused.
victim=backups/$A/3d/3d0d7e5fb2ce288813306e4d4636395e047a3d28 # HomeDomain's sms.db
printf 'x' | dd of=$victim bs=1 seek=3000 conv=notrunc 2>dd.txt
expect_exit 51 run -u $B -s $A restore --system --settings
sim_clean
