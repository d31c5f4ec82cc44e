/*
 * The op-table through which the device room reaches files: implemented by the backup room on one confined folder.
 * Part of the base room.
 *
 * Every path is what the device named, untouched ("UDID/Snapshot/ab/abcdef..."), not NUL-safe and not to be trusted;
 * the implementation refuses (KB_HOST, KB_HOST_REFUSED) whatever could leave the folder, on any platform. Failures are
 * KB_HOST with an enum kb_host_code, from which DeviceLink's status codes are made.
 */
#ifndef KITBENCH_FILES_H
#define KITBENCH_FILES_H

#include "kitbench/base.h"

enum kb_entry_kind { KB_ENTRY_OTHER, KB_ENTRY_FILE, KB_ENTRY_DIR };
struct kb_entry {
    const char *name; /* one component, UTF-8 */
    enum kb_entry_kind kind;
    int64_t size;
    int64_t modified; /* seconds since 1970 */
};

struct kb_file; /* one open file of the implementation */

struct kb_files {
    void *ctx;
    /* Opens for reading. size is the length now; read must give exactly that many bytes or fail. */
    struct kb_result (*open)(void *ctx, const char *path, struct kb_file **file, int64_t *size);
    /* Reads up to room bytes; got 0 = end. */
    struct kb_result (*read)(struct kb_file *file, void *data, size_t room, size_t *got);
    /* Starts a file under a temporary name, making parent folders; nothing is seen under path before commit. */
    struct kb_result (*create)(void *ctx, const char *path, struct kb_file **file);
    struct kb_result (*write)(struct kb_file *file, const void *data, size_t size);
    /* Ends the file in any case: commit renames it to its path (replacing), abandon removes what was written. */
    struct kb_result (*commit)(struct kb_file *file);
    void (*close)(struct kb_file *file);                       /* ends a reading, or abandons a writing; NULL is fine */
    struct kb_result (*make_dir)(void *ctx, const char *path); /* with parents; existing is fine */
    struct kb_result (*move)(void *ctx, const char *from, const char *to); /* replaces; makes parents */
    struct kb_result (*copy)(void *ctx, const char *from, const char *to); /* a file or a tree */
    struct kb_result (*remove)(void *ctx, const char *path);               /* a file or a tree; missing is fine */
    /* One level. The callback returns false to stop. */
    struct kb_result (*list)(void *ctx, const char *path, bool (*each)(void *arg, const struct kb_entry *entry),
                             void *arg);
    struct kb_result (*free_space)(void *ctx,
                                   int64_t *bytes); /* f_frsize * f_bavail, never f_bsize (protocol.md 9.1) */
};
#endif
