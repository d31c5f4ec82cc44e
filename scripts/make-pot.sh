#!/bin/sh
# Prints the template of all sentences of the program. tests/ and the simulator speak English only.
set -eu
cd "$(dirname "$0")/.."
find src include -name '*.[ch]' | LC_ALL=C sort | xgettext --files-from=- --from-code=UTF-8 --language=C --no-wrap --sort-by-file \
    -k -k_ -kN_ -kkb_tr:2 --flag=_:1:pass-c-format --flag=N_:1:pass-c-format --flag=kb_tr:2:pass-c-format \
    --flag=kb_fail:3:c-format --flag=kb_while:2:c-format --package-name=kitbench -o - |
    sed 's/charset=CHARSET/charset=UTF-8/'
