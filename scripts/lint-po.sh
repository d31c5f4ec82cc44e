#!/bin/sh
# Japanese is complete: every sentence of the program has a translation, none is fuzzy or empty, no two files disagree,
# and every format fits its original.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sh scripts/make-pot.sh >"$dir/all.pot"
status=0
for part in po/ja.po po/parts/*.po; do
    [ -e "$part" ] || continue
    msgfmt -c -o /dev/null "$part" 2>"$dir/said" || status=1
    grep -v 'header field' "$dir/said" || :
    msgattrib --only-fuzzy --no-obsolete "$part" | grep '^msgid "..*' && { echo "$part: fuzzy"; status=1; }
    msgattrib --no-obsolete --no-wrap "$part" >"$dir/$(basename "$part")"
done
msgcat --no-wrap "$dir"/*.po >"$dir/ja.merged"
if grep -n '#-#-#-#-#' "$dir/ja.merged" | grep -v 'Project-Id\|ja.po' | grep -q .; then
    awk '/^msgid/ { id = $0 } /^"#-#-#-#-#/ && id != "msgid \"\"" { print "two translations: " id; bad = 1 } END { exit bad }' "$dir/ja.merged" || status=1
fi
msgcat --no-wrap --use-first "$dir"/*.po >"$dir/ja.first"
msgmerge -q -N --no-wrap "$dir/ja.first" "$dir/all.pot" >"$dir/ja.now"
msgattrib --untranslated --no-obsolete --no-wrap "$dir/ja.now" |
    awk '/^$/ { body = 1 } body && /^(#:|msgid|")/' >"$dir/lacks" # without the header
if [ -s "$dir/lacks" ]; then
    echo "No Japanese yet (put it into po/parts/ROOM.po):"
    cat "$dir/lacks"
    status=1
fi
exit $status
