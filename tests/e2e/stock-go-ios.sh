#!/bin/sh
# Proof of faith: go-ios' `ios` (npm package go-ios, fetched by scripts/get-go-ios.sh), unmodified, against phonesim over TCP.
# It does its own pairing, TLS and framing, so it believes other things than libimobiledevice does.
# limit: 300 (the first run fetches 59 MB)
. "${TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
ios=$(sh "$TOP/scripts/get-go-ios.sh") || skip "go-ios is not there and the npm registry gave none"
export HOME="$dir"

supervisors='[]'
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=Supervisor 2>/dev/null
    openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass:secret -out identity.p12
    supervisors='["cert.pem"]'
fi

sim_start tcp - <<JSON
{"devices":[
 {"name":"Hanako","os":"17.5.1","battery":91},
 {"name":"Taro","os":"18.1","trusted":true,"supervised":true,"reboot_ms":300,
  "cloud_configuration":{"IsSupervised":true,"OrganizationName":"Example","AllowPairing":true,"SkipSetup":["Siri","Restore"]},
  "mdm":{"identifier":"com.example.mdm.profile"},"agent":{"bundle_id":"com.example.agent","authenticated":true}},
 {"name":"Jiro","supervised":true,"supervisor_certificates":$supervisors},
 {"name":"Closed","cloud_configuration":{"IsSupervised":true,"AllowPairing":false}}]}
JSON
hanako=$(state Hanako udid) taro=$(state Taro udid) jiro=$(state Jiro udid) closed=$(state Closed udid)
go() { "$ios" "$@" 2>ios.err; }

say "ios list"
go list >list.json
same "devices" "$(json .deviceList <list.json)" "[\"$hanako\",\"$taro\",\"$jiro\",\"$closed\"]"

say "ios listen: Attached for each, then what happens"
go listen >listen.txt &
listener=$!
tries=0
until [ "$(grep -c Attached listen.txt)" -ge 4 ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "ios listen saw no device"
    sleep 0.1
done
ctl unplug Hanako >/dev/null
ctl plug Hanako >/dev/null
tries=0
until grep -q Detached listen.txt && [ "$(grep -c Attached listen.txt)" -ge 5 ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "ios listen did not see the cable go and come"
    sleep 0.1
done
kill $listener
wait $listener 2>/dev/null || :

say "ios pair: the dialog, then trusted"
go pair --udid="$hanako" >/dev/null && fail "paired without a tap"
same "dialog" "$(state Hanako trust_asked)" true
ctl trust Hanako yes >/dev/null
go pair --udid="$hanako" >/dev/null || fail "ios pair: $(cat ios.err)"
same "records" "$(state Hanako pairings | tr ',' '\n' | wc -l | tr -d ' ')" 1

if [ -f identity.p12 ]; then
    say "ios pair with the supervision identity: no tap"
    go pair --p12file=identity.p12 --password=secret --udid="$jiro" >/dev/null || fail "supervised pairing: $(cat ios.err)"
    same "devicename of a supervised pairing" "$(go devicename --udid="$jiro" | json .devicename)" Jiro
fi
go pair --udid="$closed" >/dev/null && fail "paired with a device that forbids it"
grep -q MCProtected ios.err || fail "no MCProtected from a device that forbids pairing"

say "ios readpair, info, lockdown get, devicename, diskspace, batterycheck"
same "its pair record" "$(go readpair --udid="$hanako" | json .HostID)" "$(state Hanako 'pairings[0]')"
same "info" "$(go info --udid="$taro" | json .SerialNumber)" "$(state Taro serial)"
same "lockdown get" "$(go lockdown get ProductVersion --udid="$taro")" '"18.1"'
same "lockdown get --domain" "$(go lockdown get --domain=com.apple.disk_usage --udid="$taro" | json .TotalDiskCapacity)" 64000000000
same "devicename" "$(go devicename --udid="$taro" | json .devicename)" Taro
same "diskspace" "$(go diskspace --udid="$taro" | json .FreeBytes)" 32000000000
same "batterycheck" "$(go batterycheck --udid="$hanako" | json .BatteryCurrentCapacity)" 91

say "ios apps, profile list, prepare cloudconfig"
go apps --udid="$taro" | grep -q com.example.agent || fail "the agent is not among the apps"
same "profile" "$(go profile list --udid="$taro" | json '[0].Identifier')" com.example.mdm.profile
same "supervised" "$(go prepare cloudconfig --udid="$taro" | json .CloudConfiguration.IsSupervised)" true
same "skipped panes" "$(go prepare cloudconfig --udid="$taro" | json .CloudConfiguration.SkipSetup)" '["Siri","Restore"]'

say "ios reboot: away, and back with a new DeviceID"
before=$(state Taro mux_id)
go reboot --udid="$taro" >/dev/null || fail "ios reboot: $(cat ios.err)"
ctl wait Taro phase normal 10 >/dev/null
[ "$(state Taro mux_id)" -gt "$before" ] || fail "no new DeviceID after the reboot"

sim_clean
