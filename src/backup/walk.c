/*
 * Listing the 256 folders. Each file costs a system call for its length, which is most of a quick check; two threads
 * make these calls while the rows of the folders before are judged. Folders are handed out in their order.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"
#include "walk.h"

enum { AHEAD_ENTRIES = 200000, THREADS = 2 };

struct hand {
    struct kb_walk *walk;
    struct kb_dir *dir;
    pthread_t thread;
};

struct kb_walk {
    struct kb_dir *dir;
    size_t max;
    struct hand hands[THREADS];
    int hand_count;
    int given; /* the asking thread's own: folders handed out */
    pthread_mutex_t lock;
    pthread_cond_t listed, freed;
    /* Guarded by lock; a folder that was begun and is not done is its lister's alone. */
    int begun;    /* folders that somebody lists or has listed */
    size_t ahead; /* entries that are listed and not released yet */
    bool done[KB_WALK_FOLDERS];
    bool ending;
    struct kb_walked_folder folders[KB_WALK_FOLDERS];
};

struct listing {
    struct kb_walked_folder *folder;
    size_t max;
};

static bool take_entry(void *arg, const struct kb_entry *entry) {
    struct listing *listing = arg;
    struct kb_walked_folder *folder = listing->folder;
    struct kb_walked *walked;

    if (folder->count >= listing->max) {
        folder->flooded = true;
        return false;
    }
    if (folder->count == folder->room) {
        folder->room = folder->room ? folder->room * 2 : 1024;
        folder->entries = kb_xrealloc(folder->entries, folder->room * sizeof *folder->entries);
    }
    walked = &folder->entries[folder->count++];
    memset(walked, 0, sizeof *walked);
    walked->kind = entry->kind;
    walked->size = entry->size;
    walked->modified = entry->modified;
    if (!kb_file_id_bytes(entry->name, strlen(entry->name), walked->id) || memcmp(entry->name, folder->name, 2) != 0)
        walked->odd = kb_xstrdup(entry->name);
    return true;
}

static void forget(struct kb_walked_folder *folder) {
    for (size_t i = 0; i < folder->count; i++) free(folder->entries[i].odd);
    free(folder->entries);
    folder->entries = NULL;
    folder->count = folder->room = 0;
}

static void list_folder(struct kb_walk *walk, struct kb_dir *dir, int number) {
    static const char digits[] = "0123456789abcdef";
    struct kb_walked_folder *folder = &walk->folders[number];
    struct listing listing = {folder, walk->max};

    folder->name[0] = digits[number >> 4];
    folder->name[1] = digits[number & 15];
    folder->result = kb_dir_list(dir, folder->name, take_entry, &listing);
}

/* The one that the asker waits for may always begin. */
static bool may_begin(const struct kb_walk *walk) { return walk->ahead < AHEAD_ENTRIES; }

static void *body(void *arg) {
    struct hand *hand = arg;
    struct kb_walk *walk = hand->walk;

    pthread_mutex_lock(&walk->lock);
    while (!walk->ending && walk->begun < KB_WALK_FOLDERS) {
        if (!may_begin(walk)) {
            pthread_cond_wait(&walk->freed, &walk->lock);
            continue;
        }
        int number = walk->begun++;
        pthread_mutex_unlock(&walk->lock);
        list_folder(walk, hand->dir, number);
        pthread_mutex_lock(&walk->lock);
        walk->done[number] = true;
        walk->ahead += walk->folders[number].count;
        pthread_cond_signal(&walk->listed);
    }
    pthread_mutex_unlock(&walk->lock);
    return NULL;
}

static bool start(struct kb_walk *walk, struct hand *hand) {
    struct kb_result res = kb_dir_open_twin(walk->dir, &hand->dir);

    hand->walk = walk;
    if (kb_failed(&res)) return false;
    if (pthread_create(&hand->thread, NULL, body, hand) == 0) return true;
    kb_dir_close(hand->dir);
    return false;
}

struct kb_walk *kb_walk_new(struct kb_dir *dir, size_t max) {
    struct kb_walk *walk = kb_xcalloc(1, sizeof *walk);

    walk->dir = dir;
    walk->max = max;
    pthread_mutex_init(&walk->lock, NULL);
    pthread_cond_init(&walk->listed, NULL);
    pthread_cond_init(&walk->freed, NULL);
    while (walk->hand_count < THREADS && start(walk, &walk->hands[walk->hand_count])) walk->hand_count++;
    return walk;
}

const struct kb_walked_folder *kb_walk_next(struct kb_walk *walk) {
    struct kb_walked_folder *last = walk->given > 0 ? &walk->folders[walk->given - 1] : NULL;
    int number = walk->given++;
    bool alone = walk->hand_count == 0; /* a system without threads to spare */

    pthread_mutex_lock(&walk->lock);
    if (last) walk->ahead -= alone ? 0 : last->count;
    pthread_cond_broadcast(&walk->freed);
    while (!alone && !walk->done[number]) pthread_cond_wait(&walk->listed, &walk->lock);
    pthread_mutex_unlock(&walk->lock);
    if (last) forget(last);
    if (alone) list_folder(walk, walk->dir, number);
    return &walk->folders[number];
}

void kb_walk_free(struct kb_walk *walk) {
    if (!walk) return;
    pthread_mutex_lock(&walk->lock);
    walk->ending = true;
    pthread_cond_broadcast(&walk->freed);
    pthread_mutex_unlock(&walk->lock);
    for (int i = 0; i < walk->hand_count; i++) {
        pthread_join(walk->hands[i].thread, NULL);
        kb_dir_close(walk->hands[i].dir);
    }
    for (int i = 0; i < KB_WALK_FOLDERS; i++) forget(&walk->folders[i]);
    pthread_cond_destroy(&walk->listed);
    pthread_cond_destroy(&walk->freed);
    pthread_mutex_destroy(&walk->lock);
    free(walk);
}
