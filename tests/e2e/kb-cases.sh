#!/bin/sh
# The manual's three tables, all twelve rows, through `check --json` against simulated devices: a backup of each kind of device
# judged against the same and another device, supervised and not. What is expected is typed here from the manual, not taken from the code.
# limit: 240
# shellcheck source=lib.sh
. "${TOP:-../..}/tests/e2e/lib.sh"

# The backups' devices: U has MDM and is not supervised, S is supervised, N has no MDM.
U=00008030-00000000000000AA S=00008030-00000000000000BB N=00008030-00000000000000CC
OTHER=00008101-00000000000000DD
mdm='"mdm": {"identifier": "com.example.mdm.profile"}'
agent='"agent": {"bundle_id": "com.example.agent", "installed": true, "authenticated": true}'
small='"trusted": true, "os": "17.5", "content": {"seed": 5, "files": 12, "profile": "small", "iter": 1000, "dpic": 1000}'
sim_start - <<END
{"devices": [{"name": "U", "udid": "$U", $mdm, $agent, $small}, {"name": "N", "udid": "$N", $small},
 {"name": "S", "udid": "$S", "supervised": true, "cloud_configuration": {"IsSupervised": true}, $mdm, $agent, $small}]}
END
printf 'agent_bundle_id = "com.example.agent"\nmdm_profile_identifier = "com.example.mdm.profile"\n' >"$KITBENCH_HOME/kitbench.conf"
export KITBENCH_BACKUP_PASSWORD=secret
for device in $U $S $N; do
    kb 0 backup "$device"
    sim_clean
done
sim_stop

# row SOURCE DEVICE: supported agent mdm follow-ups... (null: the row is x)
row() {
    source=$1 device=$2 supported=$3 agent=$4 mdm=$5
    shift 5
    same=false
    [ "$device" = $OTHER ] || same=true
    exit=0 verdict=ready
    [ "$supported" = true ] || exit=3 verdict=refused
    kb $exit check "$source" "$device" --json
    line="kitbench check $source $device ($target)"
    same "$line: verdict" "$(json .verdict <out)" $verdict
    same "$line: source" "$(json .source_state <out)" "$kind"
    same "$line: same device" "$(json .same_device <out)" $same
    same "$line: target" "$(json .target_state <out)" "$target"
    same "$line: supported" "$(json .supported <out)" "$supported"
    same "$line: agent" "$(json .agent <out)" "$agent"
    same "$line: MDM" "$(json .mdm <out)" "$mdm"
    same "$line: follow-ups" "$(json .follow_up <out | tr -d '[]"' | tr ',' ' ')" "$*"
    [ "$supported" = true ] || has '"rule":"unsupported-case","level":"block"' out
    # Apple's own tools refuse supervised onto unsupervised and back; the manual allows it, so it is told and no more.
    crossed=0
    case $kind-$target in supervised-unsupervised | unsupervised-supervised | no-mdm-supervised) crossed=1 ;; esac
    same "$line: apple-supervision" "$(grep -c '"rule":"apple-supervision","level":"warn"' out || :)" $crossed
}

target=unsupervised
sim_start - <<END
{"devices": [{"udid": "$U", "phase": "assistant", $small}, {"udid": "$S", "phase": "assistant", $small},
 {"udid": "$N", "phase": "assistant", $small}, {"udid": "$OTHER", "phase": "assistant", $small}]}
END
#         backup device  supported agent  mdm  remarks
kind=unsupervised
row       $U     $U      true      ok     ok
row       $U     $OTHER  true      reauth none kitting agent-reauth
kind=supervised
row       $S     $S      true      ok     ok   becomes-supervised
row       $S     $OTHER  true      reauth none kitting agent-reauth
kind=no-mdm
row       $N     $N      true      none   none agent-auth
row       $N     $OTHER  true      none   none agent-auth
sim_clean
sim_stop

target=supervised
cloud='"supervised": true, "cloud_configuration": {"IsSupervised": true, "SkipSetup": []}'
sim_start - <<END
{"devices": [{"udid": "$U", "phase": "assistant", $cloud, $small}, {"udid": "$S", "phase": "assistant", $cloud, $small},
 {"udid": "$N", "phase": "assistant", $cloud, $small}, {"udid": "$OTHER", "phase": "assistant", $cloud, $small}]}
END
kind=unsupervised
row       $U     $U      false     null   null
row       $U     $OTHER  true      reauth ok   agent-reauth
kind=supervised
row       $S     $S      true      ok     ok
row       $S     $OTHER  true      reauth ok   agent-reauth
kind=no-mdm
row       $N     $N      false     null   null
row       $N     $OTHER  true      none   ok   agent-install agent-auth
sim_clean
say fine
