#!/bin/sh
# Proof of faith: Debian's own programs, unmodified, against phonesim. What they print is what they print on a real bench, and
# not one of their requests is refused or malformed.
. "${TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
for tool in idevice_id ideviceinfo idevicepair ideviceprovision idevicename; do
    command -v $tool >/dev/null || skip "$tool (package libimobiledevice-utils) is not installed"
done

sim_start - <<'JSON'
{"devices":[
 {"name":"Hanako","os":"17.5.1","passcode":"1234","free":30700000000,"battery":91},
 {"name":"Taro","os":"16.1","trusted":true,"supervised":true,"backup_password":"x","mdm":{"identifier":"com.example.mdm.profile"}},
 {"name":"New","phase":"assistant","activated":false},
 {"name":"Tab","os":"18.1","product_type":"iPad13,18","passcode":"1","locked":true},
 {"name":"Boot","phase":"bfu","passcode":"1","trusted":true}]}
JSON
hanako=$(state Hanako udid) taro=$(state Taro udid) new=$(state New udid) tab=$(state Tab udid) boot=$(state Boot udid)

say "idevice_id -l: every device that is plugged in, and no other"
idevice_id -l | sort >ids.txt
printf '%s\n' "$hanako" "$taro" "$new" "$tab" "$boot" | sort | cmp - ids.txt || fail "idevice_id -l"
ctl unplug Tab >/dev/null
same "devices left" "$(idevice_id -l | wc -l | tr -d ' ')" 4
ctl plug Tab >/dev/null
same "devices again" "$(idevice_id -l | wc -l | tr -d ' ')" 5

say "ideviceinfo: values and domains of a trusted device"
expect_text 'ProductVersion: 16.1' ideviceinfo -u "$taro"
same "exit of ideviceinfo" $code 0
same "serial" "$(ideviceinfo -u "$taro" -k SerialNumber)" "$(state Taro serial)"
same "imei" "$(ideviceinfo -u "$taro" -k InternationalMobileEquipmentIdentity)" "$(state Taro imei)"
same "activation" "$(ideviceinfo -u "$taro" -k ActivationState)" Activated
expect_text 'WillEncrypt: true' ideviceinfo -u "$taro" -q com.apple.mobile.backup
expect_text 'DeviceIsChaperoned: true' ideviceinfo -u "$taro" -q com.apple.mobile.chaperone
expect_text 'BatteryCurrentCapacity: 80' ideviceinfo -u "$taro" -q com.apple.mobile.battery
expect_text 'TotalDiskCapacity: 64000000000' ideviceinfo -u "$taro" -q com.apple.disk_usage
expect_text 'SetupDone: true' ideviceinfo -u "$taro" -q com.apple.PurpleBuddy
expect_text 'MinITunesVersion: 12.13.1' ideviceinfo -u "$taro" -q com.apple.mobile.iTunes
same "Find My asked as a domain" "$(ideviceinfo -u "$taro" -q com.apple.fmip)" ""
same "Find My asked by key" "$(ideviceinfo -u "$taro" -q com.apple.fmip -k IsAssociated)" false
expect_text '<key>DeviceName</key>' ideviceinfo -u "$taro" -x

say "ideviceinfo -s: the small set before pairing, and no more"
expect_text 'DeviceName: Hanako' ideviceinfo -s -u "$hanako"
if grep -q 'SerialNumber\|ActivationState' said.txt; then fail "values without a session that need one"; fi
same "no pairing by that" "$(state Hanako trust_asked)" false

say "idevicename"
same "name" "$(idevicename -u "$taro")" Taro
expect_exit 0 idevicename -u "$taro" "Taro's phone"
same "new name" "$(ideviceinfo -u "$taro" -k DeviceName)" "Taro's phone"

say "idevicepair pair: pending, denied, asked again after a replug, trusted"
expect_text 'Please accept the trust dialog' idevicepair -u "$hanako" pair
same "exit while pending" $code 1
same "dialog" "$(state Hanako trust_asked)" true
expect_text 'Please accept the trust dialog' idevicepair -u "$hanako" pair
ctl trust Hanako no >/dev/null
expect_text 'denied the trust dialog' idevicepair -u "$hanako" pair
ctl unplug Hanako >/dev/null
ctl plug Hanako >/dev/null
expect_text 'Please accept the trust dialog' idevicepair -u "$hanako" pair
ctl trust Hanako yes >/dev/null
expect_text 'SUCCESS: Paired' idevicepair -u "$hanako" pair
expect_text 'SUCCESS: Validated' idevicepair -u "$hanako" validate
# `idevicepair list` reads /var/lib/lockdown itself, past the daemon, so it cannot know our records (1.3.0); these do ask.
expect_exit 0 idevicepair list >/dev/null
same "the record's HostID" "$(idevicepair -u "$hanako" hostid)" "$(state Hanako 'pairings[-1]')"
same "SystemBUID" "$(idevicepair systembuid | tr -d '\n' | wc -c | tr -d ' ')" 36
same "free bytes" "$(ideviceinfo -u "$hanako" -q com.apple.disk_usage -k AmountDataAvailable)" 30700000000

say "a locked device says PasswordProtected; unlocked it asks; one in Setup Assistant pairs at once"
expect_text 'passcode is set' idevicepair -u "$tab" pair
ctl unlock Tab >/dev/null
expect_text 'Please accept the trust dialog' idevicepair -u "$tab" pair
expect_text 'SUCCESS: Paired' idevicepair -u "$new" pair
same "unactivated" "$(ideviceinfo -u "$new" -k ActivationState)" Unactivated
same "setup unfinished" "$(ideviceinfo -u "$new" -q com.apple.PurpleBuddy)" ""

say "before the first unlock a good record is no help; afterwards it is"
expect_exit 255 ideviceinfo -u "$boot" >/dev/null 2>&1
ctl unlock Boot >/dev/null
same "after the first unlock" "$(ideviceinfo -u "$boot" -k PasswordProtected)" false

say "idevicepair unpair: the device forgets this computer"
expect_text 'SUCCESS: Unpaired' idevicepair -u "$hanako" unpair
same "records on the device" "$(state Hanako pairings)" "[]"
expect_text 'Please accept the trust dialog' idevicepair -u "$hanako" pair

say "ideviceprovision list"
expect_text '0 provisioning profiles' ideviceprovision -u "$taro" list
same "exit of ideviceprovision" $code 0

say "the daemon goes away and comes back"
ctl daemon stop >/dev/null
expect_exit 255 idevice_id -l >/dev/null 2>&1
ctl daemon start >/dev/null
same "devices after the daemon's return" "$(idevice_id -l | wc -l | tr -d ' ')" 5
same "record outlives the daemon" "$(ideviceinfo -u "$taro" -k ProductVersion)" 16.1

sim_clean
