/* What is spoilt in the folder, when all else is written. */
#define _GNU_SOURCE
#include "gen.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void path_of(const struct gen *gen, const char *name, char out[4300]) {
    if (snprintf(out, 4300, "%s/%s", gen->folder, name) >= 4300) gen_die("path");
}

static void cut(const struct gen *gen, const char *name, long less) {
    char path[4300];
    struct stat st;

    path_of(gen, name, path);
    if (stat(path, &st) != 0 || truncate(path, st.st_size - less) != 0) gen_die(path);
}

static void cut_five(const struct gen *gen, const char *name) { cut(gen, name, 5); }
static void cut_block(const struct gen *gen, const char *name) { cut(gen, name, 32); }
static void make_empty(const struct gen *gen, const char *name) { gen_write(gen, name, "", 0); }

static void half(const struct gen *gen, const char *name) {
    char path[4300];
    struct stat st;

    path_of(gen, name, path);
    if (stat(path, &st) != 0 || truncate(path, st.st_size / 2 + 5) != 0) gen_die(path);
}

static void flip(const struct gen *gen, const char *name, long at, int whence) {
    char path[4300];
    FILE *file;
    int c;

    path_of(gen, name, path);
    file = fopen(path, "r+b");
    if (!file || fseek(file, at, whence) != 0 || (c = fgetc(file)) == EOF || fseek(file, -1, SEEK_CUR) != 0 ||
        fputc(c ^ 1, file) == EOF || fclose(file) != 0)
        gen_die(path);
}

static void flip_middle(const struct gen *gen, const char *name) { flip(gen, name, 20, SEEK_SET); }
static void flip_end(const struct gen *gen, const char *name) { flip(gen, name, -17, SEEK_END); }

/* An encrypted one is spoilt before it is encrypted. */
static void spoil_page(const struct gen *gen, const char *name) {
    for (long at = 0; at < 3000 && !gen->encrypted; at++) flip(gen, name, 4096 * 3 + 100 + at, SEEK_SET);
}

static void drop(const struct gen *gen, const char *name) {
    char path[4300];

    path_of(gen, name, path);
    if (remove(path) != 0) gen_die(path);
}

/* The files of one folder of payloads; of what is no folder, nothing. */
static void empty(const char *folder) {
    char path[4600];
    struct dirent *entry;
    DIR *files = opendir(folder);

    while (files && (entry = readdir(files)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0) gen_die(path);
    }
    if (files) closedir(files);
}

/* A place for something else: what is there goes, and the folder around it comes. */
static void clear(const struct gen *gen, const char *name, char path[4300]) {
    const char *slash = strchr(name, '/');

    if (slash) {
        snprintf(path, 4300, "%s/%.*s", gen->folder, (int)(slash - name), name);
        mkdir(path, 0700); /* mostly it is there */
    }
    path_of(gen, name, path);
    empty(path);
    /* Windows' remove() takes no folder. */
    if (remove(path) != 0 && rmdir(path) != 0 && errno != ENOENT) gen_die(path);
}

static void link_away(const struct gen *gen, const char *name) {
    char path[4300], away[4400];

    path_of(gen, name, path);
    snprintf(away, sizeof away, "%s.away", gen->folder);
    if (rename(path, away) != 0 || symlink(away, path) != 0) gen_die(path);
}

static void link_for(const struct gen *gen, const char *name) {
    char path[4300];

    clear(gen, name, path);
    if (symlink("/dev/null", path) != 0) gen_die(path);
}

static void pipe_for(const struct gen *gen, const char *name) {
    char path[4300];

    clear(gen, name, path);
    if (mkfifo(path, 0600) != 0) gen_die(path);
}

static void folder_for(const struct gen *gen, const char *name) {
    char path[4300];

    clear(gen, name, path);
    if (mkdir(path, 0700) != 0) gen_die(path);
}

