#!/bin/sh
# A sample of `make torture` (docs/reliability.md): some points of a backup and of a restore, with each of the five faults.
# limit: 400
set -eu
TORTURE_EVERY=61 TORTURE_JOBS=4 sh "$TOP/tests/torture/torture.sh" >said 2>&1 || {
    cat said
    exit 1
}
cat said
[ "$(grep -c '^| \(backup\|restore\) |' said)" = 2 ] || exit 1
