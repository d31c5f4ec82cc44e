#!/bin/sh
# Every refusal, with its exit code and its sentence; and in none of them is anything written to the device: the simulator saw no
# Restore, and no Pair beyond what the script did itself.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

A=00008030-00000000000000AA
super='"supervised": true, "cloud_configuration": {"IsSupervised": true}'
mdm='"mdm": {"identifier": "com.example.mdm.profile"}'
small='"content": {"seed": 5, "files": 30, "profile": "small", "iter": 1000, "dpic": 1000}'
new='"phase": "assistant", "trusted": true, "reboot_ms": 300, "content": {"seed": 6, "files": 5, "profile": "small"}'
sim_start - <<END
{"devices": [
 {"name": "A", "udid": "$A", "os": "17.5.1", "trusted": true, $super, $mdm, $small},
 {"name": "plain", "os": "17.5.1", "trusted": true, "content": {"seed": 7, "files": 10, "profile": "small"}},
 {"name": "older", "os": "17.5", $super, $new},
 {"name": "pane", "os": "18.1", "supervised": true, "cloud_configuration": {"IsSupervised": true, "SkipSetup": ["Siri", "Restore"]}, $new},
 {"name": "findmy", "os": "18.1", "trusted": true, $super, "find_my": true, "content": {"seed": 8, "files": 5, "profile": "small"}},
 {"name": "secretfind", "os": "18.1", $super, "find_my": true, $new},
 {"name": "ios27", "os": "27.0", $super, $new},
 {"name": "full", "os": "18.1", $super, "free": 1000, $new},
 {"name": "inactive", "os": "18.1", $super, "activated": false, $new},
 {"name": "home", "os": "18.1", $super, "trusted": true, "content": {"seed": 8, "files": 5, "profile": "small"}},
 {"name": "stranger", "os": "18.1", $super, "phase": "normal", "passcode": "1234", "content": {"seed": 9, "files": 5, "profile": "small"}}]}
END
printf 'mdm_profile_identifier = "com.example.mdm.profile"\n' >"$KITBENCH_HOME/kitbench.conf"
printf 'secret\n' >pw
printf 'wrong\n' >bad
store=$KITBENCH_HOME/store
udid() { state "$1" udid; }
kb 0 backup $A --password-file pw
expect_exit 0 idevicebackup2 -u "$(udid plain)" backup --full "$store" >said.txt 2>&1
PLAIN=$(udid plain)

# untouched NAME: no pairing, no restore, no write through AFC.
untouched() {
    ctl seen "$1" >seen.txt
    for word in '"Restore' '"Pair"' ChangePassword '"open /' mkdir; do hasnt "$word" seen.txt; done
}
# refused EXIT RULE LEVEL NAME [ARG...]: check and restore say so, and the device is as it was.
refused() {
    want=$1 rule=$2 level=$3 name=$4 device=$(udid "$4")
    shift 4
    check_want=$want
    [ "$want" != 4 ] || check_want=3 # check has only 0, 7 and 3
    kb "$check_want" check "$source" "$device" --json --wait 0 "$@"
    has '"rule":"'"$rule"'","level":"'"$level"'"' out
    same "$name: lines" "$(wc -l <out | tr -d ' ')" 1
    for language in en ja; do
        kb "$want" restore "$source" "$device" --wait 0 --lang $language "$@"
        [ "$(tail -n 1 out | wc -c)" -gt 20 ] || fail "no sentence"
        cp out "$rule.$language"
    done
    same "$name: one sentence" "$(wc -l <out | tr -d ' ')" 1
    ! cmp -s "$rule.en" "$rule.ja" || fail "$rule is not told in Japanese"
    kb "$want" restore "$source" "$device" --wait 0 --json "$@"
    tail -n 1 out >line
    same "$name: exit in the result" "$(json .exit <line)" "$want"
    untouched "$name"
}
source=$A
refused 3 os-version block older --password-file pw
has "older than the backup's 17.5.1" os-version.en
refused 3 ade-restore-pane block pane --password-file pw
refused 3 find-my block findmy --password-file pw
refused 3 free-space block full --password-file pw
refused 7 not-activated operator inactive --password-file pw
refused 7 setup-not-at-restore operator home --password-file pw
# Not trusted: neither check nor --dry-run opens the Trust dialog; a restore does, and does not wait with --wait 0.
for words in check "restore --dry-run"; do
    # shellcheck disable=SC2086 # words
    kb 7 $words $A "$(udid stranger)" --password-file pw --json
    has '"rule":"not-trusted","level":"operator"' out
    untouched stranger
