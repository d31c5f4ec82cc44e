#!/bin/bash
# make bench-verify: `kitbench verify` beside sha1sum and openssl over the same files, on all cores, alternating.
# Prints medians as a Markdown table. ROUNDS (3), VERIFY_SMALL (100000 files), VERIFY_LARGE (4 GiB), VERIFY_ROWS (200000), VERIFY_CASES.
# VERIFY_CASES=huge is a quick check of 2,000,000 rows, a Manifest.db of 1.9 GB; making it takes some minutes and 10 GB.
# The folders stay under build/bench-verify for the next run. VERIFY_JOBS (1000): the dry run of so many jobs, each with its own backup and a
# device from an inventory, after a first dry run has looked at every backup; only the key derivation of one of them is then at its real cost.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
kb=$top/build/kitbench gen=$top/build/native/backupgen measure=$top/build/native/measure
dir=${BENCH_DIR:-$top/build/bench-verify}
rounds=${ROUNDS:-3} cores=$(nproc)
export KITBENCH_HOME="$dir/home" KITBENCH_BACKUP_PASSWORD=bench
mkdir -p "$dir" "$KITBENCH_HOME"
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
column() { awk -v c="$2" '{print $c}' "$1" | median; }
made() { # made NAME GENERATOR_ARGUMENT...: the folder of that name, made once
    local name=$1
    shift
    [ -f "$dir/$name/path" ] || {
        rm -rf "${dir:?}/$name"
        mkdir -p "$dir/$name"
        "$gen" "$dir/$name" password=bench seed=3 "$@" >"$dir/$name/new"
        mv "$dir/$name/new" "$dir/$name/path"
    }
    cat "$dir/$name/path"
}
ours() { # ours ARGUMENT...: one measured run of kitbench verify, which must find the folder whole
    local line
    line=$("$measure" "$kb" verify "$@" 2>>"$dir/err" | tail -n 1)
    [ "$(echo "$line" | awk '{print $4}')" = 0 ] || {
        echo "kitbench verify $*: $line; see $dir/err" >&2
        exit 1
    }
    echo "$line" >>"$dir/ours"
}
warm() { "$kb" verify "$1" >/dev/null 2>&1 || :; } # the folder in memory and the verdict remembered, for all alike
row() { # row NAME OURS THEIRS: wall, ratio, CPU, peak
    printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$(column "$2" 1)" "$(column "$3" 1)" \
        "$(awk -v x="$(column "$2" 1)" -v y="$(column "$3" 1)" 'BEGIN {if (y > 0) printf "%.2f", x/y; else printf "-"}')" \
        "$(column "$2" 2)" "$(column "$2" 3)"
}
against() { # against NAME FOLDER: verify, sha1sum and openssl in turn
    export sum=sha1sum each=64
    [ "$3" = small ] || each=4 # so that every core has files until the end
    [ "$3" != sealed ] || sum=sha256sum
    : >"$dir/ours"
    : >"$dir/sha1"
    : >"$dir/aes"
    export folder=$2 cores
    warm "$2"
    for _ in $(seq "$rounds"); do
        ours "$2"
        # shellcheck disable=SC2016 # for the shell that is measured
        "$measure" sh -c 'find "$folder" -type f -print0 | xargs -0 -P "$cores" -n "$each" "$sum" >/dev/null' >>"$dir/sha1"
        [ "$3" = large ] || continue # a process for each file is only fair where files are large
        # shellcheck disable=SC2016
        "$measure" sh -c 'find "$folder" -type f -size +1M -print0 | xargs -0 -P "$cores" -I F openssl enc -d -aes-256-cbc -nopad -K 00 -iv 00 -in F -out /dev/null 2>/dev/null' >>"$dir/aes"
    done
    row "$1, against $sum" "$dir/ours" "$dir/sha1"
    [ "$3" != large ] || row "$1, against openssl enc -d" "$dir/ours" "$dir/aes"
}
quick() { # quick ROWS FOLDER
    : >"$dir/ours"
    : >"$dir/none"
    "$kb" verify --quick "$2" >/dev/null 2>&1 || : # the folder in memory, as far as it goes
    for _ in $(seq "$rounds"); do ours --quick "$2"; done
    row "quick check, $1 rows" "$dir/ours" "$dir/none"
}
jobs() { # jobs NUMBER: check --jobs, from what an earlier one remembers
    local number=$1 room=$dir/jobs-$1 i source target
    mkdir -p "$room/store"
    if [ ! -f "$room/made" ]; then
        echo 'target,source,user' >"$room/jobs.csv"
        : >"$room/devices.json"
        for i in $(seq "$number"); do
            source=$(printf '00008030-%016X' "$i") target=$(printf '00008101-%016X' "$i")
            rm -rf "${room:?}/store/$source"
            # The password of the first is proved in every run.
            "$gen" "$room/store" udid="$source" seed="$i" files=20 password=bench management=supervised-mdm name="Old $i" \
                dpic=$((i == 1 ? 10000000 : 1000)) iter=$((i == 1 ? 10000 : 1000)) >/dev/null
            printf '{"udid":"%s","name":"New %s","model":"iPhone14,5","class":"iPhone","os":"26.1","trust":"trusted","locked":false,"activation":"activated","setup":"assistant","supervised":true,"restore_pane":"shown","mdm":false,"find_my":false,"free_bytes":100000000000,"capacity_bytes":128000000000,"battery_pct":90}\n' \
                "$target" "$i" >>"$room/devices.json"
            echo "$target,$room/store/$source,User $i" >>"$room/jobs.csv"
        done
        # As old as real ones: what has just been written is not remembered.
        find "$room/store" -exec touch -h -d '2026-01-02 03:04:05' {} +
        : >"$room/made"
    fi
    dry_run() { "$@" "$kb" check --jobs "$room/jobs.csv" --inventory "$room/devices.json" --store "$room/store" 2>>"$dir/err"; }
    dry_run command >"$room/out" || :
    : >"$dir/ours"
    : >"$dir/none"
    for _ in $(seq "$rounds"); do
        dry_run "$measure" >"$room/out"
        tail -n 1 "$room/out" >>"$dir/ours"
        [ "$(awk 'END {print $4}' "$room/out")" = 0 ] || {
            echo "kitbench check --jobs: not all are ready; see $room/out and $dir/err" >&2
            exit 1
        }
    done
    row "dry run of $number jobs, looked at before" "$dir/ours" "$dir/none"
}

