/*
 * AFC (protocol.md 6.7): a small file tree in memory, and locks among connections (the sync lock file). Device folders
 * that a host may not write are refused.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    AFC_STATUS = 0x01,
    AFC_DATA = 0x02,
    AFC_LIST = 0x03,
    AFC_REMOVE = 0x08,
    AFC_MKDIR = 0x09,
    AFC_INFO = 0x0a,
    AFC_DEVICE_INFO = 0x0b,
    AFC_OPEN = 0x0d,
    AFC_OPENED = 0x0e,
    AFC_READ = 0x0f,
    AFC_WRITE = 0x10,
    AFC_SEEK = 0x11,
    AFC_TELL = 0x12,
    AFC_TOLD = 0x13,
    AFC_CLOSE = 0x14,
    AFC_TRUNCATE = 0x15,
    AFC_RENAME = 0x18,
    AFC_LOCK = 0x1b,
    AFC_SET_TIME = 0x1e,
    AFC_REMOVE_ALL = 0x22
};
enum {
    OK = 0,
    UNKNOWN_PACKET = 2,
    INVALID_ARGUMENT = 7,
    NOT_FOUND = 8,
    IS_DIR = 9,
    DENIED = 10,
    EXISTS = 16,
    WOULD_BLOCK = 19,
    NOT_SUPPORTED = 22,
    DIR_NOT_EMPTY = 33
};
enum { PACKET_MAX = 16 * 1024 * 1024, HANDLES_MAX = 32 };
enum { LOCK_SHARED = 5, LOCK_EXCLUSIVE = 6, LOCK_NONE = 12 };

struct afc_node {
    struct afc_node *next;
    char *path; /* "/Books", no slash at the end; the root is "" */
    bool dir;
    unsigned char *data;
    size_t size;
    time_t changed;
};

struct afc_lock {
    struct afc_lock *next;
    const void *owner; /* the connection */
    char *path;
    bool exclusive;
};

struct head {
    char magic[8];
    uint64_t entire, this_part, number, operation; /* little-endian on the wire */
};

struct handle {
    char *path; /* NULL: free */
    size_t at;
    bool may_write, append;
};

struct afc {
    struct sim_stream *stream;
    struct sim_device *dev;
    struct head head;
    unsigned char *packet; /* fixed part and payload */
    size_t fixed, size;
    struct handle handles[HANDLES_MAX];
};

/* --- the tree; afc_lock of the device is held --- */

static struct afc_node *find(struct sim_own *own, const char *path) {
    for (struct afc_node *node = own->afc_nodes; node; node = node->next)
        if (strcmp(node->path, path) == 0) return node;
    return NULL;
}

static struct afc_node *add(struct sim_own *own, const char *path, bool dir) {
    struct afc_node *node = calloc(1, sizeof *node);
    node->path = strdup(path);
    node->dir = dir;
    node->changed = time(NULL);
    node->next = own->afc_nodes;
    own->afc_nodes = node;
    return node;
}

static bool below(const char *path, const char *dir) {
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && path[n] == '/';
}

static void drop(struct sim_own *own, const char *path, bool with_children) {
    for (struct afc_node **at = &own->afc_nodes; *at;) {
        struct afc_node *node = *at;
        if (strcmp(node->path, path) != 0 && !(with_children && below(node->path, path))) {
            at = &node->next;
            continue;
        }
        *at = node->next;
        free(node->path);
        free(node->data);
        free(node);
    }
}

static void put_file(struct sim_own *own, const char *path, const char *data) {
    struct afc_node *node = add(own, path, false);
    node->size = strlen(data);
    node->data = malloc(node->size + 1);
    memcpy(node->data, data, node->size);
}

