/* Private to the backup room: many files hashed by a few threads, answered in the order they were asked. */
#ifndef KB_BACKUP_HASHER_H
#define KB_BACKUP_HASHER_H

#include "room.h"

struct kb_hash_job {
    /* Asked. */
    char *path;                  /* inside the folder; freed with the job */
    char *label;                 /* for findings; NULL: path */
    bool want_sha1, want_sha256; /* neither: only the file's ends are read */
    bool known;                  /* sha256 is given already; the job only keeps its place in the order */
    void *data;                  /* the asker's, freed with the job */
    /* Answered. */
    struct kb_result result;
    int64_t size;
    unsigned char sha1[20], sha256[32];
    unsigned char head[32], tail[32]; /* the first 32 bytes and the last 32, as far as they are there */
    bool done;                        /* guarded by the hasher's lock */
};
/* Called on the asking thread, in order; false cancels all that is left. */
typedef bool (*kb_hash_done)(void *arg, struct kb_hash_job *job);

struct kb_hasher;
/* threads 1 to 8; the answers do not depend on it. dir must outlive the hasher. */
struct kb_hasher *kb_hasher_new(struct kb_dir *dir, int threads, kb_hash_done done, void *arg);
/* Takes the job; blocks while too many are open, answering the oldest meanwhile. false: cancelled. */
bool kb_hasher_add(struct kb_hasher *hasher, struct kb_hash_job *job);
/* Answers all that is left and ends the threads. false: cancelled. */
bool kb_hasher_end(struct kb_hasher *hasher);
struct kb_hash_job *kb_hash_job_new(const char *path, const char *label);
#endif
