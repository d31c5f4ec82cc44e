#!/bin/sh
# make demo: the whole story on the simulated bench. A person moves from a supervised, managed iPhone to a new one; then one
# refusal of each kind. A scripted hand does what the operator would do on the screens. In the language of the locale (ja, else en).
# Installed, kitbench-practice gives the programs, the scenario and a folder (KB SIM SCENARIO DEMO_DIR).
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
kb=${KB:-$top/build/kitbench} sim=${SIM:-$top/build/phonesim}
scenario=${SCENARIO:-$top/tests/sim/scenarios/demo.json}
dir=${DEMO_DIR:-$top/build/demo}
rm -rf "$dir"
mkdir -p "$dir/home"
cd "$dir"

# The devices of tests/sim/scenarios/demo.json, by the start of their UDID; and the backups that are made of two of them.
a=00008030 b=00008101 old=00008020 taro=00008110
a_backup=$a-000A11CE0000802E taro_backup=$taro-000D0AD00000005E
sockets=$(mktemp -d) # short, however deep this tree lies: a socket's path has room for 100 bytes
control=UNIX:$sockets/control
export USBMUXD_SOCKET_ADDRESS="UNIX:$sockets/usbmuxd" KITBENCH_HOME="$dir/home"
unset KITBENCH_BACKUP_PASSWORD
{ cat "${scenario%.json}.conf" && echo 'operator = "Sato"'; } >home/kitbench.conf
printf 'demo-Passw0rd\n' >password
printf 'not-the-password\n' >wrong

bold='' dim='' off=''
if [ -t 1 ]; then
    bold=$(printf '\033[1m')
    dim=$(printf '\033[36m')
    off=$(printf '\033[0m')
fi
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in ja*) japanese=1 ;; *) japanese='' ;; esac
t() { if [ "$japanese" ]; then printf '%s' "$2"; else printf '%s' "$1"; fi; }
chapter() { printf '\n%s== %s ==%s\n' "$bold" "$(t "$@")" "$off"; }
remark() { printf '\n%s-- %s%s\n' "$bold" "$(t "$@")" "$off"; }
stop() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

expect() { # expect EXIT kitbench arguments...
    want=$1 code=0
    shift
    printf '\n%s$ kitbench %s%s\n' "$bold" "$*" "$off"
    "$kb" "$@" || code=$?
    [ "$code" = "$want" ] || stop "exit $code instead of $want"
    [ "$code" = 0 ] || printf '%s[exit %s]%s\n' "$dim" "$code" "$off"
}
ctl() { "$sim" ctl "$control" "$@"; }
moved() { printf '%s[%s] %s%s\n' "$dim" "$(t hand 手)" "$*" "$off"; }
# hand WORDS 言葉 COMMAND...: a finger on the device; finger: the same as soon as the device asks for it.
hand() {
    words=$(t "$1" "$2")
    shift 2
    ctl "$@" >said || stop "$(cat said)"
    moved "$words"
}
finger() {
    words=$(t "$1" "$2")
    shift 2
    until ctl "$@" >/dev/null 2>&1; do sleep 0.1; done
    moved "$words"
}

pids=
at_exit() {
    # shellcheck disable=SC2086 # one word a process
    kill $pids 2>/dev/null || :
    rm -rf "$sockets"
}
trap at_exit EXIT
trap 'exit 130' INT TERM
"$sim" --scenario "$scenario" --listen "$USBMUXD_SOCKET_ADDRESS" --control "$control" --state sim >sim.out 2>sim.err &
pids=$!
tries=0
until grep -q ready sim.out; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || stop "phonesim does not start: $(cat sim.err)"
    sleep 0.1
done

chapter "1. The bench: what is plugged in" "1. 作業台に接続されている端末"
expect 0 devices

