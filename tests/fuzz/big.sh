#!/bin/sh
# big.sh FOLDER: inputs that are longer than what the fuzzers make up, one folder a target: past every bound of a reader, or just below it.
set -eu
out=$1
LC_ALL=C
export LC_ALL
for target in csv devicelink guard keybag manifest mbfile replies; do mkdir -p "$out/fuzz_$target"; done

# be32 NUMBER: as four bytes.
be32() {
    # shellcheck disable=SC2059 # the format is the bytes
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

# ---- The job sheet: columns, lines, one cell, quotes, and more bytes than a sheet may have
csv=$out/fuzz_csv
awk 'BEGIN { for (i = 0; i < 300; i++) printf "targe%c%d,", 97 + i % 26, i; print "source"; for (i = 0; i < 400; i++) printf "x,"; print "" }' >"$csv/columns"
awk 'BEGIN { print "target,source"; for (i = 0; i < 10050; i++) printf "%08d,backup-%d\n", i, i }' >"$csv/lines"
awk 'BEGIN { printf "target,source\n\""; for (i = 0; i < 20000; i++) printf "cell\"\" "; print "\",x" }' >"$csv/cell"
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "a\"b,"; print "" }' >"$csv/quotes"
awk 'BEGIN { line = "a"; while (length(line) < 1048576) line = line line; for (i = 0; i < 17; i++) print line }' >"$csv/too-long"

# ---- Property lists: wide, deep, many objects, and a text that is longer than the target's limit
head='<?xml version="1.0" encoding="UTF-8"?><plist version="1.0">'
awk -v head="$head" 'BEGIN { printf "%s<dict>", head
    for (i = 0; i < 60000; i++) printf "<key>k%d</key><true/>", i; print "</dict></plist>" }' >"$out/wide"
awk -v head="$head" 'BEGIN { printf "%s", head; for (i = 0; i < 50000; i++) printf "<array>"
    for (i = 0; i < 50000; i++) printf "</array>"; print "</plist>" }' >"$out/deep"
awk -v head="$head" 'BEGIN { text = "x"; while (length(text) < 1048576) text = text text
    printf "%s<dict><key>Version</key><string>%s</string></dict></plist>\n", head, text }' >"$out/text"
# An array of N references of four bytes to N objects, and the offsets of all of them.
awk 'function number(n) { printf "%c%c%c%c", int(n / 16777216) % 256, int(n / 65536) % 256, int(n / 256) % 256, n % 256 }
    BEGIN { n = 49990; printf "bplist00%c%c", 175, 18; number(n)
        for (i = 1; i <= n; i++) number(i)
        for (i = 0; i < n; i++) printf "%c", 9
        number(8); for (i = 0; i < n; i++) number(14 + 4 * n + i)
        printf "%c%c%c%c%c%c%c%c", 0, 0, 0, 0, 0, 0, 4, 4
        number(0); number(n + 1); number(0); number(0); number(0); number(14 + 5 * n) }' >"$out/objects"
for target in guard manifest replies mbfile; do
    for list in wide deep text objects; do cp "$out/$list" "$out/fuzz_$target/$list"; done
done

# ---- DeviceLink: a first byte for the size of the pieces, then frames
awk -v head="$head" 'BEGIN { printf "%s<array><string>DLMessageDownloadFiles</string><array>", head
    for (i = 0; i < 5000; i++) printf "<string>U/%02x/file-%d</string>", i % 256, i
    print "</array><dict/><real>1</real></array></plist>" }' >"$out/message"
for chunk in 2 254; do
    {
        # shellcheck disable=SC2059 # the format is the byte
        printf "\\$(printf %o $chunk)"
        be32 "$(wc -c <"$out/message")"
        cat "$out/message"
        be32 2147483647
        cat "$out/objects"
    } >"$out/fuzz_devicelink/chunk-$chunk"
done

# ---- The keybag: every class a thousand times, and a value that fills more than it may have
tag() { # tag NAME LENGTH: and so many bytes
    printf '%s' "$1"
    be32 "$2"
    [ "$2" = 0 ] || head -c "$2" /dev/zero
}
{
    tag UUID 16
    tag SALT 20
    tag ITER 4
} >"$out/bag"
{
    cat "$out/bag"
    tag XXXX 70000
} >"$out/fuzz_keybag/value"
{
    tag UUID 16
    tag CLAS 4
    tag WPKY 40
} >"$out/class"
{
    cat "$out/bag"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$out/class" "$out/class" "$out/class" "$out/class" "$out/class" "$out/class"; done
    done
} >"$out/fuzz_keybag/classes"
rm -f "$out/wide" "$out/deep" "$out/text" "$out/objects" "$out/message" "$out/bag" "$out/class"
