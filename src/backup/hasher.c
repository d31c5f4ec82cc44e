/*
 * Hashing files on a few threads. Jobs go into a ring in the order they are asked and are answered in that order, so
 * what is told does not depend on which thread was faster. Each thread has a buffer and a hold on the folder of its
 * own, and jobs change hands in batches of about BATCH_BYTES: small files by the dozen, a large one by itself.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "hasher.h"

enum { RING = 256, BATCH_MAX = 32, BATCH_BYTES = 1024 * 1024, PIECE = 64 * 1024, THREADS_MAX = 8 };

/* What one thread works with. */
struct tools {
    struct kb_hasher *hasher;
    struct kb_dir *dir;
    EVP_MD_CTX *sha1, *sha256;
    unsigned char *piece;
};

struct kb_hasher {
    struct kb_dir *dir;
    kb_hash_done done;
    void *arg;
    pthread_t threads[THREADS_MAX];
    struct tools tools[THREADS_MAX]; /* each its thread's own */
    int thread_count;
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    /* Guarded by lock. Positions only grow; a slot is position modulo RING. */
    struct kb_hash_job *ring[RING];
    uint64_t in, taken, answered_jobs;
    int64_t answered_bytes;
    int sleeping;         /* threads that wait for jobs */
    bool waiting, ending; /* waiting: the asking thread, for an answer */
    /* The asking thread's own: positions that were asked (in is what was handed over), that are known to be done, and
       that were answered; how many were not handed over yet, and how many are at once. */
    uint64_t asked_in, done_to, out, open, batch;
    bool cancelled;
    EVP_MD *md_sha1, *md_sha256; /* fetched once: looking them up costs as much as hashing a small file */
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

/* To the length that the file had when it was opened; most files are one read. */
static struct kb_result hash_all(struct kb_handle *handle, struct kb_hash_job *job, struct tools *tools) {
    int64_t whole = kb_handle_size(handle);
    struct kb_result res = kb_ok();
    size_t got = 1;
    unsigned size;

    if (job->want_sha1) EVP_DigestInit_ex(tools->sha1, tools->hasher->md_sha1, NULL);
    if (job->want_sha256) EVP_DigestInit_ex(tools->sha256, tools->hasher->md_sha256, NULL);
    while (got > 0 && job->size != whole) {
        res = kb_handle_read(handle, tools->piece, PIECE, &got);
        if (kb_failed(&res)) break;
        if (job->want_sha1) EVP_DigestUpdate(tools->sha1, tools->piece, got);
        if (job->want_sha256) EVP_DigestUpdate(tools->sha256, tools->piece, got);
        keep_ends(job, tools->piece, got);
        job->size += (int64_t)got;
    }
    if (job->want_sha1) EVP_DigestFinal_ex(tools->sha1, job->sha1, &size);
    if (job->want_sha256) EVP_DigestFinal_ex(tools->sha256, job->sha256, &size);
    return res;
}

/* A small file costs one read; of a large one both ends are fetched. */
static struct kb_result read_ends(struct kb_handle *handle, struct kb_hash_job *job, struct tools *tools) {
    int64_t size = kb_handle_size(handle);
    size_t got = 0, tail = sizeof job->tail;
    struct kb_result res;

    if (size <= PIECE) {
        res = kb_handle_read_at(handle, 0, tools->piece, PIECE, &got);
        if (!kb_failed(&res) && got) keep_ends(job, tools->piece, got);
        job->size = (int64_t)got;
        return res;
    }
    job->size = size;
    res = kb_handle_read_at(handle, 0, job->head, sizeof job->head, &got);
    if (!kb_failed(&res)) res = kb_handle_read_at(handle, size - (int64_t)tail, job->tail, tail, &got);
    return res;
}

static void answer(struct kb_hash_job *job, struct tools *tools) {
    struct kb_handle *handle = NULL;
    struct kb_result closed;

    job->result = kb_ok();
    if (job->known) return;
    job->result = kb_handle_open(tools->dir, job->path, KB_OPEN_READ, &handle);
    if (kb_failed(&job->result)) return;
    if (job->want_sha1 || job->want_sha256)
        job->result = hash_all(handle, job, tools);
    else
        job->result = read_ends(handle, job, tools);
    closed = kb_handle_close(handle);
    (void)closed; /* it was only read */
}

/* ---- Handing over ---- */

/* How many jobs are about BATCH_BYTES, by the files so far. Called with the lock. */
static uint64_t batch_size(const struct kb_hasher *hasher) {
    int64_t mean = hasher->answered_jobs ? hasher->answered_bytes / (int64_t)hasher->answered_jobs : BATCH_BYTES;
    int64_t count = BATCH_BYTES / (mean + 1);

    return count < 1 ? 1 : count < BATCH_MAX ? (uint64_t)count : BATCH_MAX;
}

/* The next jobs, [*from, *to); false at the end. Called with the lock. */
static bool take_batch(struct kb_hasher *hasher, uint64_t *from, uint64_t *to) {
    while (hasher->taken == hasher->in && !hasher->ending) {
        hasher->sleeping++;
        pthread_cond_wait(&hasher->asked, &hasher->lock);
        hasher->sleeping--;
    }
    *from = hasher->taken;
    *to = *from + batch_size(hasher);
    if (*to > hasher->in) *to = hasher->in;
    hasher->taken = *to;
    return *from != *to;
}

static void give_batch(struct kb_hasher *hasher, uint64_t from, uint64_t to) {
    for (; from < to; from++) {
        struct kb_hash_job *job = hasher->ring[from % RING];

        job->done = true;
        hasher->answered_jobs++;
        hasher->answered_bytes += job->size;
    }
    if (hasher->waiting) pthread_cond_signal(&hasher->answered);
}

static void *body(void *arg) {
    struct tools *tools = arg;
    struct kb_hasher *hasher = tools->hasher;
    uint64_t from, to;

    pthread_mutex_lock(&hasher->lock);
    while (take_batch(hasher, &from, &to)) {
        struct kb_hash_job *batch[BATCH_MAX];

        for (uint64_t at = from; at < to; at++) batch[at - from] = hasher->ring[at % RING];
        pthread_mutex_unlock(&hasher->lock);
        for (uint64_t at = from; at < to; at++) answer(batch[at - from], tools);
        pthread_mutex_lock(&hasher->lock);
        give_batch(hasher, from, to);
    }
    pthread_mutex_unlock(&hasher->lock);
    return NULL;
}

static bool start_thread(struct kb_hasher *hasher, struct tools *tools) {
    struct kb_result res = kb_dir_open_twin(hasher->dir, &tools->dir);

    if (kb_failed(&res)) tools->dir = NULL;
    tools->hasher = hasher;
    tools->sha1 = EVP_MD_CTX_new();
    tools->sha256 = EVP_MD_CTX_new();
    tools->piece = kb_xmalloc(PIECE);
    return tools->dir && tools->sha1 && tools->sha256 &&
           pthread_create(&hasher->threads[hasher->thread_count], NULL, body, tools) == 0;
}

static void tools_release(struct tools *tools) {
    kb_dir_close(tools->dir);
    EVP_MD_CTX_free(tools->sha1);
    EVP_MD_CTX_free(tools->sha256);
    free(tools->piece);
}

struct kb_hasher *kb_hasher_new(struct kb_dir *dir, int threads, kb_hash_done done, void *arg) {
    struct kb_hasher *hasher = kb_xcalloc(1, sizeof *hasher);

