/*
 * What a new device holds: a set of awkward files that every device has (empty, SQLite, Japanese and decomposed names,
 * a symbolic link, lengths around the cipher's block), and then what the scenario's profile asks for.
 */
#include "content.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIRTH 1704067200u /* 2024-01-01, the mtime of everything new */

struct maker {
    struct sim_content *content;
    uint64_t seed;
    uint64_t made;
};

static uint8_t class_of(const char *domain) {
    if (!strcmp(domain, "HealthDomain")) return 2;
    return !strcmp(domain, "KeychainDomain") || !strncmp(domain, "AppDomain", 9) ? 3 : 4;
}

static void add_generated(struct maker *maker, const char *domain, const char *path, int64_t size) {
    struct sim_file file = {.domain = domain, .path = path, .flags = SIM_REGULAR, .class = class_of(domain)};

    file.size = size < 0 ? 0 : size;
    file.seed = sim_mix(maker->seed * 0x100000001b3ull + ++maker->made);
    file.mtime = BIRTH + (uint32_t)(maker->made % 20000000);
    /* The first 16 bytes of a generated file name its seed; what is shorter stands in memory. */
    if (file.size < 16) {
        file.source = SIM_IN_MEMORY;
        file.bytes = sim_blob_new(NULL, (size_t)file.size);
        memset(file.bytes->data, 'a' + (int)(maker->made % 26), (size_t)file.size);
    }
    sim_content_add(maker->content, &file);
}

static void add_bytes(struct maker *maker, const char *domain, const char *path, const void *data, size_t size) {
    struct sim_file file = {.domain = domain, .path = path, .flags = SIM_REGULAR, .class = class_of(domain)};

    file.source = SIM_IN_MEMORY;
    file.bytes = sim_blob_new(data, size);
    file.size = (int64_t)size;
    file.mtime = BIRTH + (uint32_t)++maker->made;
    sim_content_add(maker->content, &file);
}

static void add_link(struct maker *maker, const char *domain, const char *path, const char *target) {
    struct sim_file file = {.domain = domain, .path = path, .target = target, .flags = SIM_SYMLINK, .mtime = BIRTH};

    sim_content_add(maker->content, &file);
}

static void add_directory(struct sim_content *content, const char *domain, const char *path) {
    struct sim_file file = {.domain = domain, .path = path, .flags = SIM_DIRECTORY, .mtime = BIRTH};

    sim_content_add(content, &file);
}

/* A real database of a table and rows, the same for the same seed. */
static void add_sqlite(struct maker *maker, const char *domain, const char *path, int rows) {
    sqlite3 *db = NULL;
    sqlite3_int64 size = 0;
    unsigned char *image;
    char sql[256];

    if (sqlite3_open(":memory:", &db) != SQLITE_OK) abort();
    sqlite3_exec(db,
                 "PRAGMA page_size=4096;"
                 "CREATE TABLE message(ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, text TEXT, date INTEGER);"
                 "CREATE INDEX message_date ON message(date); BEGIN",
                 NULL, NULL, NULL);
    for (int i = 0; i < rows; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO message(guid,text,date) VALUES('%016llx','お疲れさまです。%d件目です',%d)",
                 (unsigned long long)sim_mix(maker->seed + (uint64_t)i), i, 700000000 + i * 61);
        sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    image = sqlite3_serialize(db, "main", &size, 0);
    add_bytes(maker, domain, path, image, (size_t)size);
    sqlite3_free(image);
    sqlite3_close(db);
}

