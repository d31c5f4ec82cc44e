/* Private to the backup room: what the parts of the confined folder share. */
#ifndef KB_BACKUP_CONFINED_H
#define KB_BACKUP_CONFINED_H

#include "kitbench/backup.h"

/* Temporary files lie in the folder's top, so that a commit is one rename on one file system. */
#define KB_CONFINED_TEMPORARY "kb-tmp-"
enum { KB_CONFINED_GATHER = 64 * 1024, KB_CONFINED_NAME = 1100 };

struct kb_confined {
    struct kb_files files;
    struct kb_dir *dir; /* the backup's folder, held open */
    struct kb_lock *lock;
    bool read_only;
    char folder[256]; /* its name, the first component of every path */
    size_t folder_size;
    uint64_t next_temporary;
    kb_arrived arrived;
    void *arrived_arg;
    char *refused;         /* the first name that was refused; NULL none */
    struct kb_file *spare; /* one ended file kept for the next: 20,000 small files need no 20,000 buffers */
};

/*
 * The path inside the folder of what the device named: one leading '/' is dropped, the rest checked, the folder's name
 * taken off. "" is the folder itself, which only calls with whole = true accept. The result points into path.
 */
struct kb_result kb_confined_inside(struct kb_confined *confined, const char *path, bool whole, const char **inside);
struct kb_result kb_confined_changeable(const struct kb_confined *confined);
bool kb_confined_is_temporary(const char *inside);
/* A temporary name that nothing else has. */
void kb_confined_temporary(struct kb_confined *confined, char out[64]);
/* Renames inside the folder; makes the parents of to when they are missing, and takes away a tree that is in the way.
 */
struct kb_result kb_confined_rename(struct kb_confined *confined, const char *from, const char *to);

/* The op-table's functions. */
struct kb_result kb_confined_file_open(void *ctx, const char *path, struct kb_file **file, int64_t *size);
struct kb_result kb_confined_file_read(struct kb_file *file, void *data, size_t room, size_t *got);
struct kb_result kb_confined_file_create(void *ctx, const char *path, struct kb_file **file);
struct kb_result kb_confined_file_write(struct kb_file *file, const void *data, size_t size);
struct kb_result kb_confined_file_commit(struct kb_file *file);
void kb_confined_file_close(struct kb_file *file);
void kb_confined_file_drop(struct kb_file *file); /* frees the spare */
struct kb_result kb_confined_make_dir(void *ctx, const char *path);
struct kb_result kb_confined_move(void *ctx, const char *from, const char *to);
struct kb_result kb_confined_copy(void *ctx, const char *from, const char *to);
struct kb_result kb_confined_remove(void *ctx, const char *path);
struct kb_result kb_confined_list(void *ctx, const char *path, bool (*each)(void *arg, const struct kb_entry *entry),
                                  void *arg);
struct kb_result kb_confined_space(void *ctx, int64_t *bytes);
#endif
