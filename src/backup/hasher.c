/*
 * Hashing files on a few threads. Jobs go into a ring in the order they are asked and are answered in that order, so
 * what is told does not depend on which thread was faster. Each thread reads into a buffer of its own.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "hasher.h"

enum { RING = 128, PIECE = 128 * 1024, THREADS_MAX = 8 };

struct kb_hasher {
    struct kb_dir *dir;
    kb_hash_done done;
    void *arg;
    pthread_t threads[THREADS_MAX];
    int thread_count;
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    /* Guarded by lock. Positions only grow; a slot is position modulo RING. */
    struct kb_hash_job *ring[RING];
    uint64_t in, taken, out;
    bool ending;
    /* The asking thread's own. */
    bool cancelled;
};

struct kb_hash_job *kb_hash_job_new(const char *path, const char *label) {
    struct kb_hash_job *job = kb_xcalloc(1, sizeof *job);

    job->path = kb_xstrdup(path);
    job->label = label ? kb_xstrdup(label) : NULL;
    return job;
}

static void job_free(struct kb_hash_job *job) {
    free(job->path);
    free(job->label);
    free(job->data);
    free(job);
}

struct tools {
    EVP_MD_CTX *sha1, *sha256;
    unsigned char *piece;
};

static void keep_ends(struct kb_hash_job *job, const unsigned char *piece, size_t got) {
    if (job->size < (int64_t)sizeof job->head) {
        size_t room = sizeof job->head - (size_t)job->size;

        memcpy(job->head + job->size, piece, got < room ? got : room);
    }
    if (got >= sizeof job->tail) {
        memcpy(job->tail, piece + got - sizeof job->tail, sizeof job->tail);
        return;
    }
    memmove(job->tail, job->tail + got, sizeof job->tail - got);
    memcpy(job->tail + sizeof job->tail - got, piece, got);
}

static struct kb_result hash_all(struct kb_handle *handle, struct kb_hash_job *job, struct tools *tools) {
    struct kb_result res;
    unsigned size;

    EVP_DigestInit_ex(tools->sha1, EVP_sha1(), NULL);
    EVP_DigestInit_ex(tools->sha256, EVP_sha256(), NULL);
    for (;;) {
        size_t got = 0;

        res = kb_handle_read(handle, tools->piece, PIECE, &got);
        if (kb_failed(&res) || got == 0) break;
        if (job->want_sha1) EVP_DigestUpdate(tools->sha1, tools->piece, got);
        if (job->want_sha256) EVP_DigestUpdate(tools->sha256, tools->piece, got);
        keep_ends(job, tools->piece, got);
        job->size += (int64_t)got;
    }
    EVP_DigestFinal_ex(tools->sha1, job->sha1, &size);
    EVP_DigestFinal_ex(tools->sha256, job->sha256, &size);
    return res;
}

static struct kb_result read_ends(struct kb_handle *handle, struct kb_hash_job *job) {
    struct kb_stat stat;
    size_t got = 0;
    int64_t tail;
    struct kb_result res = kb_handle_stat(handle, &stat);

    if (kb_failed(&res)) return res;
    job->size = stat.size;
    tail = stat.size < (int64_t)sizeof job->tail ? stat.size : (int64_t)sizeof job->tail;
    res = kb_handle_read_at(handle, 0, job->head, sizeof job->head, &got);
    if (!kb_failed(&res))
        res = kb_handle_read_at(handle, stat.size - tail, job->tail + sizeof job->tail - tail, (size_t)tail, &got);
    return res;
}

static void answer(struct kb_hasher *hasher, struct kb_hash_job *job, struct tools *tools) {
    struct kb_handle *handle = NULL;
    struct kb_result closed;

    job->result = kb_ok();
    if (job->known) return;
    job->result = kb_handle_open(hasher->dir, job->path, KB_OPEN_READ, &handle);
    if (kb_failed(&job->result)) return;
    if (job->want_sha1 || job->want_sha256)
        job->result = hash_all(handle, job, tools);
    else
        job->result = read_ends(handle, job);
    closed = kb_handle_close(handle);
    (void)closed; /* it was only read */
}

static void *body(void *arg) {
    struct kb_hasher *hasher = arg;
    struct tools tools = {EVP_MD_CTX_new(), EVP_MD_CTX_new(), kb_xmalloc(PIECE)};

    pthread_mutex_lock(&hasher->lock);
    for (;;) {
        struct kb_hash_job *job;

        while (hasher->taken == hasher->in && !hasher->ending) pthread_cond_wait(&hasher->asked, &hasher->lock);
        if (hasher->taken == hasher->in) break;
        job = hasher->ring[hasher->taken++ % RING];
        pthread_mutex_unlock(&hasher->lock);
        answer(hasher, job, &tools);
        pthread_mutex_lock(&hasher->lock);
        job->done = true;
        pthread_cond_signal(&hasher->answered);
    }
    pthread_mutex_unlock(&hasher->lock);
    EVP_MD_CTX_free(tools.sha1);
    EVP_MD_CTX_free(tools.sha256);
    free(tools.piece);
    return NULL;
}

struct kb_hasher *kb_hasher_new(struct kb_dir *dir, int threads, kb_hash_done done, void *arg) {
    struct kb_hasher *hasher = kb_xcalloc(1, sizeof *hasher);

    hasher->dir = dir;
    hasher->done = done;
    hasher->arg = arg;
    pthread_mutex_init(&hasher->lock, NULL);
    pthread_cond_init(&hasher->asked, NULL);
    pthread_cond_init(&hasher->answered, NULL);
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    for (int i = 0; i < threads || i < 1; i++)
        if (pthread_create(&hasher->threads[hasher->thread_count], NULL, body, hasher) == 0) hasher->thread_count++;
    if (hasher->thread_count == 0) abort(); /* a system that has no thread left has no memory left */
    return hasher;
}

/* Answers the oldest job, waiting for it. Called without the lock. */
static void give_oldest(struct kb_hasher *hasher) {
    struct kb_hash_job *job = hasher->ring[hasher->out % RING];

    pthread_mutex_lock(&hasher->lock);
    while (!job->done) pthread_cond_wait(&hasher->answered, &hasher->lock);
    hasher->out++;
    pthread_mutex_unlock(&hasher->lock);
    if (!hasher->cancelled && !hasher->done(hasher->arg, job)) hasher->cancelled = true;
    job_free(job);
}

bool kb_hasher_add(struct kb_hasher *hasher, struct kb_hash_job *job) {
    if (hasher->cancelled) {
        job_free(job);
        return false;
    }
    if (hasher->in - hasher->out == RING) give_oldest(hasher);
    pthread_mutex_lock(&hasher->lock);
    hasher->ring[hasher->in++ % RING] = job;
    pthread_cond_signal(&hasher->asked);
    pthread_mutex_unlock(&hasher->lock);
    return !hasher->cancelled;
}

bool kb_hasher_end(struct kb_hasher *hasher) {
    bool right;

    if (!hasher) return true;
    while (hasher->out != hasher->in) give_oldest(hasher);
    pthread_mutex_lock(&hasher->lock);
    hasher->ending = true;
    pthread_cond_broadcast(&hasher->asked);
    pthread_mutex_unlock(&hasher->lock);
    for (int i = 0; i < hasher->thread_count; i++) pthread_join(hasher->threads[i], NULL);
    pthread_cond_destroy(&hasher->asked);
    pthread_cond_destroy(&hasher->answered);
    pthread_mutex_destroy(&hasher->lock);
    right = !hasher->cancelled;
    free(hasher);
    return right;
}
