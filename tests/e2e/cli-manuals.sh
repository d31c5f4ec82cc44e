#!/bin/sh
# The manual pages and completions that the program writes: every command and option of --help is in them, the tools
# that read them have nothing to say, and bash completes. Needs no bench.
# limit: 120
set -eu
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
mkdir -p ja
"$KB" describe man en 2026-11-24 >kitbench.1
"$KB" describe man ja 2026-11-24 >ja/kitbench.1
for shell in bash zsh fish; do "$KB" describe $shell >kitbench.$shell; done
code=0
"$KB" describe nonsense >out 2>&1 || code=$?
[ $code = 2 ] || fail "describe nonsense ended with $code"

# What --help knows. The dash is written \- in a manual page.
"$KB" --help --lang en >help
sed -n '/^Commands:/,/^$/s/^  \([a-z]\{1,\}\) .*/\1/p' help >commands
[ "$(wc -l <commands)" -ge 13 ] || fail "--help lists $(wc -l <commands) commands"
sed 's/\\-/-/g; s/\\f.//g' kitbench.1 >plain.en
sed 's/\\-/-/g; s/\\f.//g; s/\\://g' ja/kitbench.1 >plain.ja
while read -r command; do
    for lang in en ja; do
        grep -q "^\.SS kitbench $command\b" plain.$lang || fail "$command is not in the $lang manual"
        sed -n "/^\.SS kitbench $command\b/,/^\.S[SH]/p; /^\.SH OPTIONS/,\$p; /^\.SH オプション/,\$p" plain.$lang >section.$lang
    done
    sed -n "/^_kitbench_options/,/^}/s/^    $command) echo//p" kitbench.bash >section.bash
    sed -n "/^    $command)\$/,/;;/p" kitbench.zsh >section.zsh
    grep -e " $command'" -e 'complete -c kitbench -[sl]' kitbench.fish | sed 's/-l \([a-z]\)/--\1/' >section.fish
    "$KB" "$command" --help --lang en | grep -oE '^  (-[a-zA-Z],|   ) --[a-z-]+' | grep -oE -- '--[a-z-]+' >options
    [ -s options ] || fail "$command --help lists no option"
    while read -r option; do
        for kind in en ja bash zsh fish; do
            grep -qE -- "$option([^a-z-]|\$)" section.$kind || fail "$command $option is not in $kind"
        done
    done <options
done <commands
for code in 0 1 2 3 4 5 6 7 8 130; do
    grep -qx "\.B $code" plain.en || fail "the manual does not tell the exit code $code"
done
! grep -q -e '--password[^-a-z]' plain.en kitbench.bash kitbench.zsh kitbench.fish || fail "--password is listed"

# Their readers.
if have man; then
    for page in kitbench.1 ja/kitbench.1 "$TOP"/docs/*.1; do
        LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" >formatted 2>said || fail "man $page: $(cat said)"
        [ ! -s said ] || fail "man $page: $(cat said)"
    done
fi
if have mandoc; then mandoc -Tlint -W warning kitbench.1 ja/kitbench.1 "$TOP"/docs/*.1 || fail "mandoc"; fi
if have zsh; then
    zsh -n kitbench.zsh || fail "zsh cannot read its completion"
fi
if have fish; then
    HOME=$PWD XDG_CONFIG_HOME=$PWD fish --no-execute kitbench.fish || fail "fish cannot read its completion"
    HOME=$PWD XDG_CONFIG_HOME=$PWD fish -c 'source kitbench.fish; complete -C "kitbench res"' >out
    grep -q '^restore' out || fail "fish completes res to: $(cat out)"
    HOME=$PWD XDG_CONFIG_HOME=$PWD fish -c 'source kitbench.fish; complete -C "kitbench restore --route "' >out
    grep -q '^icloud' out || fail "fish completes --route to: $(cat out)"
fi
have bash || { echo "SKIP: no bash"; exit 77; }
bash -n kitbench.bash || fail "bash cannot read its completion"
cat >complete.sh <<'END'
. ./kitbench.bash
complete -p kitbench >/dev/null || exit 1
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_kitbench kitbench "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' '
END
completes() { # completes "WORDS" COMMAND LINE...: to exactly these, sorted
    want=$1
    shift
    got=$(bash complete.sh "$@") || fail "bash completes $*: failed"
    [ "$got" = "$want" ] || fail "bash completes $* to \"$got\", not \"$want\""
}
mkdir -p 'space here' shop/inner
: >shut.csv
completes "$(sort <commands | LC_ALL=C sort | tr '\n' ' ')" kitbench ''
completes "restore " kitbench res
completes "--dry-run " kitbench restore --dr
completes "icloud " kitbench restore --route ic
completes "icloud " kitbench restore --route = ic
completes "icloud usb " kitbench restore --route =
completes "restore " kitbench --store x --json res
completes "restore " kitbench --store = x res
completes "shop " kitbench restore sh
completes "space here " kitbench restore sp
completes "shop shut.csv " kitbench check --jobs sh
completes "shop/inner " kitbench restore --wait 5 shop/
completes " " kitbench restore backup ''
completes "agent-auth agent-install agent-reauth " kitbench confirm 00008030 agent
completes "shut.csv " kitbench report -o shut
completes " " kitbench nonsense ''
echo fine
