/* What can be wrong with a folder: the table, and the hands that do it. */
#define _GNU_SOURCE
#include "gen.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const struct gen_damage gen_damages[] = {
    /* How a run broke. */
    {"uploading", "interrupted", "interrupted", "cut off while files came"},
    {"moving", "interrupted", "interrupted", "cut off while files moved"},
    {"removing", "interrupted", "interrupted", "cut off while old files went"},
    {"snapshot-word", "damaged", "status-state", "case matters in the state's word"},
    {"state-empty", "interrupted", "backup-state", "the phone says 204"},
    {"state-old", "unreadable", "backup-state", "the phone says 203"},
    {"status-missing", "interrupted", "missing", "a missing Status.plist is no success"},
    {"status-type", "damaged", "status-state", "a number where a word belongs"},
    {"status-version", "unreadable", "version", "newer than any phone"},
    {"finished-but-empty", "interrupted", "missing", "seeded Status.plist, then nothing"},
    {"info-only", "interrupted", "missing", "the host's list, then nothing"},
    {"snapshot-leftover", "warnings", "leftover", "an older run's leftovers do no harm"},
    {"flags-during-run", "interrupted", "flags", "bits that only a run has"},
    {"placeholder", "damaged", "placeholder", "a row of a broken run"},
    /* The lists. */
    {"xml-lists", "ok", "", "XML is as good as binary"},
    {"info-binary", "ok", "", "Info.plist too may be binary"},
    {"mixed-info", "warnings", "mixed", "Info.plist of another device"},
    {"mixed-os", "warnings", "mixed", "Info.plist of another time"},
    {"info-missing", "damaged", "missing", "the host did not write its list"},
    {"info-empty", "damaged", "malformed", "zero bytes"},
    {"manifest-truncated", "damaged", "malformed", "half a Manifest.plist"},
    {"manifest-missing", "damaged", "missing", "no Manifest.plist but all the rest"},
    {"manifest-type", "damaged", "type", "IsEncrypted as text"},
    {"manifest-version", "unreadable", "version", "newer than any phone"},
    {"plist-bomb", "hostile", "hostile-file", "142 bytes that want gigabytes"},
    {"plist-deep", "hostile", "hostile-file", "nested deeper than any stack"},
    {"xml-entities", "damaged", "malformed", "entities that grow"},
    {"mbdb-only", "unreadable", "too-old", "iOS 9"},
    /* The database. */
    {"db-missing", "damaged", "missing", "no Manifest.db but all the rest"},
    {"db-empty", "damaged", "", "zero bytes"},
    {"db-truncated", "damaged", "", "half a Manifest.db"},
    {"db-page", "damaged", "database", "a page in the middle overwritten"},
    {"db-view", "hostile", "database", "an endless view in the table's place"},
    {"db-generated", "damaged", "database", "a generated column"},
    {"db-columns", "damaged", "database", "a table without the columns"},
    {"db-foreign", "damaged", "file-id-other", "another backup's database"},
    {"type-domain", "damaged", "type", "a blob for a domain"},
    {"type-path", "damaged", "type", "a number for a path"},
    {"type-flags", "damaged", "type", "text for flags"},
    {"type-file", "damaged", "type", "text for the blob"},
    {"type-id", "hostile", "file-id", "a blob for a fileID"},
    {"flags-zero", "damaged", "flags", "no kind of file"},
    {"blob-cut", "damaged", "blob", "a blob without its end"},
    {"blob-path", "damaged", "blob-path", "a blob of another file"},
    {"file-id-upper", "hostile", "file-id", "upper case opens the way to two files of one name"},
    {"file-id-path", "hostile", "file-id", "a fileID that leaves the folder"},
    {"file-id-other", "damaged", "file-id-other", "a fileID of another name"},
    {"domain-slash", "hostile", "domain", "a domain that leaves its place"},
    {"domain-dots", "hostile", "domain", "a domain called .."},
    {"path-dots", "hostile", "path", "a path with .."},
    {"path-absolute", "hostile", "path", "an absolute path"},
    {"path-nul", "hostile", "path", "a path with NUL inside"},
    {"many-findings", "damaged", "type", "100,000 rows that are wrong"},
    /* The payloads. */
    {"payload-missing", "damaged", "missing", "a file is gone"},
    {"payload-empty", "damaged", "", "a file of zero bytes"},
    {"payload-truncated", "damaged", "", "a file cut in the middle of a block"},
    {"payload-cut-block", "damaged", "", "a file cut at the end of a block"},
    {"flip-digested", "damaged", "digest", "one bit, in a domain with digests"},
    {"flip-undigested-end", "damaged", "padding", "one bit of the padding (encrypted)"},
    {"size-skew", "warnings", "size", "a database that was written to while it was copied"},
    {"size-wrong", "damaged", "length", "a length that is simply wrong"},
    {"extra-file", "warnings", "extra", "a file no row names"},
    {"stray-file", "warnings", "extra", "a desktop's droppings"},
    {"payload-link", "hostile", "hostile-file", "a link for a payload"},
    {"payload-fifo", "hostile", "hostile-file", "a pipe for a payload would block for ever"},
    {"payload-dir", "hostile", "hostile-file", "a folder for a payload"},
    {"folder-link", "hostile", "hostile-file", "one of the 256 folders leads elsewhere"},
    {"status-link", "hostile", "hostile-file", "a link for Status.plist"},
    {"manifest-fifo", "hostile", "hostile-file", "a pipe for Manifest.plist"},
    {"db-link", "hostile", "hostile-file", "a link for Manifest.db"},
    {"top-socket", "hostile", "hostile-file", "a socket in the folder"},
    /* Management. */
    {"mdm-edited", "warnings", "management", "MDM.plist without its profile"},
    {"mdm-remnant", "warnings", "management", "MDM.plist without what a device needs"},
    {"supervised-type", "warnings", "management", "IsSupervised as a number"},
    {"agent-listed-only", "ok", "", "an app without data"},
    {"agent-data-only", "ok", "", "data without an app"},
    /* Encrypted only. */
    {"keybag-missing", "damaged", "keybag", "no keybag"},
    {"keybag-cut", "damaged", "keybag", "a value that passes the end"},
    {"keybag-class-twice", "damaged", "keybag", "a class that comes twice"},
    {"keybag-short-key", "damaged", "keybag", "a wrapped key of 39 bytes"},
    {"keybag-dpic", "damaged", "keybag", "4 billion rounds"},
    {"keybag-dpic-zero", "damaged", "keybag", "no round at all"},
    {"keybag-iter", "damaged", "keybag", "4 billion rounds in the second stage"},
    {"manifest-key-flipped", "damaged", "database", "the database's key does not open"},
    {"manifest-key-short", "damaged", "database", "43 bytes"},
    {"manifest-key-missing", "damaged", "manifest-key", "no key of the database"},
    {"db-not-encrypted", "damaged", "db-plain", "plain in an encrypted backup"},
    {"ios10-plain-db", "unreadable", "db-plain", "iOS 10.0"},
    {"key-missing", "damaged", "key", "a file without its key"},
    {"says-plain", "damaged", "contradiction", "a plain flag on an encrypted backup"},
};
const size_t gen_damage_count = sizeof gen_damages / sizeof gen_damages[0];

