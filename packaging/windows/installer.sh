#!/bin/bash
# Makes the installer (MSI, by wixl) and the portable zip: kitbench.exe, which has Japanese in it, and the practice bench.
# usage: installer.sh PROGRAMS VERSION FOLDER      PROGRAMS: the folder of kitbench.exe and phonesim.exe
# Leaves FOLDER/kitbench-VERSION-x64.msi and .zip.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(realpath "$1") version=$2
mkdir -p "$3"
out=$(cd "$3" && pwd)
name=kitbench-$version-x64
room=$out/$name
# wixl has no word for the environment: PATH, at its end, for everybody; gone again with the program.
path_entry() {
    printf 'Environment\tName\tValue\tComponent_\ns72\tl255\tL255\ts72\nEnvironment\tEnvironment\npath\t=-*PATH\t[~];[INSTALLDIR]\tprogram\n' >"$out/Environment.idt"
    msibuild "$1" -i "$out/Environment.idt" \
        -q "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('RemoveEnvironmentStrings', 3300)" \
        -q "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('WriteEnvironmentStrings', 5200)"
    rm "$out/Environment.idt"
}
rm -rf "${room:?}"
mkdir -p "$room/doc" "$room/practice"
cp "$programs/kitbench.exe" "$programs/phonesim.exe" "$room"
# Notepad of old shows one long line otherwise, and cmd.exe misses labels.
with_cr() { sed 's/$/\r/' "$1" >"$2"; }
for paper in README.md README.ja.md ARCHITECTURE.md LICENSE docs/*.md; do
    [[ -f $top/$paper ]] || continue
    case $paper in LICENSE) to=LICENSE.txt ;; *) to=${paper##*/} ;; esac
    with_cr "$top/$paper" "$room/doc/$to"
done
bench=$top/packaging/windows/practice
with_cr "$bench/kitbench-practice.cmd" "$room/kitbench-practice.cmd"
for part in "$bench"/*.txt "$top"/tests/sim/scenarios/demo.*; do with_cr "$part" "$room/practice/${part##*/}"; done

papers=
number=0
for paper in "$room"/doc/*; do
    number=$((number + 1))
    papers+="              <File Id=\"paper$number\" Name=\"${paper##*/}\" Source=\"doc/${paper##*/}\"$( ((number > 1)) || echo ' KeyPath="yes"')/>"$'\n'
done
text=$(<"$top/packaging/windows/kitbench.wxs")
text=${text//@DOCUMENTS@/${papers%$'\n'}}
printf '%s\n' "${text//@VERSION@/$version}" >"$room/kitbench.wxs"
if command -v wixl >/dev/null; then
    (cd "$room" && wixl -a x64 -o "$out/$name.msi" kitbench.wxs)
    path_entry "$out/$name.msi"
    echo "$out/$name.msi"
else
    echo "installer: wixl is not on this computer, so no MSI was made" >&2
fi
rm "$room/kitbench.wxs"
rm -f "$out/$name.zip"
if command -v zip >/dev/null; then
    (cd "$out" && zip -qr "$name.zip" "$name")
else
    (cd "$out" && python3 -m zipfile -c "$name.zip" "$name")
fi
echo "$out/$name.zip"
