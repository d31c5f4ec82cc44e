#!/bin/sh
# Prints where Debian's (or Ubuntu's) packages come from: KITBENCH_DEBIAN_MIRROR, else where this computer's own come from; nothing when
# apt's lists have none.
set -eu
if [ -n "${KITBENCH_DEBIAN_MIRROR:-}" ]; then
    echo "$KITBENCH_DEBIAN_MIRROR"
else
    # shellcheck disable=SC2016 # apt's own variable
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m 1 -E '/(debian|ubuntu)/*$' || :
fi