bool gen_here(const char *damage) {
    static const char *const posix[] = {"-link", "-fifo", "-socket"};
    for (size_t i = 0; !ON_POSIX && damage && i < sizeof posix / sizeof *posix; i++)
        if (strstr(damage, posix[i])) return false;
    return true;
}

/* ---- In the database, before it is encrypted ---- */

#define ONE_FILE " WHERE rowid = (SELECT min(rowid) FROM Files WHERE flags = 1)"

static const struct {
    const char *name, *sql;
} statements[] = {
    {"flags-during-run", "UPDATE Files SET flags = 9" ONE_FILE},
    {"placeholder", "UPDATE Files SET domain = NULL, relativePath = NULL, file = NULL" ONE_FILE},
    {"db-view",
     "ALTER TABLE Files RENAME TO Real; CREATE VIEW Files AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT "
     "n + 1 FROM r) SELECT n AS fileID, 'x' AS domain, 'y' AS relativePath, 1 AS flags, x'00' AS file FROM r"},
    {"db-generated", "ALTER TABLE Files ADD COLUMN more TEXT AS (hex(zeroblob(100000)))"},
    {"db-columns", "ALTER TABLE Files RENAME COLUMN domain TO realm"},
    {"type-domain", "UPDATE Files SET domain = x'0102'" ONE_FILE},
    {"type-path",
     "DROP INDEX FilesRelativePathIdx; CREATE TABLE F2 (fileID TEXT PRIMARY KEY, domain TEXT, relativePath, "
     "flags INTEGER, file BLOB); INSERT INTO F2 SELECT * FROM Files; DROP TABLE Files; ALTER TABLE F2 RENAME "
     "TO Files; UPDATE Files SET relativePath = 5" ONE_FILE},
    {"type-flags", "UPDATE Files SET flags = 'one'" ONE_FILE},
    {"type-file", "UPDATE Files SET file = 'text'" ONE_FILE},
    {"type-id", "UPDATE Files SET fileID = x'0102'" ONE_FILE},
    {"flags-zero", "UPDATE Files SET flags = 0" ONE_FILE},
    {"blob-cut", "UPDATE Files SET file = substr(file, 1, length(file) - 20)" ONE_FILE},
    {"blob-path", "UPDATE Files SET file = (SELECT file FROM Files WHERE relativePath = 'Library')" ONE_FILE},
    {"file-id-upper", "UPDATE Files SET fileID = upper(fileID)" ONE_FILE},
    {"file-id-path", "UPDATE Files SET fileID = '../../../../../../../../../etc/passwd//.'" ONE_FILE},
    {"file-id-other", "UPDATE Files SET fileID = '00000000000000000000000000000000000000aa'" ONE_FILE},
    {"domain-slash", "UPDATE Files SET domain = '../../etc'" ONE_FILE},
    {"domain-dots", "UPDATE Files SET domain = '..'" ONE_FILE},
    {"path-dots", "UPDATE Files SET relativePath = 'Library/../../x'" ONE_FILE},
    {"path-absolute", "UPDATE Files SET relativePath = '/etc/passwd'" ONE_FILE},
    {"path-nul", "UPDATE Files SET relativePath = CAST(x'4100420043' AS TEXT)" ONE_FILE},
    {"db-foreign",
     "DELETE FROM Files WHERE flags = 1; WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT "
     "300) INSERT INTO Files SELECT printf('%040x', n * 4294967291), 'HomeDomain', 'a/' || n, 1, (SELECT file "
     "FROM Files WHERE flags = 2 LIMIT 1) FROM r"},
    {"many-findings",
     "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 100000) INSERT INTO Files SELECT "
     "printf('%040x', n * 4294967291), 'HomeDomain', 'a/' || n, 1, NULL FROM r"},
};

