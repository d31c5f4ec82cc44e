#!/bin/sh
# make po: takes new sentences up into po/ja.po and folds po/parts/*.po into it. What it cannot translate stays empty, and
# lint says so.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sh scripts/make-pot.sh >"$dir/all.pot"
set -- po/ja.po
for part in po/parts/*.po; do [ ! -e "$part" ] || set -- "$@" "$part"; done
msgcat --use-first --width=120 "$@" >"$dir/first.po"
msgmerge -q -N --width=120 "$dir/first.po" "$dir/all.pot" >"$dir/now.po"
msgattrib --no-obsolete --no-fuzzy --width=120 "$dir/now.po" >po/ja.po
shift
[ $# -eq 0 ] || rm -f "$@"
msgfmt -c --statistics -o /dev/null po/ja.po
