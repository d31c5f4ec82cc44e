#!/bin/sh
# Every bit of a backup is proved before a device is touched: damage that only a digest or a seal shows is refused with 6. What was proved
# is remembered until a file of the folder changes, so that the next device of the same backup need not wait again.
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

A=00008030-00000000000000AA
new='"phase": "assistant", "trusted": true, "activated": true, "supervised": false, "reboot_ms": 200, "free": 100000000000, "content": {"seed": 6, "files": 5, "profile": "small"}'
sim_start - <<END
{"devices": [
 {"name": "A", "udid": "$A", "os": "17.5.1", "trusted": true, "activated": true, "supervised": false, "backup_password": "secret",
  "content": {"seed": 5, "files": 60, "profile": "mix", "bytes": 3000000, "iter": 1000, "dpic": 1000}},
 {"name": "one", "os": "18.1", $new}, {"name": "two", "os": "18.1", $new}, {"name": "three", "os": "18.1", $new}, {"name": "four", "os": "18.1", $new}]}
END
printf 'secret\n' >pw
store=$KITBENCH_HOME/store
one=$(state one udid) two=$(state two udid) three=$(state three udid) four=$(state four udid)

untouched() {
    ctl seen "$1" >seen.txt
    for word in '"Restore' '"Pair"' ChangePassword '"open /' mkdir; do hasnt "$word" seen.txt; done
    same "restored from" "$(state "$1" restored_from)" ""
}
# refused BACKUP DEVICE: check says no, restore ends with 6 and says why, and nothing was sent.
refused() {
    kb 3 check "$1" "$2" --json --source-state no-mdm --password-file pw
    has '"rule":"backup-damaged","level":"block"' out
    kb 6 restore "$1" "$2" --source-state no-mdm --wait 0 --json --password-file pw
    tail -n 1 out >line
    same outcome "$(json .outcome <line)" refused
    same exit "$(json .exit <line)" 6
    untouched "$2"
}
# flip FILE: one bit in the middle, the length as before.
flip() {
    flip_at=$(($(wc -c <"$1") / 2))
    flip_byte=$(dd if="$1" bs=1 skip=$flip_at count=1 2>/dev/null | od -An -tu1 | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o $((flip_byte ^ 1)))" | dd of="$1" bs=1 seek=$flip_at conv=notrunc 2>/dev/null
}
notes() { find "$KITBENCH_HOME/verified" -name '*.json' 2>/dev/null | wc -l | tr -d ' '; }

# 1. A flipped bit in a file that has a digest, encrypted and plain: no length shows it.
for password in password=secret ''; do
    mkdir -p flipped
    # shellcheck disable=SC2086 # none or one word
    generate flipped os=17.0 $password damage=flip-digested files=40
    kb 0 verify "$(cat gen.txt)" --quick --password-file pw
    if [ -n "$password" ]; then
        refused "$(cat gen.txt)" "$one"
    else # a plain backup is held besides
        kb 6 restore "$(cat gen.txt)" "$one" --source-state no-mdm --accept backup-unencrypted --by Sato --wait 0 --password-file pw
        untouched "$one"
    fi
    rm -rf flipped
done
same "what is damaged is not remembered" "$(notes)" 0

# 2. A whole one is remembered once its files are some seconds old, and the next device does not wait for it.
mkdir -p whole
generate whole os=17.0 password=secret files=40
whole=$(cat gen.txt)
touch -d '2 minutes ago' "$whole"/*.* "$whole"/*/*
kb 7 restore "$whole" "$one" --source-state no-mdm --wait 20 --json --password-file pw
has '"phase":"verifying"' out
same notes "$(notes)" 1
same "restored from" "$(state one restored_from)" 00008110-001A2B3C4D5E6F7A
kb 0 check "$whole" "$two" --json --source-state no-mdm --password-file pw
kb 7 restore "$whole" "$two" --source-state no-mdm --wait 20 --json --password-file pw
hasnt '"phase":"verifying"' out

# 3. ... and looked at again when one byte of one file was written since.
for file in "$whole"/*/*; do
    kb 0 verify "$whole" --quick --password-file pw
    cp -p "$file" saved
    flip "$file"
    code=0
    "$KB" verify "$whole" --password-file pw >out 2>err </dev/null || code=$?
    [ $code = 0 ] || break
    cp -p saved "$file" # no digest, and not at its end: only a seal would show it
done
same "some file has a digest" $code 6
refused "$whole" "$three"

# 4. What kitbench made is proved by its end, and sealed: a flipped bit anywhere is found, when the time of the file tells or not.
kb 0 backup $A --password-file pw --json
has '"phase":"verifying"' out
file=$(find "$store/$A" -path '*/??/*' -size +20k | sort | tail -n 1)
[ -n "$file" ] || fail "no large file in the backup"
flip "$file"
refused $A "$three"
flip "$file"
kb 7 restore $A "$three" --source-state no-mdm --wait 20 --json --password-file pw
same outcome "$(tail -n 1 out | json .outcome)" restored
same "restored from" "$(state three restored_from)" $A

# 5. A proof does not hold for ever: an old note is none.
rm -rf "$KITBENCH_HOME/verified"
touch -d '2 minutes ago' "$store/$A"/*.* "$store/$A"/*/*
kb 0 check $A "$four" --json --source-state no-mdm --password-file pw
same notes "$(notes)" 1
for note in "$KITBENCH_HOME"/verified/*.json; do
    sed 's/"verified_at":[0-9]*/"verified_at":1000000000/' "$note" >note
    cp note "$note"
done
kb 7 restore $A "$four" --source-state no-mdm --wait 20 --json --password-file pw
has '"phase":"verifying"' out
sim_clean