static void file_for(const struct gen *gen, const char *name) {
    char path[4300];

    clear(gen, name, path);
    gen_write(gen, name, "0123456789abcdef", 16);
}

/* One that never ends when it is read. */
static bool make_device(const char *path) {
    struct stat zero;

    return stat("/dev/zero", &zero) == 0 && mknod(path, S_IFCHR | 0666, zero.st_rdev) == 0;
}

static void device_for(const struct gen *gen, const char *name) {
    char path[4300];

    clear(gen, name, path);
    if (!make_device(path)) gen_die(path);
}

static void deny(const struct gen *gen, const char *name) {
    char path[4300];

    path_of(gen, name, path);
    if (chmod(path, 0) != 0) gen_die(path);
}

/* A socket's name is short: it is made from inside. */
static void socket_for(const struct gen *gen, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char here[4096], path[4300];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    clear(gen, name, path);
    if (fd < 0 || !getcwd(here, sizeof here) || chdir(gen->folder) != 0) gen_die(gen->folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chdir(here) != 0) gen_die(name);
    close(fd);
}

static void drop_all_payloads(const struct gen *gen, const char *name) {
    char path[4300];
    struct dirent *entry;
    DIR *folders = opendir(gen->folder);

    (void)name;
    if (!folders) gen_die(gen->folder);
    while ((entry = readdir(folders)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        path_of(gen, entry->d_name, path);
        empty(path);
    }
    closedir(folders);
}

/* 26 arrays, each of two references to the next. */
static void write_bomb(const struct gen *gen, const char *name) {
    unsigned char bytes[256] = "bplist00";
    size_t at = 8, offsets[26];
    enum { LEVELS = 26 };

    for (int i = 0; i < LEVELS; i++) {
        offsets[i] = at;
        bytes[at++] = i < LEVELS - 1 ? 0xA2 : 0xA0;
        if (i < LEVELS - 1) bytes[at++] = (unsigned char)(i + 1), bytes[at++] = (unsigned char)(i + 1);
    }
    size_t table = at;
    for (int i = 0; i < LEVELS; i++) bytes[at++] = (unsigned char)offsets[i];
    memset(bytes + at, 0, 32);
    bytes[at + 6] = 1;
    bytes[at + 7] = 1;
    bytes[at + 15] = LEVELS;
    bytes[at + 31] = (unsigned char)table;
    gen_write(gen, name, bytes, at + 32);
}

static void write_deep(const struct gen *gen, const char *name) {
    size_t depth = 100000, at = 0;
    char *text = malloc(depth * 16 + 200);

    at += (size_t)sprintf(text, "<?xml version=\"1.0\"?><plist version=\"1.0\">");
    for (size_t i = 0; i < depth; i++) at += (size_t)sprintf(text + at, "<array>");
    for (size_t i = 0; i < depth; i++) at += (size_t)sprintf(text + at, "</array>");
    at += (size_t)sprintf(text + at, "</plist>");
    gen_write(gen, name, text, at);
    free(text);
}

static void write_entities(const struct gen *gen, const char *name) {
    static const char text[] = "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
                               "\"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]><plist version=\"1.0\"><dict><key>Version</key>"
                               "<string>&b;</string></dict></plist>";

    gen_write(gen, name, text, sizeof text - 1);
}

static void write_external(const struct gen *gen, const char *name) {
    static const char text[] = "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
                               "<plist version=\"1.0\"><dict><key>Version</key><string>&a;</string></dict></plist>";

    gen_write(gen, name, text, sizeof text - 1);
}

static void write_array(const struct gen *gen, const char *name) {
    static const char text[] = "<?xml version=\"1.0\"?><plist version=\"1.0\"><array><true/></array></plist>";

    gen_write(gen, name, text, sizeof text - 1);
}

static void write_mbdb(const struct gen *gen, const char *name) { gen_write(gen, name, "mbdb\5\0", 6); }

/* So far a run had come: what it brought lies in Snapshot. */
static void move_to_snapshot(const struct gen *gen, const char *name) {
    char from[4300], to[4600];

    path_of(gen, "Snapshot", from);
    mkdir(from, 0700);
    snprintf(to, sizeof to, "%s/%s", from, name);
    path_of(gen, name, from);
    if (rename(from, to) != 0 && errno != ENOENT) gen_die(from);
}

/* The folders of payloads whose first digit is one of these. */
static void move_folders(const struct gen *gen, const char *digits) {
    char name[3] = "";

    for (int i = 0; i < 256; i++) {
        snprintf(name, sizeof name, "%02x", i);
        if (strchr(digits, name[0])) move_to_snapshot(gen, name);
    }
}

/* ---- Which damage is done to what by which hand ---- */

enum victim { NAMED, DIGESTED, UNDIGESTED, FOLDER };

static const struct {
    const char *damage;
    void (*hand)(const struct gen *gen, const char *name);
    enum victim victim;
    const char *name; /* of NAMED */
} hands[] = {
    {"status-missing", drop, NAMED, "Status.plist"},
    {"status-empty", make_empty, NAMED, "Status.plist"},
    {"info-missing", drop, NAMED, "Info.plist"},
    {"info-empty", make_empty, NAMED, "Info.plist"},
    {"info-array", write_array, NAMED, "Info.plist"},
    {"manifest-truncated", half, NAMED, "Manifest.plist"},
    {"manifest-missing", drop, NAMED, "Manifest.plist"},
    {"finished-but-empty", drop, NAMED, "Manifest.plist"},
    {"finished-but-empty", drop, NAMED, "Manifest.db"},
    {"finished-but-empty", drop_all_payloads, NAMED, ""},
    {"info-only", drop, NAMED, "Status.plist"},
    {"info-only", drop, NAMED, "Manifest.plist"},
    {"info-only", drop, NAMED, "Manifest.db"},
    {"info-only", drop_all_payloads, NAMED, ""},
    {"finished-no-payloads", drop_all_payloads, NAMED, ""},
    {"uploading-first", move_to_snapshot, NAMED, "Manifest.plist"},
    {"uploading-first", move_to_snapshot, NAMED, "Manifest.db"},
    {"uploading-first", move_folders, NAMED, "0123456789abcdef"},
    {"moving-half", move_folders, NAMED, "01234567"},
    {"removing-extra", file_for, NAMED, "ab/ab00000000000000000000000000000000000007"},
    {"db-missing", drop, NAMED, "Manifest.db"},
    {"mbdb-only", drop, NAMED, "Manifest.db"},
    {"mbdb-only", write_mbdb, NAMED, "Manifest.mbdb"},
    {"mbdb-new-version", drop, NAMED, "Manifest.db"},
    {"mbdb-new-version", write_mbdb, NAMED, "Manifest.mbdb"},
    {"db-empty", make_empty, NAMED, "Manifest.db"},
    {"db-truncated", half, NAMED, "Manifest.db"},
    {"db-page", spoil_page, NAMED, "Manifest.db"},
    {"plist-bomb", write_bomb, NAMED, "Manifest.plist"},
    {"status-bomb", write_bomb, NAMED, "Status.plist"},
    {"info-bomb", write_bomb, NAMED, "Info.plist"},
    {"plist-deep", write_deep, NAMED, "Info.plist"},
    {"xml-entities", write_entities, NAMED, "Status.plist"},
    {"xml-external", write_external, NAMED, "Status.plist"},
    {"payload-missing", drop, UNDIGESTED, NULL},
    {"payload-empty", make_empty, UNDIGESTED, NULL},
    {"payload-truncated", cut_five, UNDIGESTED, NULL},
    {"payload-cut-block", cut_block, UNDIGESTED, NULL},
    {"flip-digested", flip_middle, DIGESTED, NULL},
    {"flip-undigested", flip_middle, UNDIGESTED, NULL},
    {"flip-undigested-end", flip_end, UNDIGESTED, NULL},
    {"extra-file", file_for, NAMED, "ab/ab00000000000000000000000000000000000007"},
    {"stray-file", file_for, NAMED, "ab/.DS_Store"},
    {"snapshot-leftover", folder_for, NAMED, "Snapshot"},
    {"payload-link", link_away, UNDIGESTED, NULL},
    {"payload-fifo", pipe_for, UNDIGESTED, NULL},
    {"payload-dir", folder_for, UNDIGESTED, NULL},
    {"payload-socket", socket_for, UNDIGESTED, NULL},
    {"payload-device", device_for, UNDIGESTED, NULL},
    {"stray-link", link_for, NAMED, "ab/link"},
    {"stray-fifo", pipe_for, NAMED, "ab/pipe"},
    {"stray-socket", socket_for, NAMED, "ab/socket"},
    {"stray-device", device_for, NAMED, "ab/device"},
    {"folder-link", link_away, FOLDER, NULL},
    {"folder-file", file_for, FOLDER, NULL},
    {"folder-fifo", pipe_for, FOLDER, NULL},
    {"status-link", link_away, NAMED, "Status.plist"},
    {"manifest-link", link_away, NAMED, "Manifest.plist"},
    {"info-link", link_away, NAMED, "Info.plist"},
    {"status-dir", folder_for, NAMED, "Status.plist"},
    {"status-socket", socket_for, NAMED, "Status.plist"},
    {"info-fifo", pipe_for, NAMED, "Info.plist"},
    {"info-device", device_for, NAMED, "Info.plist"},
    {"manifest-fifo", pipe_for, NAMED, "Manifest.plist"},
    {"db-link", link_away, NAMED, "Manifest.db"},
    {"db-fifo", pipe_for, NAMED, "Manifest.db"},
    {"db-dir", folder_for, NAMED, "Manifest.db"},
    {"db-device", device_for, NAMED, "Manifest.db"},
    {"top-link", link_for, NAMED, "link"},
    {"top-fifo", pipe_for, NAMED, "pipe"},
    {"top-socket", socket_for, NAMED, "socket"},
    {"top-device", device_for, NAMED, "device"},
    {"denied-status", deny, NAMED, "Status.plist"},
    {"denied-manifest", deny, NAMED, "Manifest.plist"},
    {"denied-info", deny, NAMED, "Info.plist"},
    {"denied-db", deny, NAMED, "Manifest.db"},
    {"denied-folder", deny, FOLDER, NULL},
    {"denied-payload", deny, DIGESTED, NULL},
};

static void name_victim(const struct gen *gen, enum victim victim, char out[64]) {
    const char *id = victim == UNDIGESTED ? gen->first_undigested : gen->first_digested;

    snprintf(out, 64, victim == FOLDER ? "%.2s" : "%.2s/%s", id, id);
}

void gen_damage_folder(struct gen *gen) {
    char name[64];

    for (size_t i = 0; i < sizeof hands / sizeof hands[0]; i++) {
        if (!gen_is(gen, hands[i].damage)) continue;
        name_victim(gen, hands[i].victim, name);
        hands[i].hand(gen, hands[i].name ? hands[i].name : name);
    }
}

/* Making one needs rights that not even every root has. */
static bool can_make_devices(void) {
    char path[64];
    bool can;

    snprintf(path, sizeof path, "/tmp/backupgen-probe-%ld", (long)getpid());
    can = make_device(path);
    remove(path);
    return can;
}

bool gen_here(const char *damage) {
    static const char *const posix[] = {"-link", "-fifo", "-socket", "-device", "denied-"};

    for (size_t i = 0; !ON_POSIX && damage && i < sizeof posix / sizeof *posix; i++)
        if (strstr(damage, posix[i])) return false;
    return !damage || !strstr(damage, "-device") || can_make_devices();
}
