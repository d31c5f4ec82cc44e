#!/bin/sh
# Installs what kitbench needs and this computer lacks, with apt, Homebrew or MSYS2's pacman. Asks nothing.
# usage: install-deps.sh [build] [test] [lint] [mac] [package] [windows]      without a group: the first three
#   build  compiler and libraries     test  Check, the stock tools that the simulated bench is proved with, readers of the
#                                           manual pages and completions
#   lint   formatters, checkers, the Windows cross compiler
#   package  what makes and tries Debian packages (Debian and Ubuntu only)
#   mac    the macOS cross compiler (zig, by npm, into a cache of its own), which no check must have
# Ends with 0 when everything that must be there is there.
set -eu
groups=${*:-build test lint}

# group | must or may | how to see that it is there | apt | Homebrew | MSYS2 (with its package prefix)
table='
build|must|cmd:cc|gcc libc6-dev||gcc
build|must|cmd:make|make|make|=make
build|must|cmd:pkg-config|pkg-config|pkg-config|pkgconf
build|must|lib:libimobiledevice-1.0|libimobiledevice-dev|libimobiledevice|libimobiledevice
build|must|lib:libusbmuxd-2.0|libusbmuxd-dev|libusbmuxd|libusbmuxd
build|must|lib:libplist-2.0|libplist-dev|libplist|libplist
build|must|lib:libssl|libssl-dev|openssl@3|openssl
build|must|lib:sqlite3|libsqlite3-dev|sqlite|sqlite3
build|must|lib:jansson|libjansson-dev|jansson|jansson
build|must|lib:libuv|libuv1-dev|libuv|libuv
build|must|lib:libconfuse|libconfuse-dev|confuse|confuse
build|must|lib:libutf8proc|libutf8proc-dev|utf8proc|libutf8proc
test|must|lib:check|check|check|check
test|must|cmd:idevicebackup2|libimobiledevice-utils|libimobiledevice|libimobiledevice
test|must|cmd:openssl|openssl|openssl@3|openssl
test|may|cmd:npm|nodejs npm|node|nodejs
test|may|cmd:man|man-db||=man-db
test|may|cmd:mandoc|mandoc|mandoc|
test|may|cmd:zsh|zsh|zsh|=zsh
test|may|cmd:fish|fish|fish|=fish
test|may|cmd:faketime|faketime||
lint|must|cmd:clang|clang libclang-rt-dev|llvm|clang
lint|must|cmd:clang-format|clang-format|clang-format|clang-tools-extra
lint|must|cmd:clang-tidy|clang-tidy|llvm|clang-tools-extra
lint|must|cmd:cppcheck|cppcheck|cppcheck|cppcheck
lint|must|cmd:shellcheck|shellcheck|shellcheck|shellcheck
lint|must|cmd:msgfmt|gettext|gettext|gettext-tools
package|must|cmd:dpkg-buildpackage|dpkg-dev||
package|must|cmd:dh|debhelper||
package|must|cmd:lintian|lintian||
package|must|cmd:debootstrap|debootstrap||
mac|may|cmd:npm|nodejs npm|node|nodejs
mac|may|cmd:llvm-objdump|llvm|llvm|llvm
lint|may|cmd:x86_64-w64-mingw32-gcc|gcc-mingw-w64-x86-64|mingw-w64|gcc
windows|must|cmd:x86_64-w64-mingw32-gcc|gcc-mingw-w64-x86-64|mingw-w64|gcc
windows|must|cmd:perl|perl|perl|=perl
windows|must|cmd:flex|flex|flex|=flex
windows|must|cmd:wine|wine wine64|wine-stable|
windows|must|cmd:wixl|wixl|msitools|msitools
windows|must|cmd:msibuild|msitools|msitools|msitools
windows|may|cmd:zip|zip|zip|=zip
'

for brewed in /opt/homebrew/opt /usr/local/opt; do # Homebrew keeps these two out of sight
    for keg in openssl@3 sqlite; do
        [ ! -d "$brewed/$keg/lib/pkgconfig" ] || PKG_CONFIG_PATH="${PKG_CONFIG_PATH:+$PKG_CONFIG_PATH:}$brewed/$keg/lib/pkgconfig"
    done
done
[ -z "${PKG_CONFIG_PATH:-}" ] || export PKG_CONFIG_PATH

is_there() {
    case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
    lib:*) command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "${1#lib:}" ;;
    esac
}

wanted() {
    for g in $groups; do [ "$g" != "$1" ] || return 0; done
    return 1
}

# Prints the packages (column $2) of what is missing and must be (or may be) there ($1).
missing() {
    printf '%s\n' "$table" | while IFS='|' read -r group need probe apt brew msys; do
        if [ "$need" != "$1" ] || ! wanted "$group"; then continue; fi
        is_there "$probe" && continue
        case $2 in
        apt) echo "$apt" ;;
        brew) echo "$brew" ;;
        msys)
            case $msys in
            '') ;;                  # MSYS2 does not have it
            =*) echo "${msys#=}" ;; # not one of the prefixed packages
            *) echo "${MINGW_PACKAGE_PREFIX:-mingw-w64-ucrt-x86_64}-$msys" ;;
            esac
            ;;
        *) echo "${probe#*:}" ;;
        esac
    done | tr ' ' '\n' | awk 'NF && !seen[$0]++' | tr '\n' ' '
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -- "$@"
    else
        echo "install-deps: root is needed and there is no sudo; run as root: $*" >&2
        return 1
    fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}

# The names are words of the table above: splitting them is meant.
# shellcheck disable=SC2086
install_with() {
    must=$(missing must "$1") may=$(missing may "$1")
    case $1 in
    apt)
        apt_get update
        [ -z "$must" ] || apt_get install --no-install-recommends $must
        for package in $may; do
            apt_get install --no-install-recommends "$package" || echo "install-deps: goes on without $package" >&2
        done
        ;;
    brew)
        [ -z "$must" ] || brew install $must
        for package in $may; do brew install "$package" || echo "install-deps: goes on without $package" >&2; done
        ;;
    msys)
        [ -z "$must" ] || pacman -S --needed --noconfirm $must
        for package in $may; do
            pacman -S --needed --noconfirm "$package" || echo "install-deps: goes on without $package" >&2
        done
        ;;
    esac
}

if [ -n "$(missing must probe)" ] || { [ -n "$(missing may probe)" ] && [ "$(id -u)" -eq 0 ]; }; then
    echo "install-deps: installs $(missing must probe)$(missing may probe)"
    if command -v apt-get >/dev/null 2>&1; then
        install_with apt
    elif command -v brew >/dev/null 2>&1; then
        install_with brew
    elif command -v pacman >/dev/null 2>&1 && [ -n "${MSYSTEM:-}" ]; then
        install_with msys
    else
        echo "install-deps: knows apt, Homebrew and MSYS2 only; install these yourself: $(missing must probe)" >&2
        exit 1
    fi
fi
if wanted mac && [ "$(uname -s)" != Darwin ]; then
    sh "$(dirname "$0")/get-zig.sh" >/dev/null || echo "install-deps: goes on without zig" >&2
fi
lacks=$(missing must probe)
[ -z "$lacks" ] || { echo "install-deps: still missing: $lacks" >&2; exit 1; }
