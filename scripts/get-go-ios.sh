#!/bin/sh
# Prints the path of go-ios' `ios` (npm package go-ios, MIT), fetched into node_modules/ of this folder when it is not there.
# It is a program for tests only: nothing of it goes into kitbench. Exit 1 when there is none for this computer, or no registry.
set -eu
version=1.2.0
top=$(cd "$(dirname "$0")/.." && pwd)
system=$(uname -s | tr '[:upper:]' '[:lower:]')
case $(uname -m) in
x86_64 | amd64) machine=amd64 ;;
aarch64 | arm64) machine=arm64 ;;
*)
    echo "get-go-ios.sh: go-ios has no program for $(uname -m)" >&2
    exit 1
    ;;
esac
ios=$top/node_modules/go-ios/dist/go-ios-${system}-${machine}_${system}_${machine}/ios
if [ ! -x "$ios" ]; then
    command -v npm >/dev/null || {
        echo "get-go-ios.sh: npm is not installed" >&2
        exit 1
    }
    # Its own install script copies the program to npm's global folder: not wanted, so no scripts.
    (cd "$top" && npm install --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error \
        --fetch-retries=1 --fetch-timeout=60000 "go-ios@$version") >&2 || exit 1
fi
[ -x "$ios" ] || {
    echo "get-go-ios.sh: the package has no program for $system $machine" >&2
    exit 1
}
printf '%s\n' "$ios"
