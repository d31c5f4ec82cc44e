# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables of the script that reads this
# Steps of a cross build, each stamped with a hash of its inputs. Sourced by a deps.sh, which has set `here`, `name` (of the prefix),
# `cc`, `ar`, `cc_flags`, `tools` (programs that must be there), `group` (of install-deps.sh, which has them), and adds to `order` what
# only its target needs. For each step there is a function build_STEP, its own or that of recipes.sh; it runs in a copy of the unpacked
# source. What several targets share of a step is common_STEP.
cache=${KITBENCH_CROSS_CACHE:-$HOME/.cache/kitbench-cross}
prefix=$cache/$name
work=$cache/build-$name
jobs=${KITBENCH_CROSS_JOBS:-2}
order=(openssl sqlite jansson libuv utf8proc libconfuse libplist headers libimobiledevice)
declare -A stands_on=([libimobiledevice]="openssl libplist headers") sources_of=([headers]="libusbmuxd glue")
common="-O2 -g0 -w -fstack-protector-strong ${cc_flags:-} -I$prefix/include" # -w: their warnings are not ours

fail() {
    echo "deps: $*" >&2
    exit 1
}

# ---- Tools of the recipes ----------------------------------------------------------------------------------------------
# compile ARCHIVE "FLAGS" FILE...: objects and a static library in the prefix, for libraries that are a handful of C files.
compile() {
    local archive=$1 flags=$2
    shift 2
    mkdir -p obj "$prefix/lib"
    # shellcheck disable=SC2016 # the inner shell's own variables
    printf '%s\n' "$@" | FLAGS="$common $flags" CC=$cc xargs -P "$jobs" -I{} sh -c '$CC $FLAGS -c -o obj/$(echo "$1" | tr / _).o "$1"' sh {}
    rm -f "$prefix/lib/$archive"
    $ar rcs "$prefix/lib/$archive" obj/*.o
}
headers() { # headers FOLDER FILE...
    mkdir -p "$prefix/include/$1"
    cp "${@:2}" "$prefix/include/$1/"
}
pc() { # pc NAME VERSION LIBS [CFLAGS]: so that kitbench's Makefile asks pkg-config here as everywhere
    mkdir -p "$prefix/lib/pkgconfig"
    printf 'Name: %s\nDescription: %s, static, cross-built\nVersion: %s\nLibs: -L%s %s\nCflags: -isystem %s %s\n' "$1" "$1" "$2" \
        "$prefix/lib" "$3" "$prefix/include" "${4:-}" >"$prefix/lib/pkgconfig/$1.pc"
}

# ---- Steps and their stamps --------------------------------------------------------------------------------------------
pin_of() { awk -F '\t' -v name="$1" '$1 == name { print $6 }' "$here/../sources.tsv"; }
source_of() { sh "$here/../sources.sh" "$1" | cut -d ' ' -f 2-; }
input_hash() { # input_hash STEP
    local part
    {
        for part in ${sources_of[$1]:-$1}; do pin_of "$part"; done
        declare -f "build_$1" compile headers pc
        declare -f "common_$1" || :
        echo "$common $prefix"
        $cc --version | head -n 1
        for part in ${stands_on[$1]:-}; do input_hash "$part"; done
    } | sha256sum | cut -d ' ' -f 1
}
is_built() { [[ $(cat "$prefix/stamps/$1" 2>/dev/null) == "$(input_hash "$1")" ]]; }
run_step() {
    local hash start=$SECONDS folder log=$work/$1.log
    hash=$(input_hash "$1")
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1" "$prefix/include" "$prefix/lib" "$prefix/stamps"
    rm -f "$prefix/stamps/$1"
    if [[ -z ${sources_of[$1]:-} ]]; then
        folder=$(source_of "$1")
        cp -Rp "$folder/." "$work/$1/" # with their times: what autotools made is not made again
    fi
    # In the background, because errexit means nothing on the left side of ||.
    (
        cd "$work/$1" || exit
        "build_$1"
    ) >"$log" 2>&1 &
    wait $! || {
        tail -n 20 "$log" "$work/$1"/{configure,make}.log 2>/dev/null >&2 || :
        fail "$1 does not build; see $log"
    }
    echo "$hash" >"$prefix/stamps/$1"
    rm -rf "${work:?}/$1"
    echo "deps: $1 built in $((SECONDS - start)) s" >&2
}
run_steps() { # run_steps [--needed]: prints the prefix
    local step tool
    for tool in $tools; do command -v "$tool" >/dev/null || fail "$tool is missing; run scripts/install-deps.sh $group"; done
    mkdir -p "$work"
    exec 8>"$cache/$name.lock"
    # Whoever only asks does not wait for one who builds: then there is something to be built.
    if [[ ${1:-} == --needed ]]; then flock -w 5 8 || exit 1; else flock 8; fi
    for step in "${order[@]}"; do
        is_built "$step" && continue
        [[ ${1:-} != --needed ]] || exit 1
        run_step "$step"
    done
    echo "$prefix"
}