chapter "2. The old device is backed up: encrypted, proved, sealed" "2. 旧端末のバックアップ(暗号化・検証・封印)"
{
    finger "enters the passcode (encryption)" "パスコードを入力(暗号化の許可)" passcode "Hanako's iPhone" enter
    finger "enters the passcode (backup)" "パスコードを入力(バックアップの許可)" passcode "Hanako's iPhone" enter
} &
pids="$pids $!"
expect 0 backup $a --password-file password
expect 0 inspect $a_backup --password-file password
printf '\n%s$ sha256sum -c %s.sha256%s\n' "$bold" $a_backup "$off"
sums=sha256sum
command -v $sums >/dev/null || sums="shasum -a 256"
(cd home/store && $sums -c $a_backup.sha256 >../../sums) || stop "the seal does not fit"
printf '%s: OK\n' "$(t "$(wc -l <sums | tr -d ' ') files" "$(wc -l <sums | tr -d ' ') ファイル")"

chapter "3. The new device is paired; a dry run, which writes nothing" "3. 新端末のペアリングと、何も書き込まない予行"
expect 0 pair $b
hand "chooses Restore from Mac or PC" "「MacまたはPCから復元」を選択" choose-restore "new iPhone"
expect 0 check $a_backup $b --password-file password

chapter "4. Restore: the device takes it, restarts, and is read again" "4. 復元(書き込み・再起動・再読み取り)"
expect 7 restore $a_backup $b --password-file password

chapter "5. The operator's steps: seen on the device, or confirmed by name" "5. 作業者の手順(端末から自動で確認、残りは名前を付けて確認)"
hand "joins the Wi-Fi" "Wi-Fiに接続" wifi "new iPhone"
hand "taps Next on Remote Management" "「リモートマネージメント」で「次へ」をタップ" next "new iPhone"
expect 0 steps $b
hand "signs in with the Apple ID" "Apple IDでサインイン" sign-in "new iPhone"
expect 0 confirm $b apple-id
hand "finishes the setup" "初期設定を完了" finish-setup "new iPhone"
hand "sees the Home screen" "ホーム画面を確認" home "new iPhone"
expect 0 steps $b
printf '\n%s %s\n' "$(t "Until the agent is authenticated again, the new device reports the location of:" "エージェントを再認証するまで、新端末が報告する位置情報の端末:")" \
    "$(ctl state "new iPhone" | "$sim" json .agent.reports_as)"
hand "the manual's three taps: the agent is authenticated again" "マニュアルの3タップでエージェントを再認証" reauth-agent "new iPhone"
expect 0 confirm $b agent-reauth
printf '\n%s %s\n' "$(t "Now it reports:" "現在:")" "$(ctl state "new iPhone" | "$sim" json .agent.reports_as)"
expect 0 status

chapter "6. The report: who did what, when, with which evidence" "6. 報告書(誰が・いつ・何を・どの証拠で)"
for type in html csv json; do expect 0 report --out report.$type; done
printf '\n'
"$sim" json .jobs <report.json >/dev/null || stop "report.json is no JSON"
printf '%s file://%s\n' "$(t "Open it:" "開くには:")" "$dir/report.html"

chapter "7. Refusals: nothing is written, and one sentence says what to do" "7. 拒否(何も書き込まず、次にすべきことを一文で伝える)"
remark "The new device's iOS is older than the backup's" "新端末のiOSがバックアップより古い"
expect 3 restore $a_backup $old --password-file password
remark "A row with x: an unsupervised backup onto the same device, now supervised" "マニュアルの「×」の組み合わせ(非監視対象のバックアップを、監視対象になった同端末へ)"
"$kb" backup $taro --password-file password >said 2>&1 || stop "$(cat said)"
hand "erases Taro's iPhone; it is supervised from now on" "Taroの端末を消去し、監視対象にする" wipe "Taro's iPhone"
hand "activates it" "アクティベーション" activate "Taro's iPhone"
ctl supervise "Taro's iPhone" >/dev/null
"$kb" pair $taro >said 2>&1 || stop "$(cat said)"
expect 3 restore $taro_backup $taro --password-file password
remark "A wrong password: found out on this computer, before the device is touched" "パスワードの誤り(端末に触れる前に、このパソコンで判明)"
expect 4 restore $a_backup $taro --password-file wrong
