#!/bin/sh
# The backup password: where it may come from, in which order, and that it is nowhere to be read: not in an argument, the environment
# or the command line of the worker, the journal, the logs, or any file of kitbench.
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"
[ -d /proc/self ] || skip "this computer has no /proc"

A=00008030-00000000000000AA
secret='Tr0ub4dor-and-3 秘密'
sim_start - <<END
{"devices": [{"name": "A", "udid": "$A", "os": "17.5", "trusted": true, "passcode": "1234",
  "content": {"seed": 5, "files": 20, "profile": "small", "iter": 1000, "dpic": 1000}}]}
END
printf '%s\r\nsecond line\n' "$secret" >pw
printf 'wrong\n' >bad
: >none

# It is held in the worker while the device asks for its passcode: looked for everywhere then.
KITBENCH_BACKUP_PASSWORD='of no use' "$KB" -v backup $A --json --password-file pw >out 2>err </dev/null &
pid=$!
asked() { grep -q '"ask":"passcode"' out; }
until_true 20 asked
# In wine a process has no parent, and carries the environment of whoever began wine beside its own, which only Windows sees.
if [ -n "${E2E_DRIVE:-}" ]; then
    worker=$(grep -lzxF worker /proc/[0-9]*/cmdline 2>/dev/null | sed 's/cmdline$/environ/' |
        xargs grep -lzxF "KITBENCH_HOME=$KITBENCH_HOME" 2>/dev/null | tr -dc '0-9\n')
else
    worker=$(grep -l "^PPid:[[:space:]]*$pid\$" /proc/[0-9]*/status 2>/dev/null | tr -dc '0-9\n')
fi
[ -n "$worker" ] || fail "no worker"
for process in $pid $worker; do
    tr '\0' '\n' <"/proc/$process/cmdline" >"cmdline.$process"
    tr '\0' '\n' <"/proc/$process/environ" >"environ.$process"
    hasnt Tr0ub4dor "cmdline.$process"
    hasnt Tr0ub4dor "environ.$process"
done
has worker "cmdline.$worker"
if [ -z "${E2E_DRIVE:-}" ]; then
    hasnt 'of no use' "environ.$worker"
    hasnt KITBENCH_BACKUP_PASSWORD "environ.$worker"
    same "core files" "$(sed -n 's/^Max core file size *\([0-9a-z]*\).*/\1/p' "/proc/$worker/limits")" 0
fi
fingers 2 passcode A enter
wait $pid || fail "the backup failed: $(cat out err)"
grep -rlF Tr0ub4dor out err "$KITBENCH_HOME" >found || :
[ ! -s found ] || fail "the password is in $(cat found)"
same "the first line, without its end; the file before the variable" "$(state A backup_password)" "$secret"

# The order: file, variable, terminal; there is none here.
kb 0 inspect $A --password-file pw --json
kb 4 inspect $A --password-file bad
export KITBENCH_BACKUP_PASSWORD="$secret"
kb 0 verify $A --json
has '"outcome":"ok"' out
kb 4 verify $A --password-file bad
kb 4 verify $A --password-file none
KITBENCH_BACKUP_PASSWORD=wrong kb 0 verify $A --password-file pw
export KITBENCH_BACKUP_PASSWORD=wrong
kb 4 verify $A
unset KITBENCH_BACKUP_PASSWORD
kb 4 backup $A
kb 4 backup $A --password-file "$dir/nothing"
has "$dir/nothing" err
kb 4 backup $A --password-file "$dir"
kb 2 backup $A --password "$secret"

# Another password than the device's: found out from the backup that is here, before hours are lost.
kb 4 backup $A --password-file bad --json
tail -n 1 out >line
same exit "$(json .exit <line)" 4
[ "$(json .text <line | wc -c)" -gt 20 ] || fail "no sentence"
sim_clean
say fine
