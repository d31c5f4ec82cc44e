#!/bin/sh
# A device that means harm: names that leave the folder in every message, absurd sizes, garbage and plist bombs. One sentence, exit code 5 or 6, nothing
# outside the folder, and the device beside it is served as if nothing were.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

A=00008030-00000000000000AA E=00008030-00000000000000EE B=00008030-00000000000000BB
small='"content": {"seed": 5, "files": 60, "profile": "small", "iter": 1000, "dpic": 1000}'
sim_start - <<END
{"devices": [{"name": "good", "udid": "$A", "os": "17.5", "trusted": true, $small},
 {"name": "evil", "udid": "$E", "os": "17.5", "trusted": true, $small},
 {"name": "B", "udid": "$B", "os": "18.1", "phase": "assistant", "reboot_ms": 300, "trusted": true, $small}]}
END
printf 'secret\n' >pw
mb2=com.apple.mobilebackup2
store=$dir/deep/er/store
mkdir -p "$store"
kb 0 backup $A --password-file pw --store "$store"
kb 0 backup $E --password-file pw --store "$store"
printf 'precious' >"$dir/deep/er/victim"
printf 'precious' >"$store/victim"
tree() { find "$dir/deep" -path "$store/$E" -prune -o -print | sort; }
tree >before.txt
cp "$store/$A.sha256" seal.txt

# bad NAME COMMAND...: ends with 5 or 6 and a sentence, in time, and has touched nothing beside E's folder.
bad() {
    what=$1 code=0 began=$(date +%s)
    shift
    "$KB" "$@" --password-file pw --store "$store" --json --wait 5 >out 2>err </dev/null || code=$?
    case $code in 5 | 6) ;; *) fail "$what: exit $code: $(tail -n 2 out) $(tail -n 2 err)" ;; esac
    tail -n 1 out >line
    [ "$(json .text <line | wc -c)" -gt 20 ] || fail "$what: no sentence: $(cat line)"
    say "$what: $(json .text <line) ($(($(date +%s) - began)) s)"
    [ $(($(date +%s) - began)) -lt 40 ] || fail "$what: it took too long"
    tree >after.txt
    # the seal of E goes when its backup is made anew; nothing comes
    grep -v "$E" before.txt >before.cut
    grep -v "$E" after.txt >after.cut
    cmp -s before.cut after.cut || fail "$what: $(diff before.cut after.cut)"
    same "$what: the victim" "$(cat "$dir/deep/er/victim" "$store/victim")" preciousprecious
    cmp -s "$store/$A.sha256" seal.txt || fail "$what: another device's seal was changed"
    find "$store/$E" -type l >links
    [ ! -s links ] || fail "$what: a link was made"
    [ ! -e /tmp/kb-evil ] || fail "$what: an absolute path was followed"
    ctl clear-faults evil >ctl.txt
    ctl clear-faults B >ctl.txt
}
evil() { ctl fault "${who:-evil}" "$1" >ctl.txt || fail "$(cat ctl.txt)"; }

say "names, in every message of a backup"
for message in DLMessageDownloadFiles DLMessageUploadFiles DLContentsOfDirectory DLMessageCreateDirectory DLMessageMoveItems \
    DLMessageRemoveItems; do
    for name in '../victim' '/tmp/kb-evil'; do
        evil '{"action":"hostile-name","service":"'$mb2'","message":"'$message'","text":"'$name'"}'
        bad "$message $name" backup $E --full
        has "$name" line
    done
done

say "sizes"
for value in 0 1 2 3 4 5; do
    evil '{"action":"hostile-size","service":"'$mb2'","message":"DLMessageUploadFiles","value":'$value'}'
    bad "size $value" backup $E --full
done

say "garbage and bombs, in lockdown and in DeviceLink"
for action in garbage plist-bomb; do
    for where in '"service":"'$mb2'","message":"DLMessageUploadFiles"' '"service":"'$mb2'","message":"DLMessageVersionExchange"'; do
        evil '{"action":"'$action'",'"$where"'}'
        bad "$action $where" backup $E --full
    done
    # lockdown: reading a device is not stopped by one that is bad
    evil '{"action":"'$action'","service":"lockdown","message":"GetValue"}'
    "$KB" devices --json >out 2>err </dev/null || fail "devices after $action: $(cat err)"
    # a reading that was cut off in the middle is made once more, instead of being half a device
    evil '{"action":"'$action'","service":"lockdown","message":"GetValue","at_message":4}'
    "$KB" devices --json >half.out 2>err </dev/null || fail "devices after $action: $(cat err)"
    same "$action: it is read whole" "$(grep "\"udid\":\"$E\"" half.out | json .setup)" 'done'
    same "$action: the others are there" "$(grep -c "\"udid\":\"\($A\|$B\)\",.*\"trust\":\"trusted\"" out)" 2
    ctl clear-faults evil >ctl.txt
done

say "a restore onto a device that asks for what lies outside"
who=B
evil '{"action":"hostile-name","service":"'$mb2'","message":"DLMessageDownloadFiles","text":"../victim"}'
kb 0 check $A $B --password-file pw --store "$store" --source-state no-mdm
bad "restore" restore $A $B --source-state no-mdm
ctl wipe B >ctl.txt
kb 0 pair $B

say "and all is well for the others, and for itself"
kb 0 backup $A --password-file pw --store "$store"
kb 0 backup $E --full --password-file pw --store "$store"
kb 0 verify $E --password-file pw --store "$store"
kb 7 restore $A $B --password-file pw --store "$store" --source-state no-mdm
kb 0 report --out report.json
same unbroken "$(json .journal.unbroken <report.json)" true
say fine