done
kb 7 restore $A "$(udid stranger)" --password-file pw --wait 0 --json
has '"ask":"trust"' out
hasnt '"state":"restoring"' out
refused 3 ios27-supervised hold ios27 --password-file pw
refused 4 backup-password block findmy --password-file bad
refused 4 backup-password block secretfind --password-file bad

# No password at all, and no terminal to ask: 4.
kb 4 restore $A "$(udid secretfind)"
has password-file out
kb 4 restore $A "$(udid secretfind)" --password-file "$dir/nothing"
untouched secretfind

# A block cannot be overridden, a rule that is none is a usage error.
kb 3 restore $A "$(udid older)" --password-file pw --accept os-version --by Sato || :
untouched older
kb 2 restore $A "$(udid older)" --password-file pw --accept no-such-rule
kb 2 restore $A

# The device says that Find My is on, although it cannot be read: 211, and it is told as what it is.
kb 5 restore $A "$(udid secretfind)" --password-file pw --wait 0 --json
tail -n 1 out >line
same outcome "$(json .outcome <line)" failed
same domain "$(json .domain <line)" backup2
same code "$(json .code <line)" 211
has 'Find My' line
same "restored from" "$(state secretfind restored_from)" ""
kb 0 status
has 'Find My' out

# A plain backup is held, and goes on with --accept, which is recorded with the name.
source=$PLAIN
ctl wipe older >done.txt
ctl set older os 18.1 >done.txt
kb 0 pair "$(udid older)"
kb 3 check "$PLAIN" "$(udid older)" --json --source-state no-mdm
has '"rule":"backup-unencrypted","level":"hold"' out
kb 2 restore "$PLAIN" "$(udid older)" --source-state no-mdm --accept backup-unencrypted --by ''
kb 7 restore "$PLAIN" "$(udid older)" --source-state no-mdm --accept backup-unencrypted --by Yamada --json
same outcome "$(tail -n 1 out | json .outcome)" restored
kb 0 report --out report.json
tr -d ' \n' <report.json >report.txt
has '"by":"Yamada","accepted":["backup-unencrypted"]' report.txt
same "restored from" "$(state older restored_from)" "$PLAIN"

# Backups that are not whole: unfinished, damaged, hostile, none at all.
cp -r "$store/$A" unfinished
cp -r "$store/$A" damaged
mkdir empty
rm damaged/Manifest.db
# spoilt RULE LEVEL EXIT DAMAGE...: backups that are spoilt in one chosen way.
spoilt() {
    rule=$1 want=$2
    shift 2
    for damage in "$@"; do
        rm -rf spoilt && mkdir spoilt
        generate spoilt os=17.0 password=secret damage="$damage" management=supervised-mdm
        code=0
        "$KB" check "$(cat gen.txt)" "$target" --json --password-file pw >out 2>err </dev/null || code=$?
        [ $code = 3 ] || fail "$damage: check ends with $code: $(cat out err)"
        has '"rule":"'"$rule"'","level":"block"' out
        code=0
        "$KB" restore "$(cat gen.txt)" "$target" --wait 0 --password-file pw >out 2>err </dev/null || code=$?
        [ $code = "$want" ] || fail "$damage: restore ends with $code: $(cat out err)"
        [ "$(tail -n 1 out | wc -c)" -gt 20 ] || [ "$(tail -n 1 err | wc -c)" -gt 20 ] || fail "$damage: no sentence"
    done
}
target=$(udid secretfind)
spoilt backup-unfinished 6 uploading status-missing finished-but-empty
spoilt backup-damaged 6 manifest-truncated manifest-missing db-missing db-truncated keybag-cut keybag-dpic payload-missing
spoilt backup-hostile 6 plist-bomb plist-deep domain-dots path-dots
# Wine shows Linux' links as what they lead to, and its FIFOs as files; Windows has neither.
[ -n "${E2E_DRIVE:-}" ] || spoilt backup-hostile 6 payload-link folder-link payload-fifo
kb 6 restore "$dir/nothing" "$target" --password-file pw
kb 6 check "$dir" "$target" --json --password-file pw
untouched_since() { same "Restore" "$(ctl seen "$1" | grep -o '"Restore ' | wc -l | tr -d ' ')" "$2"; }
untouched_since secretfind 1
sim_clean
say fine