static void add_fixtures(struct maker *maker) {
    static const char text[] = "第三会議室 10:00\n出席: 佐藤、鈴木\n";
    static const struct {
        const char *domain, *path;
        int size;
    } files[] = {
        {"HomeDomain", "Library/Mail/empty.txt", 0},
        {"AppDomain-com.example.memo", "Documents/.keep", 0},
        {"HomeDomain", "Library/Voicemail/one.amr", 1},
        {"HomeDomain", "Library/Voicemail/fifteen.amr", 15},
        {"AppDomain-com.example.memo", "Documents/sixteen.bin", 16},
        {"AppDomain-com.example.memo", "Documents/seventeen.bin", 17},
        {"HomeDomain", "Library/Keyboard/exactly-one-page.dat", 4096},
        {"KeychainDomain", "keychain-backup.plist", 5000},
        {"WirelessDomain", "Library/Databases/CellularUsage.dat", 700},
        {"SystemPreferencesDomain", "SystemConfiguration/com.apple.wifi.plist", 1200},
        {"CameraRollDomain", "Media/DCIM/100APPLE/IMG_0001.HEIC", 61234},
        {"CameraRollDomain", "Media/DCIM/100APPLE/\xe9\x81\x8b\xe5\x8b\x95\xe4\xbc\x9a 2024 (1).JPG", 40000},
        {"CameraRollDomain", "Media/PhotoData/Thumbnails/V2/DCIM/100APPLE/IMG_0001.HEIC/5005.JPG", 33333},
        /* Decomposed, as file systems of old kept it: FU and a combining semi-voiced mark. Never normalised. */
        {"AppDomain-com.example.memo", "Documents/\xe3\x83\x95\xe3\x82\x9a\xe3\x83\xad\xe3\x82\xb7\xe3\x82\x99.dat",
         333},
        {"AppDomain-com.example.memo", "Documents/re\xcc\x81sume\xcc\x81.txt", 222},
        {"AppDomainGroup-group.com.example.memo", "Library/\xe5\x85\xb1\xe6\x9c\x89/\xf0\x9f\x93\x8e note:1?.dat",
         2048},
        {"AppDomainPlugin-com.example.memo.widget", "Library/Preferences/widget.plist", 300},
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        add_generated(maker, files[i].domain, files[i].path, files[i].size);
    add_bytes(maker, "AppDomain-com.example.memo", "Documents/\xe8\xad\xb0\xe4\xba\x8b\xe9\x8c\xb2.txt", text,
              sizeof text - 1);
    add_sqlite(maker, "HomeDomain", "Library/SMS/sms.db", 120);
    add_sqlite(maker, "HomeDomain", "Library/AddressBook/AddressBook.sqlitedb", 40);
    add_sqlite(maker, "HealthDomain", "Health/healthdb.sqlite", 25);
    add_link(maker, "HomeDomain", "Library/Logs/current", "/var/mobile/Library/Logs/2024");
    add_directory(maker->content, "AppDomain-com.example.memo", "Documents/\xe7\xa9\xba");
}

/* Where files of a mixed device lie, by the counts of a real one. */
static const struct place {
    unsigned weight;
    const char *domain, *format;
} places[] = {
    {354, "AppDomain-com.example.app%u", "Library/Application Support/%u/item-%llu.dat"},
    {75, "AppDomainGroup-group.com.example.app%u", "Library/Caches.noindex/%u/%llu.bin"},
    {12, "AppDomainPlugin-com.example.app%u.share", "Documents/%u/%llu.plist"},
    {406, "HomeDomain", "Library/Data/%u/record-%llu.plist"},
    {147, "CameraRollDomain", "Media/DCIM/2%02uAPPLE/IMG_%04llu.HEIC"},
    {19, "SysContainerDomain-com.apple.service%u", "Library/%u/%llu.state"},
    {24, "RootDomain", "Library/%u/%llu.plist"},
    {11, "WirelessDomain", "Library/Preferences/%u/%llu.plist"},
    {10, "SystemPreferencesDomain", "SystemConfiguration/%u/%llu.plist"},
};

static void add_somewhere(struct maker *maker, uint64_t i, int64_t size) {
    unsigned draw = (unsigned)(sim_mix(maker->seed ^ i * 77) % 1058), at = 0;
    char domain[128], path[256];

    while (draw >= places[at].weight) draw -= places[at++].weight;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(domain, sizeof domain, places[at].domain, (unsigned)(i % 24));
    snprintf(path, sizeof path, places[at].format, (unsigned)(i / 97 % 100), (unsigned long long)i);
#pragma GCC diagnostic pop
    add_generated(maker, domain, path, size);
}

/* Quantiles of a real device's sizes, skewed between them (backup-format.md 6). */
static int64_t draw_size(uint64_t random) {
    static const struct {
        double p, size;
    } q[] = {{0, 4},       {.10, 42},    {.25, 126},   {.50, 638},   {.75, 13e3},
             {.90, 133e3}, {.95, 306e3}, {.99, 2.5e6}, {.999, 10e6}, {1, 63e6}};
    double u = (double)(random >> 11) / 9007199254740992.0, t;
    size_t i = 1;

    while (i < sizeof q / sizeof *q - 1 && u > q[i].p) i++;
    /* Skewed to the small end, near enough to log-linear and without libm. */
    t = (u - q[i - 1].p) / (q[i].p - q[i - 1].p);
    return (int64_t)(q[i - 1].size + (q[i].size - q[i - 1].size) * t * t * t);
}

static void fill_mix(struct maker *maker, int64_t files, int64_t bytes) {
    double sum = 0, scale = 1;

    if (!files) files = bytes ? 1 + bytes / 170000 : 200;
    for (int64_t i = 0; i < files; i++) sum += (double)draw_size(sim_mix(maker->seed + (uint64_t)i));
    if (bytes) scale = (double)bytes / sum;
    for (int64_t i = 0; i < files; i++) {
        int64_t size = draw_size(sim_mix(maker->seed + (uint64_t)i));

        /* Small files keep their size: they are most of the work and hardly any of the bytes. */
        add_somewhere(maker, (uint64_t)i, size > 16384 ? (int64_t)((double)size * scale) : size);
    }
}

static void fill_large(struct maker *maker, int64_t bytes) {
    char path[64];

    for (unsigned i = 0; bytes > 0; i++) {
        int64_t size = (64ll << 20) + (int64_t)(sim_mix(maker->seed + i) % (192u << 20));

        snprintf(path, sizeof path, "Media/DCIM/101APPLE/IMG_%04u.MOV", i);
        add_generated(maker, "CameraRollDomain", path, size < bytes ? size : bytes);
        bytes -= size;
    }
}

/* Rows for all folders above the files, the domain's root ("") with them. */
static void add_parents(struct sim_content *content) {
    size_t files = content->count, size = 64, slot;
    uint64_t *seen;
    uint8_t id[20];

    while (size < files * 8) size *= 2;
    seen = calloc(size, sizeof *seen);
    for (size_t i = 0; i < files; i++) {
        const char *domain = content->files[i].domain;
        char path[1024];
        char *slash = path;

        snprintf(path, sizeof path, "%s", content->files[i].path);
        for (bool more = *path; more;) {
            uint64_t mark;

            slash = strrchr(path, '/');
            *(slash ? slash : path) = 0;
            more = *path;
            sim_file_id(domain, path, id);
            memcpy(&mark, id, 8);
            for (slot = mark & (size - 1); seen[slot] && seen[slot] != mark; slot = (slot + 1) & (size - 1))
                ;
            if (seen[slot] == mark) break;
            seen[slot] = mark;
            add_directory(content, domain, path);
        }
    }
    free(seen);
}

static int64_t number(json_t *spec, const char *name, int64_t otherwise) {
    json_t *value = json_object_get(spec, name);

    return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value) : otherwise;
}

void sim_content_fill(struct sim_content *content, json_t *spec, const char *udid) {
    struct maker maker = {.content = content};
    const char *profile = json_string_value(json_object_get(spec, "profile"));
    int64_t files = number(spec, "files", 0), bytes = number(spec, "bytes", 0);
    uint8_t mixed[MB_KEY];

    mb_derive("content", udid, NULL, 0, 0, mixed);
    memcpy(&maker.seed, mixed, sizeof maker.seed);
    if (json_is_integer(json_object_get(spec, "seed"))) maker.seed = sim_mix((uint64_t)number(spec, "seed", 1) + 1);
    add_fixtures(&maker);
    if (profile && !strcmp(profile, "large"))
        fill_large(&maker, bytes ? bytes : 64ll << 20);
    else if (profile && !strcmp(profile, "mix"))
        fill_mix(&maker, files, bytes);
    else
        for (int64_t i = 0; i < (files ? files : 40); i++) add_somewhere(&maker, (uint64_t)i, 4096);
    add_parents(content);
    sim_content_sort(content);
}
