#!/bin/sh
# Turns PO files into the C table that kb_tr() searches (src/base/catalogue.h).
# usage: po-to-c.sh FILE.po... ; a msgid of an earlier file wins. Fuzzy and empty entries are left out.
# PO strings are C strings, so they are copied as they stand; only the order needs care: strcmp's.
set -eu
export LC_ALL=C
tab=$(printf '\t')

awk '
function flush_entry(    key) {
    if (id != "" && str != "" && !fuzzy && !(id in seen)) {
        seen[id] = 1
        # The sort key is the string without its escapes; line end and tab keep their place below every other byte.
        key = id
        gsub(/\\\\/, "\003", key); gsub(/\\"/, "\"", key)
        gsub(/\\t/, "\001", key); gsub(/\\n/, "\002", key); gsub(/\003/, "\\", key)
        printf "%s\t    {\"%s\", \"%s\"},\n", key, id, str
    }
    id = str = ""; fuzzy = 0; part = ""
}
function inner(line) {
    sub(/^[^"]*"/, "", line); sub(/"[ \t\r]*$/, "", line)
    return line
}
/^#~/ { next }
/^#,.*fuzzy/ { if (part == "str") flush_entry(); fuzzy = 1; next }
/^#/ { next }
/^[ \t\r]*$/ { flush_entry(); next }
/^msgid_plural / { part = "skip"; next }
/^msgctxt / { if (part == "str") flush_entry(); part = "skip"; next }
/^msgid / { if (part == "str") flush_entry(); part = "id"; id = inner($0); next }
/^msgstr(\[0\])? / { part = "str"; str = inner($0); next }
/^msgstr\[/ { part = "skip"; next }
/^[ \t]*"/ { if (part == "id") id = id inner($0); else if (part == "str") str = str inner($0) }
END { flush_entry() }
' "$@" | sort -t "$tab" -k1,1 | cut -f2- | {
    printf '/* Made by scripts/po-to-c.sh: do not edit. */\n#include "catalogue.h"\n\n'
    printf 'const struct kb_translation kb_catalogue_ja[] = {\n'
    cat
    printf '    {"", ""}, /* never found: kb_tr() does not look for "" */\n};\n'
    printf 'const size_t kb_catalogue_ja_size = sizeof kb_catalogue_ja / sizeof kb_catalogue_ja[0] - 1;\n'
}
