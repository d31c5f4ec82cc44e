#!/bin/sh
# Holds the rooms to the table at the top of the Makefile (uses_ROOM) and to the promises of ARCHITECTURE.md.
# usage: lint-rooms.sh BUILD_FOLDER ; CC and FLAGS from the environment
set -eu
build=$1
cd "$(dirname "$0")/.."
bad=$(mktemp)
trap 'rm -f "$bad"' EXIT
complain() { printf '%s\n' "$*" | tee -a "$bad"; }
rooms=$(sed -n 's/^ROOMS := \([a-z ]*[a-z]\).*/\1/p' Makefile)

# Which rooms may include a library's headers; a room that is not named may not.
libraries='
jansson\.h|base host policy journal backup device job tray cli
plist/|backup device job
libimobiledevice/|device
usbmuxd\.h|device
openssl/|device backup journal
sqlite3\.h|backup journal
uv\.h|tray
confuse\.h|cli
utf8proc\.h|cli
'
c_files() { find "$@" -name '*.[ch]' 2>/dev/null | sort; }

for room in $rooms; do
    allowed=" $room base facts files $(sed -n "s/^uses_$room *:= *\([a-z ]*\).*/\1/p" Makefile) "
    for file in $(c_files "src/$room"); do
        # 1. faces of rooms
        # shellcheck disable=SC2013
        for face in $(sed -n 's/^ *# *include *"kitbench\/\([a-z]*\)\.h".*/\1/p' "$file"); do
            case $allowed in
            *" $face "*) ;;
            *) complain "$file: the room $room may not use the room $face" ;;
            esac
        done
        # 2. private headers stay in their room
        for header in $(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file" | grep -v '^kitbench/' || :); do
            place=$(cd "$(dirname "$file")/$(dirname "$header")" 2>/dev/null && pwd) || place=nowhere
            case $place/ in
            "$PWD/src/$room/"*) ;;
            *) complain "$file: \"$header\" is not a header of the room $room" ;;
            esac
        done
        # 3. libraries
        printf '%s\n' "$libraries" | while IFS='|' read -r pattern who; do
            [ -n "$pattern" ] || continue
            case " $who " in *" $room "*) continue ;; esac
            ! grep -nE "^ *# *include *<$pattern" "$file" || complain "$file: the room $room may not use this library"
        done
    done
done

# 4. Only host names an operating system.
for file in $(c_files src include | grep -v '^src/host/'); do
    ! grep -nE '\b(_WIN32|__APPLE__|__linux__)\b' "$file" || complain "$file: only src/host names an operating system"
    ! grep -nE '^ *# *include *<(windows|winsock2|poll|termios|pwd|dirent|fcntl|sys/(socket|mman|wait|un|file|ioctl|statvfs))\.h>' "$file" ||
        complain "$file: only src/host includes the operating system's headers"
done
# 5. Only cli prints.
for file in $(c_files src | grep -v -e '^src/cli/' -e '^src/main\.c$'); do
    ! grep -nE '(^|[^a-zA-Z0-9_>.])(printf|vprintf|puts|putchar|fputs|perror|fprintf|vfprintf) *\(' "$file" || complain "$file: only cli prints"
done
# 6. device never touches a file; policy is pure.
for file in $(c_files src/device); do
    ! grep -nE '(^|[^a-zA-Z0-9_>.])(fopen|open|openat|creat|unlink|rename|mkdir|kb_dir_[a-z]+|kb_handle_[a-z_]+|kb_file_[a-z]+|kb_lock_take) *\(' "$file" ||
        complain "$file: the room device never touches a file"
done
for file in $(c_files src/policy); do
    ! grep -nE '(^|[^a-zA-Z0-9_>.])(fopen|time|clock_gettime|getenv|rand|kb_lang) *\(|^ *# *include *<(time|unistd|errno)\.h>' "$file" ||
        complain "$file: the room policy is pure"
done
# 7. Each public header compiles alone.
for header in include/kitbench/*.h; do
    # FLAGS is a list of words.
    # shellcheck disable=SC2086
    eval "${CC:-cc} $FLAGS" -Wall -Wextra -Werror -fsyntax-only -x c "$header" || complain "$header: does not compile alone"
done
# 8. Every global carries the project's prefix.
for archive in "$build"/lib/*.a; do
    case $archive in */sim.a) continue ;; esac
    nm --defined-only -g "$archive" 2>/dev/null | awk 'NF == 3 && $3 !~ /^_?(kb_|__asan|__odr_asan|__tsan)/ { print $3 }' | while read -r name; do
        complain "$archive: the global $name lacks the prefix kb_"
    done
done
[ ! -s "$bad" ]