void gen_damage_db(struct gen *gen) {
    sqlite3_finalize(gen->insert);
    gen->insert = NULL;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if (gen_is(gen, statements[i].name)) gen_exec(gen, statements[i].sql);
}

/* ---- In the folder ---- */

static void path_of(const struct gen *gen, const char *name, char out[4300]) {
    snprintf(out, 4300, "%s/%s", gen->folder, name);
}

static void payload(const char *id, char out[64]) { snprintf(out, 64, "%.2s/%s", id, id); }

static void cut(const struct gen *gen, const char *name, long less) {
    char path[4300];
    struct stat st;

    path_of(gen, name, path);
    if (stat(path, &st) != 0 || truncate(path, less < 0 ? 0 : st.st_size - less) != 0) gen_die(path);
}

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

static void drop(const struct gen *gen, const char *name) {
    char path[4300];

    path_of(gen, name, path);
    if (remove(path) != 0) gen_die(path);
}

static void link_away(const struct gen *gen, const char *name) {
    char path[4300], away[4400];

    path_of(gen, name, path);
    snprintf(away, sizeof away, "%s.away", gen->folder);
    if (rename(path, away) != 0 || symlink(away, path) != 0) gen_die(path);
}

static void pipe_for(const struct gen *gen, const char *name) {
    char path[4300];

    drop(gen, name);
    path_of(gen, name, path);
    if (mkfifo(path, 0600) != 0) gen_die(path);
}

static void folder_for(const struct gen *gen, const char *name) {
    char path[4300];

    drop(gen, name);
    path_of(gen, name, path);
    if (mkdir(path, 0700) != 0) gen_die(path);
}

static void make_socket(const struct gen *gen) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char here[4096];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd < 0 || !getcwd(here, sizeof here) || chdir(gen->folder) != 0) gen_die(gen->folder);
    strcpy(address.sun_path, "socket");
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chdir(here) != 0) gen_die("socket");
    close(fd);
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

