/*
 * A read-only file system for SQLite that holds one file: Manifest.db. CBC can be decrypted from any block on (its
 * neighbour in front is the IV), so an encrypted database is read in place: no plain copy on a disk, no second
 * gigabyte, and no -shm or -wal beside it, because this file system has no other files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database_file.h"

enum { BLOCK = 16, READ_MAX = 64 * 1024, PAGE = 4096, STREAK = 3 };

struct open_file {
    sqlite3_file base;
    struct kb_db_file *file;
};

static struct kb_db_file *file_of(sqlite3_file *base) { return ((struct open_file *)(void *)base)->file; }

static bool read_all(struct kb_db_file *file, int64_t offset, unsigned char *out, size_t size) {
    while (size > 0) {
        size_t got = 0;
        struct kb_result res = kb_handle_read_at(file->handle, offset, out, size, &got);

        if (kb_failed(&res) || got == 0) {
            file->failed = kb_failed(&res);
            return false;
        }
        out += got;
        offset += (int64_t)got;
        size -= got;
    }
    return true;
}

/* The blocks that cover [offset, offset + size), with the one in front for the IV. */
static bool read_decrypted(struct kb_db_file *file, int64_t offset, unsigned char *out, size_t size) {
    static const unsigned char zeros[BLOCK];
    int64_t start = offset - offset % BLOCK;
    size_t lead = start > 0 ? BLOCK : 0;
    size_t length = (size_t)(offset - start) + size;
    unsigned char *blocks = file->scratch + lead;

    length += (BLOCK - length % BLOCK) % BLOCK;
    if (!read_all(file, start - (int64_t)lead, file->scratch, lead + length)) return false;
    if (!kb_cbc_decrypt(file->cbc, file->key->data, lead ? file->scratch : zeros, blocks, length)) return false;
    memcpy(out, blocks + (offset - start), size);
    return true;
}

/* Reads that go forward by small steps, as SQLite's own check and a scan of a table do. Random ones break the streak.
 */
static bool goes_on(struct kb_db_file *file, int64_t offset, size_t size) {
    bool on = offset >= file->next_at && offset - file->next_at < READ_MAX / 4;

    file->streak = on ? file->streak + 1 : 0;
    file->next_at = offset + (int64_t)size;
    return file->streak >= STREAK;
}

static bool is_ahead(const struct kb_db_file *file, int64_t offset, size_t size) {
    return offset >= file->ahead_at && offset + (int64_t)size <= file->ahead_at + (int64_t)file->ahead_size;
}

/* A page at a time costs a system call and a start of the cipher each; in a streak they are taken by the dozen. */
static bool read_plain(struct kb_db_file *file, int64_t offset, unsigned char *out, size_t size) {
    bool on = goes_on(file, offset, size);
    int64_t left = file->size - offset;

    if (on && !is_ahead(file, offset, size)) {
        file->ahead_at = offset;
        file->ahead_size = left < READ_MAX ? (size_t)left : READ_MAX;
        if (!file->ahead) file->ahead = kb_xmalloc(READ_MAX);
        if (!read_decrypted(file, offset, file->ahead, file->ahead_size)) file->ahead_size = 0;
    }
    if (!is_ahead(file, offset, size)) return read_decrypted(file, offset, out, size);
    memcpy(out, file->ahead + (offset - file->ahead_at), size);
    return true;
}

static int file_read(sqlite3_file *base, void *out, int amount, sqlite3_int64 offset) {
    struct kb_db_file *file = file_of(base);
    int64_t there = offset >= 0 && offset < file->size ? file->size - offset : 0;
    size_t size = amount < there ? (size_t)amount : (size_t)there;
    bool right;

    if (amount < 0 || amount > READ_MAX) return SQLITE_IOERR_READ;
    memset((char *)out + size, 0, (size_t)amount - size);
    right = size == 0 || (file->cbc ? read_plain(file, offset, out, size) : read_all(file, offset, out, size));
    if (!right) return SQLITE_IOERR_READ;
    return size < (size_t)amount ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out) {
    *out = file_of(base)->size;
    return SQLITE_OK;
}

static int file_characteristics(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_IMMUTABLE;
}