printf '| what | kitbench wall s | the other wall s | ratio | kitbench CPU s | kitbench peak KiB |\n|---|---|---|---|---|---|\n'
for c in ${VERIFY_CASES:-small large sealed quick jobs}; do
    case $c in
    small) against "verify, ${VERIFY_SMALL:-100000} small files" "$(made small files="${VERIFY_SMALL:-100000}" large=4096)" small ;;
    large)
        bytes=${VERIFY_LARGE:-4294967296}
        against "verify, $bytes bytes in 64 MiB files" "$(made large files=$((bytes / 67108864)) large=67108864)" large
        ;;
    sealed) # as large, but every byte counts: without a seal, files that have no digest are only read at their ends
        bytes=${VERIFY_LARGE:-4294967296}
        folder=$(made large files=$((bytes / 67108864)) large=67108864)
        name=${folder##*/}
        (cd "$dir/large" && find "$name" -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum >"$name.sha256")
        printf '{"udid":"%s","source_state":"no-mdm","backup_uuid":null}\n' "$name" >"$dir/large/$name.facts.json"
        against "verify, the same with a seal" "$folder" sealed
        rm -f "$dir/large/$name.sha256" "$dir/large/$name.facts.json"
        ;;
    quick) quick "${VERIFY_ROWS:-200000}" "$(made quick files="${VERIFY_ROWS:-200000}" large=64)" ;;
    jobs) jobs "${VERIFY_JOBS:-1000}" ;;
    huge) quick 2000000 "$(made huge files=2000000 large=16)" ;;
    esac
done