static void drop_all_payloads(const struct gen *gen) {
    char path[4300];
    struct dirent *entry;
    DIR *folders = opendir(gen->folder);

    if (!folders) gen_die(gen->folder);
    while ((entry = readdir(folders)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        path_of(gen, entry->d_name, path);
        empty(path);
    }
    closedir(folders);
}

/* 26 arrays, each of two references to the next. */
static void write_bomb(const struct gen *gen) {
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
    gen_write(gen, "Manifest.plist", bytes, at + 32);
}

static void write_deep(const struct gen *gen) {
    size_t depth = 100000, at = 0;
    char *text = malloc(depth * 16 + 200);

    at += (size_t)sprintf(text, "<?xml version=\"1.0\"?><plist version=\"1.0\">");
    for (size_t i = 0; i < depth; i++) at += (size_t)sprintf(text + at, "<array>");
    for (size_t i = 0; i < depth; i++) at += (size_t)sprintf(text + at, "</array>");
    at += (size_t)sprintf(text + at, "</plist>");
    gen_write(gen, "Info.plist", text, at);
    free(text);
}

static void write_entities(const struct gen *gen) {
    static const char text[] = "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
                               "\"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]><plist version=\"1.0\"><dict><key>Version</key>"
                               "<string>&b;</string></dict></plist>";

    gen_write(gen, "Status.plist", text, sizeof text - 1);
}

static void shell(const struct gen *gen) {
    char name[64], undigested[64], digested[64];

    payload(gen->first_undigested, undigested);
    payload(gen->first_digested, digested);
    snprintf(name, sizeof name, "%.2s", gen->first_digested);
    if (gen_is(gen, "status-missing")) drop(gen, "Status.plist");
    if (gen_is(gen, "info-missing")) drop(gen, "Info.plist");
    if (gen_is(gen, "info-empty")) cut(gen, "Info.plist", -1);
    if (gen_is(gen, "manifest-truncated")) half(gen, "Manifest.plist");
    if (gen_is(gen, "manifest-missing")) drop(gen, "Manifest.plist");
    if (gen_is(gen, "finished-but-empty") || gen_is(gen, "info-only")) {
        drop(gen, "Manifest.plist");
        drop(gen, "Manifest.db");
        drop_all_payloads(gen);
    }
    if (gen_is(gen, "info-only")) drop(gen, "Status.plist");
    if (gen_is(gen, "db-missing") || gen_is(gen, "mbdb-only")) drop(gen, "Manifest.db");
    if (gen_is(gen, "mbdb-only")) gen_write(gen, "Manifest.mbdb", "mbdb\5\0", 6);
    if (gen_is(gen, "db-empty")) cut(gen, "Manifest.db", -1);
    if (gen_is(gen, "db-truncated")) half(gen, "Manifest.db");
    if (gen_is(gen, "db-page") && !gen->encrypted)
        for (long at = 0; at < 3000; at++) flip(gen, "Manifest.db", 4096 * 3 + 100 + at, SEEK_SET);
    if (gen_is(gen, "plist-bomb")) write_bomb(gen);
    if (gen_is(gen, "plist-deep")) write_deep(gen);
    if (gen_is(gen, "xml-entities")) write_entities(gen);
    if (gen_is(gen, "payload-missing")) drop(gen, undigested);
    if (gen_is(gen, "payload-empty")) cut(gen, undigested, -1);
    if (gen_is(gen, "payload-truncated")) cut(gen, undigested, 5);
    if (gen_is(gen, "payload-cut-block")) cut(gen, undigested, 32);
    if (gen_is(gen, "flip-digested")) flip(gen, digested, 20, SEEK_SET);
    if (gen_is(gen, "flip-undigested")) flip(gen, undigested, 20, SEEK_SET);
    if (gen_is(gen, "flip-undigested-end")) flip(gen, undigested, -17, SEEK_END);
    if (gen_is(gen, "extra-file")) {
        char extra[64];
        snprintf(extra, sizeof extra, "ab/ab%038d", 7);
        gen_write(gen, extra, "0123456789abcdef", 16);
    }
    if (gen_is(gen, "stray-file")) gen_write(gen, "ab/.DS_Store", "x", 1);
    if (gen_is(gen, "snapshot-leftover")) {
        gen_write(gen, "Snapshot", "", 0);
        folder_for(gen, "Snapshot");
    }
    if (gen_is(gen, "payload-link")) link_away(gen, undigested);
    if (gen_is(gen, "payload-fifo")) pipe_for(gen, undigested);
    if (gen_is(gen, "payload-dir")) folder_for(gen, undigested);
    if (gen_is(gen, "folder-link")) link_away(gen, name);
    if (gen_is(gen, "status-link")) link_away(gen, "Status.plist");
    if (gen_is(gen, "manifest-fifo")) pipe_for(gen, "Manifest.plist");
    if (gen_is(gen, "db-link")) link_away(gen, "Manifest.db");
    if (gen_is(gen, "top-socket")) make_socket(gen);
}

void gen_damage_folder(struct gen *gen) {
    if (gen->spec->damage) shell(gen);
}