    hasher->dir = dir;
    hasher->done = done;
    hasher->arg = arg;
    hasher->md_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    hasher->md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    pthread_mutex_init(&hasher->lock, NULL);
    pthread_cond_init(&hasher->asked, NULL);
    pthread_cond_init(&hasher->answered, NULL);
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    for (int i = 0; i < threads || i < 1; i++) {
        struct tools *tools = &hasher->tools[hasher->thread_count];

        if (start_thread(hasher, tools))
            hasher->thread_count++;
        else
            tools_release(tools);
    }
    /* A system that has no thread left has no memory left. */
    if (hasher->thread_count == 0 || !hasher->md_sha1 || !hasher->md_sha256) abort();
    return hasher;
}

/* Lets the threads have what was asked. */
static void hand_over(struct kb_hasher *hasher) {
    pthread_mutex_lock(&hasher->lock);
    hasher->in = hasher->asked_in;
    hasher->batch = batch_size(hasher);
    if (hasher->sleeping) pthread_cond_signal(&hasher->asked);
    pthread_mutex_unlock(&hasher->lock);
}

/* Waits for the oldest job, and learns which behind it are done too. */
static void wait_oldest(struct kb_hasher *hasher) {
    pthread_mutex_lock(&hasher->lock);
    hasher->waiting = true;
    while (!hasher->ring[hasher->out % RING]->done) pthread_cond_wait(&hasher->answered, &hasher->lock);
    hasher->waiting = false;
    while (hasher->done_to < hasher->in && hasher->ring[hasher->done_to % RING]->done) hasher->done_to++;
    pthread_mutex_unlock(&hasher->lock);
}

/* Answers the oldest job, waiting for it. Called without the lock. */
static void give_oldest(struct kb_hasher *hasher) {
    struct kb_hash_job *job = hasher->ring[hasher->out % RING];

    if (hasher->done_to <= hasher->out) wait_oldest(hasher);
    hasher->out++;
    if (!hasher->cancelled && !hasher->done(hasher->arg, job)) hasher->cancelled = true;
    job_free(job);
}

bool kb_hasher_add(struct kb_hasher *hasher, struct kb_hash_job *job) {
    if (hasher->cancelled) {
        job_free(job);
        return false;
    }
    if (hasher->asked_in - hasher->out == RING) {
        if (hasher->done_to <= hasher->out) hand_over(hasher); /* it must not wait for what nobody has */
        give_oldest(hasher);
    }
    hasher->ring[hasher->asked_in++ % RING] = job; /* nobody looks there before it is handed over */
    if (++hasher->open >= hasher->batch) {
        hasher->open = 0;
        hand_over(hasher);
    }
    return !hasher->cancelled;
}

bool kb_hasher_end(struct kb_hasher *hasher) {
    bool right;

    if (!hasher) return true;
    hand_over(hasher);
    while (hasher->out != hasher->asked_in) give_oldest(hasher);
    pthread_mutex_lock(&hasher->lock);
    hasher->ending = true;
    pthread_cond_broadcast(&hasher->asked);
    pthread_mutex_unlock(&hasher->lock);
    for (int i = 0; i < hasher->thread_count; i++) pthread_join(hasher->threads[i], NULL);
    for (int i = 0; i < hasher->thread_count; i++) tools_release(&hasher->tools[i]);
    pthread_cond_destroy(&hasher->asked);
    pthread_cond_destroy(&hasher->answered);
    pthread_mutex_destroy(&hasher->lock);
    EVP_MD_free(hasher->md_sha1);
    EVP_MD_free(hasher->md_sha256);
    right = !hasher->cancelled;
    free(hasher);
    return right;
}