void sim_afc_init(struct sim_device *dev) {
    static const char *const dirs[] = {
        "",        "/DCIM",           "/DCIM/100APPLE",         "/Downloads", "/Books", "/PublicStaging",
        "/Photos", "/iTunes_Control", "/iTunes_Control/iTunes", "/Recordings"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) add(dev->own, dirs[i], true);
    put_file(dev->own, "/iTunes_Control/iTunes/iTunesPrefs", "frpd-simulated-preferences");
    put_file(dev->own, "/iTunes_Control/iTunes/iTunesPrefs.plist",
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict/></plist>\n");
    put_file(dev->own, "/iTunes_Control/iTunes/IC-Info.sidv", "ic-info");
    put_file(dev->own, "/Books/iBooksData2.plist",
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict/></plist>\n");
}

/* Canonical: one leading slash, none at the end, no "." nor "..". false: refused. */
static bool canonical(const char *path, char *out, size_t size) {
    size_t n = 0;
    while (*path) {
        while (*path == '/') path++;
        size_t part = strcspn(path, "/");
        if (part == 0 || (part == 1 && path[0] == '.')) {
            path += part;
            continue;
        }
        if ((part == 2 && memcmp(path, "..", 2) == 0) || n + part + 2 > size) return false;
        out[n++] = '/';
        memcpy(out + n, path, part);
        n += part;
        path += part;
    }
    out[n] = 0;
    return true;
}

static bool parent_exists(struct sim_own *own, const char *path) {
    char parent[1024];
    sim_copy(parent, sizeof parent, path);
    char *slash = strrchr(parent, '/');
    if (slash) *slash = 0;
    struct afc_node *node = find(own, parent);
    return node && node->dir;
}

/* The restore list needs an activated device that has been unlocked (protocol.md 9.1, 14). */
static bool write_denied(struct sim_device *dev, const char *path) {
    bool restore = strcmp(path, "/iTunesRestore") == 0 || below(path, "/iTunesRestore");
    return (restore && !dev->activated) || path[0] == 0;
}

/* --- replies --- */

static bool send_reply(struct afc *afc, uint64_t operation, const void *fixed, size_t fixed_size, const void *data,
                       size_t size) {
    struct head head = {"", sizeof head + fixed_size + size, sizeof head + fixed_size, afc->head.number, operation};
    memcpy(head.magic, "CFA6LPAA", 8);
    return sim_write(afc->stream, &head, sizeof head) && (!fixed_size || sim_write(afc->stream, fixed, fixed_size)) &&
           (!size || sim_write(afc->stream, data, size)) && sim_flush(afc->stream);
}

static bool send_status(struct afc *afc, uint64_t code) {
    return send_reply(afc, AFC_STATUS, &code, sizeof code, NULL, 0);
}

struct words {
    char *data;
    size_t size;
};

static void words_add(struct words *words, const char *word) {
    size_t n = strlen(word) + 1;
    words->data = realloc(words->data, words->size + n);
    memcpy(words->data + words->size, word, n);
    words->size += n;
}

static void words_pair(struct words *words, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    words_add(words, key);
    words_add(words, text);
}

static bool send_words(struct afc *afc, struct words *words) {
    bool ok = send_reply(afc, AFC_DATA, NULL, 0, words->data, words->size);
    free(words->data);
    return ok;
}

/* --- arguments --- */

static uint64_t number_at(const struct afc *afc, size_t offset) {
    uint64_t value = 0;
    if (offset + 8 <= afc->size) memcpy(&value, afc->packet + offset, 8);
    return value;
}

/* packet has a NUL behind its end. */
static bool path_at(struct afc *afc, size_t offset, char *out, size_t size) {
    return offset < afc->size && canonical((const char *)afc->packet + offset, out, size);
}

static struct handle *handle_at(struct afc *afc, size_t offset) {
    uint64_t id = number_at(afc, offset);
    return id >= 1 && id <= HANDLES_MAX && afc->handles[id - 1].path ? &afc->handles[id - 1] : NULL;
}

/* --- operations: each under the tree's lock, and answers itself --- */

static bool op_list(struct afc *afc, const char *path) {
    struct words words = {NULL, 0};
    struct afc_node *dir = find(afc->dev->own, path);
    if (!dir || !dir->dir) return send_status(afc, dir ? INVALID_ARGUMENT : NOT_FOUND);
    words_add(&words, ".");
    words_add(&words, "..");
    for (struct afc_node *node = afc->dev->own->afc_nodes; node; node = node->next)
        if (node->path[0] && below(node->path, path) && !strchr(node->path + strlen(path) + 1, '/'))
            words_add(&words, node->path + strlen(path) + 1);
    return send_words(afc, &words);
}

static bool op_info(struct afc *afc, const char *path) {
    struct words words = {NULL, 0};
    struct afc_node *node = find(afc->dev->own, path);
    if (!node) return send_status(afc, NOT_FOUND);
    words_pair(&words, "st_size", (int64_t)node->size);
    words_pair(&words, "st_blocks", (int64_t)(node->size + 511) / 512);
    words_pair(&words, "st_nlink", node->dir ? 2 : 1);
    words_add(&words, "st_ifmt");
    words_add(&words, node->dir ? "S_IFDIR" : "S_IFREG");
    words_pair(&words, "st_mtime", (int64_t)node->changed * 1000000000);
    words_pair(&words, "st_birthtime", (int64_t)node->changed * 1000000000);
    return send_words(afc, &words);
}

static bool op_device_info(struct afc *afc, const char *path) {
    (void)path;
    struct words words = {NULL, 0};
    words_add(&words, "Model");
    words_add(&words, afc->dev->product_type);
    words_pair(&words, "FSTotalBytes", afc->dev->capacity_bytes);
    words_pair(&words, "FSFreeBytes", afc->dev->free_bytes);
    words_pair(&words, "FSBlockSize", 4096);
    return send_words(afc, &words);
}

static bool op_mkdir(struct afc *afc, const char *path) {
    struct sim_own *own = afc->dev->own;
    if (write_denied(afc->dev, path)) return send_status(afc, DENIED);
    if (find(own, path)) return send_status(afc, OK); /* as the device: no error for what is there */
    char part[1024];
    for (size_t i = 1; i <= strlen(path); i++) { /* with its parents */
        if (path[i] != '/' && path[i] != 0) continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (!find(own, part)) add(own, part, true);
    }
    return send_status(afc, OK);
}

static bool op_remove(struct afc *afc, const char *path) {
    struct sim_own *own = afc->dev->own;
    struct afc_node *node = find(own, path);
    if (!node) return send_status(afc, NOT_FOUND);
    if (write_denied(afc->dev, path)) return send_status(afc, DENIED);
    for (struct afc_node *other = own->afc_nodes; other; other = other->next)
        if (node->dir && below(other->path, path)) return send_status(afc, DIR_NOT_EMPTY);
    drop(own, path, false);
    return send_status(afc, OK);
}

static bool op_remove_all(struct afc *afc, const char *path) {
    if (!find(afc->dev->own, path)) return send_status(afc, NOT_FOUND);
    if (write_denied(afc->dev, path)) return send_status(afc, DENIED);
    drop(afc->dev->own, path, true);
    return send_status(afc, OK);
}

/* Modes: 1 r, 2 rw (made), 3 w (made, emptied), 4 rw (made, emptied), 5 append, 6 read and append. */
static struct afc_node *open_node(struct afc *afc, const char *path, uint64_t mode, uint64_t *code) {
    struct sim_own *own = afc->dev->own;
    struct afc_node *node = find(own, path);
    *code = OK;
    if (mode < 1 || mode > 6)
        *code = INVALID_ARGUMENT;
    else if (node && node->dir)
        *code = IS_DIR;
    else if (!node && mode == 1)
        *code = NOT_FOUND;
    else if (mode != 1 && write_denied(afc->dev, path))
        *code = DENIED;
    else if (!node && !parent_exists(own, path))
        *code = NOT_FOUND;
    if (*code != OK) return NULL;
    if (!node) node = add(own, path, false);
    if (mode == 3 || mode == 4) node->size = 0;
    return node;
}

static bool op_open(struct afc *afc, const char *path) {
    uint64_t code, id = 0, mode = number_at(afc, 0);
    struct afc_node *node = open_node(afc, path, mode, &code);
    if (!node) return send_status(afc, code);
    while (id < HANDLES_MAX && afc->handles[id].path) id++;
    if (id == HANDLES_MAX) return send_status(afc, INVALID_ARGUMENT);
    afc->handles[id] = (struct handle){strdup(path), 0, mode != 1, mode >= 5};
    id++;
    return send_reply(afc, AFC_OPENED, &id, sizeof id, NULL, 0);
}

static bool op_read(struct afc *afc, const char *path) {
    (void)path;
    struct handle *handle = handle_at(afc, 0);
    struct afc_node *node = handle ? find(afc->dev->own, handle->path) : NULL;
    uint64_t want = number_at(afc, 8);
    if (!node) return send_status(afc, INVALID_ARGUMENT);
    size_t left = handle->at < node->size ? node->size - handle->at : 0;
    size_t n = want < left ? (size_t)want : left;
    bool ok = send_reply(afc, AFC_DATA, NULL, 0, node->data + handle->at, n);
    handle->at += n;
    return ok;
}

static bool op_write(struct afc *afc, const char *path) {
    (void)path;
    struct handle *handle = handle_at(afc, 0);
    struct afc_node *node = handle ? find(afc->dev->own, handle->path) : NULL;
    if (!node || !handle->may_write || afc->fixed < 8) return send_status(afc, INVALID_ARGUMENT);
    size_t n = afc->size - 8, at = handle->append ? node->size : handle->at;
    if (at + n > node->size) {
        node->data = realloc(node->data, at + n);
        if (at > node->size) memset(node->data + node->size, 0, at - node->size);
        node->size = at + n;
    }
    memcpy(node->data + at, afc->packet + 8, n);
    handle->at = at + n;
    node->changed = time(NULL);
    return send_status(afc, OK);
}

static bool op_seek(struct afc *afc, const char *path) {
    (void)path;
    struct handle *handle = handle_at(afc, 0);
    struct afc_node *node = handle ? find(afc->dev->own, handle->path) : NULL;
    uint64_t whence = number_at(afc, 8);
    int64_t offset = (int64_t)number_at(afc, 16);
    if (!node || whence > 2) return send_status(afc, INVALID_ARGUMENT);
    int64_t from = whence == 0 ? 0 : whence == 1 ? (int64_t)handle->at : (int64_t)node->size;
    if (from + offset < 0) return send_status(afc, INVALID_ARGUMENT);
    handle->at = (size_t)(from + offset);
    return send_status(afc, OK);
}

static bool op_tell(struct afc *afc, const char *path) {
    (void)path;
    struct handle *handle = handle_at(afc, 0);
    if (!handle) return send_status(afc, INVALID_ARGUMENT);
    uint64_t at = handle->at;
    return send_reply(afc, AFC_TOLD, &at, sizeof at, NULL, 0);
}

static bool op_truncate(struct afc *afc, const char *path) {
    (void)path;
    struct handle *handle = handle_at(afc, 0);
    struct afc_node *node = handle ? find(afc->dev->own, handle->path) : NULL;
    uint64_t size = number_at(afc, 8);
    if (!node || !handle->may_write || size > PACKET_MAX) return send_status(afc, INVALID_ARGUMENT);
    node->data = realloc(node->data, (size_t)size + 1);
    if (size > node->size) memset(node->data + node->size, 0, (size_t)size - node->size);
    node->size = (size_t)size;
    return send_status(afc, OK);
}

static bool op_rename(struct afc *afc, const char *path) {
    char to[1024];
    struct sim_own *own = afc->dev->own;
    struct afc_node *node = find(own, path);
    size_t second = strlen((const char *)afc->packet) + 1;
    if (!path_at(afc, second, to, sizeof to)) return send_status(afc, INVALID_ARGUMENT);
    if (!node || !parent_exists(own, to)) return send_status(afc, NOT_FOUND);
    if (node->dir) return send_status(afc, NOT_SUPPORTED);
    drop(own, to, false);
    free(node->path);
    node->path = strdup(to);
    return send_status(afc, OK);
}

static bool op_set_time(struct afc *afc, const char *path) {
    struct afc_node *node = find(afc->dev->own, path);
    if (!node) return send_status(afc, NOT_FOUND);
    node->changed = (time_t)(number_at(afc, 0) / 1000000000);
    return send_status(afc, OK);
}

/* --- locks among connections --- */

static void unlock(struct afc *afc, const char *path) {
    for (struct afc_lock **at = &afc->dev->own->afc_locks; *at;) {
        struct afc_lock *lock = *at;
        if (lock->owner != afc || (path && strcmp(lock->path, path) != 0)) {
            at = &lock->next;
            continue;
        }
        *at = lock->next;
        free(lock->path);
        free(lock);
    }
}

static bool held_by_others(struct afc *afc, const char *path, bool exclusive) {
    for (struct afc_lock *lock = afc->dev->own->afc_locks; lock; lock = lock->next)
        if (lock->owner != afc && strcmp(lock->path, path) == 0 && (exclusive || lock->exclusive)) return true;
    return false;
}

static bool op_lock(struct afc *afc, const char *path) {
    (void)path;
    struct handle *handle = handle_at(afc, 0);
    uint64_t kind = number_at(afc, 8);
    if (!handle || (kind != LOCK_SHARED && kind != LOCK_EXCLUSIVE && kind != LOCK_NONE))
        return send_status(afc, INVALID_ARGUMENT);
    if (kind != LOCK_NONE && held_by_others(afc, handle->path, kind == LOCK_EXCLUSIVE))
        return send_status(afc, WOULD_BLOCK);
    unlock(afc, handle->path);
    if (kind == LOCK_NONE) return send_status(afc, OK);
    struct afc_lock *lock = calloc(1, sizeof *lock);
    *lock = (struct afc_lock){afc->dev->own->afc_locks, afc, strdup(handle->path), kind == LOCK_EXCLUSIVE};
    afc->dev->own->afc_locks = lock;
    return send_status(afc, OK);
}

static bool op_close(struct afc *afc, const char *path) {
    (void)path;
    struct handle *handle = handle_at(afc, 0);
    if (!handle) return send_status(afc, INVALID_ARGUMENT);
    unlock(afc, handle->path);
    free(handle->path);
    handle->path = NULL;
    return send_status(afc, OK);
}

static const struct {
    uint64_t operation;
    const char *name;
    int path_offset; /* -1: none */
    size_t least;    /* bytes of the packet */
    bool (*run)(struct afc *afc, const char *path);
} operations[] = {
    {AFC_LIST, "list", 0, 1, op_list},
    {AFC_REMOVE, "remove", 0, 1, op_remove},
    {AFC_MKDIR, "mkdir", 0, 1, op_mkdir},
    {AFC_INFO, "info", 0, 1, op_info},
    {AFC_DEVICE_INFO, "device-info", -1, 0, op_device_info},
    {AFC_OPEN, "open", 8, 9, op_open},
    {AFC_READ, "read", -1, 16, op_read},
    {AFC_WRITE, "write", -1, 8, op_write},
    {AFC_SEEK, "seek", -1, 24, op_seek},
    {AFC_TELL, "tell", -1, 8, op_tell},
    {AFC_CLOSE, "close", -1, 8, op_close},
    {AFC_TRUNCATE, "truncate", -1, 16, op_truncate},
    {AFC_RENAME, "rename", 0, 2, op_rename},
    {AFC_LOCK, "lock", -1, 16, op_lock},
    {AFC_SET_TIME, "set-time", 8, 9, op_set_time},
    {AFC_REMOVE_ALL, "remove-all", 0, 1, op_remove_all},
};

static bool run(struct afc *afc) {
    char path[1024] = "";
    const char *service = sim_stream_service(afc->stream);
    struct sim_own *own = afc->dev->own;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (operations[i].operation != afc->head.operation) continue;
        int offset = operations[i].path_offset;
        bool bad = afc->size < operations[i].least || (offset >= 0 && !path_at(afc, (size_t)offset, path, sizeof path));
        if (bad)
            return sim_bad(afc->dev, service, "a packet without what its operation needs"),
                   send_status(afc, INVALID_ARGUMENT);
        sim_saw(afc->dev, service, "%s %s", operations[i].name, path);
        if (sim_fault_point(afc->stream, service, operations[i].name, false, NULL) == SIM_STOP) return false;
        pthread_mutex_lock(&own->afc_lock);
        bool ok = operations[i].run(afc, path);
        pthread_mutex_unlock(&own->afc_lock);
        return ok;
    }
    sim_bad(afc->dev, service, "an operation that AFC does not know");
    return send_status(afc, UNKNOWN_PACKET);
}

static bool receive(struct afc *afc) {
    if (!sim_read(afc->stream, &afc->head, sizeof afc->head)) return false;
    const struct head *head = &afc->head;
    if (memcmp(head->magic, "CFA6LPAA", 8) != 0 || head->this_part < sizeof *head || head->entire < head->this_part ||
        head->entire > PACKET_MAX)
        return sim_bad(afc->dev, sim_stream_service(afc->stream), "a packet with a wrong head"), false;
    afc->fixed = (size_t)head->this_part - sizeof *head;
    afc->size = (size_t)head->entire - sizeof *head;
    free(afc->packet);
    afc->packet = calloc(1, afc->size + 1);
    return sim_read(afc->stream, afc->packet, afc->size);
}

void sim_serve_afc(struct sim_stream *stream) {
    struct afc afc = {.stream = stream, .dev = sim_stream_device(stream)};
    while (receive(&afc) && run(&afc)) continue;
    pthread_mutex_lock(&afc.dev->own->afc_lock);
    unlock(&afc, NULL);
    pthread_mutex_unlock(&afc.dev->own->afc_lock);
    for (int i = 0; i < HANDLES_MAX; i++) free(afc.handles[i].path);
    free(afc.packet);
}
