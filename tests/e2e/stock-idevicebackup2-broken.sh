#!/bin/sh
# Debian's idevicebackup2 when things break: a full drive, a cable pulled in the middle, files that change while they are read.
# limit: 240
. "${TOP:-../..}/tests/e2e/lib.sh"
command -v idevicebackup2 >/dev/null || skip "idevicebackup2 is not installed"

A=00008030-000A11CE0000802E
sim_start - <<'END'
{"devices": [{"name": "A", "udid": "00008030-000A11CE0000802E", "serial": "F2LA00000001", "os": "17.5.1",
  "product_type": "iPhone12,1", "phase": "normal", "trusted": true, "activated": true,
  "backup_password": "secret", "content": {"seed": 31, "files": 600, "profile": "small"}}]}
END
mkdir backups
backup() { timeout -s KILL "$1" idevicebackup2 -u $A backup backups; }
last() { state A "content.last_job.$1"; }

# The drive is full: the device asks to purge. The stock tool never answers that message and hangs (protocol.md 9.1, 1); a time limit ends it.
ctl set A backup_needs_extra 4000000000000000 >set.json
expect_exit 137 backup 6 >said.txt 2>&1
ctl set A backup_needs_extra 0 >set.json

# The cable is pulled in the middle of a file of the third batch. The tool ends, or spins for ever (9.1, 3): the time limit.
ctl fault A '{"action": "unplug", "service": "com.apple.mobilebackup2", "after_bytes": 1500000, "replug_ms": 500}' >set.json
if backup 8 >said.txt 2>&1; then fail "a backup without a cable was called a success"; fi
ctl wait A plugged true 10 >wait.json

# The next run goes on: what lies in Snapshot/ does not come again.
expect_exit 0 backup 60 >said.txt 2>&1
same "resumed" "$(last resumed)" true
[ "$(last kept)" -ge 256 ] || fail "only $(last kept) files were kept of the interrupted run"
[ "$(last uploaded)" -lt 500 ] || fail "$(last uploaded) files came again"

# Two files cannot be read to their end at first (code 0x0B); they come again in a second round. Manifest.plist comes first.
ctl set A upload_errors 2 >set.json
ctl set A manifest_first true >set.json
ctl change A 5 >change.json
expect_exit 0 backup 60 >said.txt 2>&1
same "uploads" "$(last uploaded)" 7
same "full" "$(last full)" false
ctl set A upload_errors 0 >set.json

# A file that vanished from the folder: the device finds that out and makes a full backup.
victim=$(find backups/$A/3d -type f | head -n 1)
rm "$victim"
expect_exit 0 backup 60 >said.txt 2>&1
same "full again" "$(last full)" true

# An empty Manifest.plist: 205, as real devices answer (256 - 205).
: >backups/$A/Manifest.plist
expect_exit 51 backup 60 >said.txt 2>&1

sim_clean