/* What a file that never changes has nothing to do for. */
static int no_close(sqlite3_file *base) { return base ? SQLITE_OK : SQLITE_ERROR; }
static int no_write(sqlite3_file *base, const void *data, int amount, sqlite3_int64 offset) {
    (void)base, (void)data, (void)amount, (void)offset;
    return SQLITE_READONLY;
}
static int no_truncate(sqlite3_file *base, sqlite3_int64 size) {
    (void)base, (void)size;
    return SQLITE_READONLY;
}
static int no_flags(sqlite3_file *base, int flags) {
    (void)base, (void)flags;
    return SQLITE_OK;
}
static int no_reserved(sqlite3_file *base, int *out) {
    (void)base;
    *out = 0;
    return SQLITE_OK;
}
static int no_control(sqlite3_file *base, int op, void *arg) {
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}
static int no_sector(sqlite3_file *base) {
    (void)base;
    return PAGE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = no_close,
    .xRead = file_read,
    .xWrite = no_write,
    .xTruncate = no_truncate,
    .xSync = no_flags,
    .xFileSize = file_size,
    .xLock = no_flags,
    .xUnlock = no_flags,
    .xCheckReservedLock = no_reserved,
    .xFileControl = no_control,
    .xSectorSize = no_sector,
    .xDeviceCharacteristics = file_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags) {
    struct open_file *open = (struct open_file *)(void *)base;

    (void)name;
    memset(open, 0, sizeof *open);
    if (!(flags & SQLITE_OPEN_MAIN_DB)) return SQLITE_CANTOPEN;
    open->file = vfs->pAppData;
    open->base.pMethods = &methods;
    if (out_flags) *out_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs, (void)name, (void)sync;
    return SQLITE_READONLY;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs, (void)name, (void)flags;
    *out = 0;
    return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int room, char *out) {
    (void)vfs;
    snprintf(out, (size_t)room, "%s", name);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    memset(out, 0, (size_t)size); /* only temporary names would need it, and there are none */
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int micros) {
    (void)vfs;
    return micros;
}

static int vfs_time(sqlite3_vfs *vfs, double *out) {
    (void)vfs;
    *out = 2440587.5; /* 1970: nothing here depends on it */
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int room, char *out) {
    (void)vfs;
    if (room > 0) out[0] = '\0';
    return 0;
}

static struct kb_result register_vfs(struct kb_db_file *file) {
    snprintf(file->name, sizeof file->name, "kitbench-%p", (void *)file);
    file->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct open_file),
        .mxPathname = 64,
        .zName = file->name,
        .pAppData = file,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
    };
    if (sqlite3_vfs_register(&file->vfs, 0) != SQLITE_OK)
        return kb_fail(KB_UNEXPECTED, 0, _("SQLite could not be started; reinstall kitbench"));
    file->registered = true;
    return kb_ok();
}

struct kb_result kb_db_file_open(struct kb_dir *dir, struct kb_secret *key, struct kb_db_file *out) {
    struct kb_stat stat;
    struct kb_result res;

    memset(out, 0, sizeof *out);
    out->key = key;
    res = kb_handle_open(dir, "Manifest.db", KB_OPEN_READ, &out->handle);
    if (!kb_failed(&res)) res = kb_handle_stat(out->handle, &stat);
    if (kb_failed(&res)) return res;
    out->size = stat.size;
    if (key) {
        out->cbc = kb_cbc_new();
        out->scratch = kb_xmalloc(READ_MAX + 3 * BLOCK);
        /* A whole block of padding ends the file unless some tool took it away: both are accepted. */
        if (stat.size % PAGE == BLOCK) out->size -= BLOCK;
    }
    return register_vfs(out);
}

void kb_db_file_close(struct kb_db_file *file) {
    struct kb_result closed = kb_handle_close(file->handle);

    (void)closed; /* it was only read */
    if (file->registered) sqlite3_vfs_unregister(&file->vfs);
    kb_cbc_free(file->cbc);
    kb_secret_free(file->key);
    if (file->scratch) kb_wipe(file->scratch, READ_MAX + 3 * BLOCK);
    free(file->scratch);
    if (file->ahead) kb_wipe(file->ahead, READ_MAX);
    free(file->ahead);
    memset(file, 0, sizeof *file);
}
