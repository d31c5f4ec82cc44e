#!/bin/sh
# make demo: the whole story on the simulated bench. One person moves from a supervised, managed iPhone to a new one; then one
# refusal of each kind. A scripted hand does what the operator would do on the screens.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
kb=$top/build/kitbench sim=$top/build/phonesim
dir=$top/build/demo
rm -rf "$dir"
mkdir -p "$dir/home"
cd "$dir"
a=00008030-000A11CE0000802E b=00008101-000B0B0B0000001E old=00008020-000C0DE50000003E taro=00008110-000D0AD00000005E
control=UNIX:$dir/control.sock
export USBMUXD_SOCKET_ADDRESS="UNIX:$dir/usbmuxd.sock" KITBENCH_HOME="$dir/home"
printf 'agent_bundle_id = "com.example.agent"\nmdm_profile_identifier = "com.example.mdm.profile"\noperator = "Sato"\n' >home/kitbench.conf
printf 'demo-Passw0rd\n' >password
printf 'not-the-password\n' >wrong

bold='' off=''
if [ -t 1 ]; then
    bold=$(printf '\033[1m')
    off=$(printf '\033[0m')
fi
chapter() { printf '\n%s== %s%s\n' "$bold" "$*" "$off"; }
run() {
    printf '%s$ kitbench %s%s\n' "$bold" "$*" "$off"
    "$kb" "$@"
}
expect() { # expect EXIT kitbench arguments...
    want=$1 code=0
    shift
    run "$@" || code=$?
    [ "$code" = "$want" ] || {
        printf 'demo: exit %s, expected %s\n' "$code" "$want" >&2
        exit 1
    }
    [ "$code" = 0 ] || printf '(exit %s)\n' "$code"
}
ctl() { "$sim" ctl "$control" "$@"; }
hand() {
    printf '   [hand] %s\n' "$*"
    ctl "$@" >/dev/null
}

"$sim" --scenario "$top/tests/sim/scenarios/demo.json" --listen "$USBMUXD_SOCKET_ADDRESS" --control "$control" --state "$dir/sim" >sim.out 2>sim.err &
simpid=$! handpid=
trap 'kill $simpid $handpid 2>/dev/null || :' EXIT INT TERM
i=0
until grep -q ready sim.out; do
    i=$((i + 1))
    [ $i -lt 100 ] || {
        cat sim.err >&2
        exit 1
    }
    sleep 0.1
done

chapter "1. What is plugged in"
run devices

chapter "2. The old device is backed up, encrypted. It asks for its passcode; a hand enters it"
while sleep 0.5; do ctl passcode $a enter >/dev/null 2>&1 || :; done &
handpid=$!
expect 0 backup $a --password-file password
kill $handpid
handpid=
expect 0 backups
expect 0 inspect $a --password-file password
printf '%s$ sha256sum -c %s.sha256%s\n' "$bold" $a "$off"
(cd home/store && sha256sum --quiet -c $a.sha256 && echo "every file is as it was sealed")

chapter "3. Dry run: may this backup go onto the new device? Nothing is written"
expect 0 check $a $b --password-file password

chapter "4. Restore: the device takes it, reboots, comes back and is read again"
expect 7 restore $a $b --password-file password

chapter "5. The operator's steps: what can be seen on the device ticks itself, the rest is confirmed by name"
hand wifi $b
hand next $b
run steps $b || :
hand sign-in $b
expect 0 confirm $b apple-id --by Sato
hand finish-setup $b
hand home $b
run steps $b || :
printf 'Until the agent is authenticated again, the new device reports as: %s (the OLD device)\n' "$(ctl state $b | "$sim" json .agent.reports_as)"
hand reauth-agent $b
expect 0 confirm $b agent-reauth --by Sato
expect 0 steps $b
expect 0 status

chapter "6. The report"
for type in html csv json; do expect 0 report --out report.$type; done
printf 'open %s\n' "$dir/report.html"

chapter "7. Refusals: nothing is written, and the sentence says what to do"
printf '%s\n' "- the new device's iOS is older than the backup's"
expect 3 restore $a $old --password-file password
printf '%s\n' "- a row of the manual's table that is not supported: an unsupervised backup onto the same device, supervised meanwhile"
expect 0 backup $taro --password-file password
hand wipe $taro
hand activate $taro
hand supervise $taro
expect 3 check $taro $taro --password-file password
printf '%s\n' "- a wrong backup password: found out on this computer, before the device is touched"
hand wipe $b
hand activate $b
expect 4 restore $a $b --password-file wrong

chapter "The same in Japanese: --lang ja, or a Japanese locale"
run --lang ja check $a $old --password-file password || :
