/* The records of a device's files: kept sorted by id, listed for comparing devices, changed for incremental backups. */
#include "content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void sim_file_id(const char *domain, const char *path, uint8_t id[20]) {
    char text[1400];
    int n = snprintf(text, sizeof text, "%s-%s", domain, path);

    EVP_Digest(text, n < (int)sizeof text ? (size_t)n : sizeof text - 1, id, NULL, mb_sha1(), NULL);
}

void sim_id_hex(const uint8_t id[20], char hex[41]) {
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 20; i++) {
        hex[2 * i] = digits[id[i] >> 4];
        hex[2 * i + 1] = digits[id[i] & 15];
    }
    hex[40] = 0;
}

bool sim_has_digest(const char *domain) {
    static const char *const with[] = {"HomeDomain",
                                       "RootDomain",
                                       "WirelessDomain",
                                       "KeychainDomain",
                                       "HealthDomain",
                                       "HomeKitDomain",
                                       "SystemPreferencesDomain",
                                       "ManagedPreferencesDomain",
                                       "DatabaseDomain",
                                       "KeyboardDomain",
                                       "InstallDomain"};

    for (size_t i = 0; i < sizeof with / sizeof *with; i++)
        if (!strcmp(domain, with[i])) return true;
    return false;
}

void sim_file_key(const char *udid, const struct sim_file *file, uint8_t key[MB_KEY]) {
    mb_derive("file key", udid, file->id, sizeof file->id, file->version ^ file->seed << 20, key);
}

static int by_id(const void *a, const void *b) {
    return memcmp(((const struct sim_file *)a)->id, ((const struct sim_file *)b)->id, 20);
}

static int by_path(const void *a, const void *b) {
    const struct sim_file *x = a, *y = b;
    int order = strcmp(x->domain, y->domain);

    return order ? order : strcmp(x->path, y->path);
}

void sim_content_sort(struct sim_content *content) {
    qsort(content->files, content->count, sizeof *content->files, by_id);
}

struct sim_file *sim_content_find(struct sim_content *content, const uint8_t id[20]) {
    struct sim_file key = {.flags = 0};

    if (!content->count) return NULL;
    memcpy(key.id, id, 20);
    return bsearch(&key, content->files, content->count, sizeof *content->files, by_id);
}

struct sim_file *sim_content_at(struct sim_content *content, const char *domain, const char *path) {
    uint8_t id[20];

    sim_file_id(domain, path, id);
    return sim_content_find(content, id);
}

static const char *keep(struct sim_content *content, const char *text) {
    char *copy;

    if (!text) return NULL;
    /* Domains repeat: most rows come grouped, so the last string often fits. */
    for (size_t i = content->string_count; i && i + 4 > content->string_count; i--)
        if (!strcmp(content->strings[i - 1], text)) return content->strings[i - 1];
    copy = strdup(text);
    if (content->string_count == content->string_room) {
        content->string_room = content->string_room ? content->string_room * 2 : 256;
        content->strings = realloc(content->strings, content->string_room * sizeof *content->strings);
    }
    if (!copy || !content->strings) abort();
    content->strings[content->string_count++] = copy;
    return copy;
}

void sim_content_add(struct sim_content *content, const struct sim_file *file) {
    struct sim_file *at;

    if (content->count == content->room) {
        content->room = content->room ? content->room * 2 : 256;
        content->files = realloc(content->files, content->room * sizeof *content->files);
        if (!content->files) abort();
    }
    at = &content->files[content->count++];
    *at = *file;
    at->domain = keep(content, file->domain);
    at->path = keep(content, file->path);
    at->target = keep(content, file->target);
    sim_file_id(file->domain, file->path, at->id);
    if (!at->inode) memcpy(&at->inode, at->id, 4);
}

static void drop(struct sim_file *file) {
    sim_blob_put(file->bytes);
    sim_blob_put(file->cipher);
    if (file->disk) {
        unlink(file->disk);
        free(file->disk);
    }
}

struct sim_file *sim_content_put(struct sim_content *content, const struct sim_file *file) {
    struct sim_file *old = sim_content_at(content, file->domain, file->path);

    if (old) {
        struct sim_file fresh = *file;

        drop(old);
        fresh.domain = old->domain;
        fresh.path = old->path;
        fresh.target = keep(content, file->target);
        memcpy(fresh.id, old->id, 20);
        fresh.inode = old->inode;
        *old = fresh;
        return old;
    }
    sim_content_add(content, file);
    sim_content_sort(content);
    return sim_content_at(content, file->domain, file->path);
}

void sim_content_clear(struct sim_content *content) {
    for (size_t i = 0; i < content->count; i++) drop(&content->files[i]);
    content->count = 0;
}

struct sim_file *sim_content_copy(struct sim_content *content, size_t *count) {
    struct sim_file *files = malloc((content->count + 1) * sizeof *files);

    if (!files) abort();
    for (size_t i = 0; i < content->count; i++) {
        files[i] = content->files[i];
        sim_blob_ref(files[i].bytes);
        sim_blob_ref(files[i].cipher);
        files[i].disk = files[i].disk ? strdup(files[i].disk) : NULL;
    }
    *count = content->count;
    qsort(files, *count, sizeof *files, by_path);
    return files;
}

void sim_content_copy_free(struct sim_file *files, size_t count) {
    for (size_t i = 0; files && i < count; i++) {
        sim_blob_put(files[i].bytes);
        sim_blob_put(files[i].cipher);
        free(files[i].disk);
    }
    free(files);
}

/* Stored form of each file in memory, so that a benchmark measures the host. */
static void warm(struct sim_device *dev) {
    struct sim_content *content = dev->content;
    const int64_t most = sim_number(dev, "cache_bytes", 4ll << 30);
    int64_t used = 0;

    for (size_t i = 0; i < content->count; i++) {
        struct sim_file *file = &content->files[i];
        struct sim_reader reader;
        EVP_CIPHER_CTX *cbc;
        uint8_t key[MB_KEY], plain[65536];
        size_t at = 0, n;

        if (file->flags != SIM_REGULAR || file->managed || (used += file->size + 16) > most) continue;
        sim_file_key(dev->udid, file, key);
        cbc = mb_cbc_new(key, true);
        file->cipher = sim_blob_new(NULL, (size_t)(file->size / 16 + 1) * 16);
        sim_reader_open(&reader, file);
        while ((n = sim_reader_next(&reader, plain, sizeof plain)))
            at += mb_cbc(cbc, plain, n, file->cipher->data + at, false);
        mb_cbc(cbc, plain, 0, file->cipher->data + at, true);
        sim_reader_close(&reader);
        EVP_CIPHER_CTX_free(cbc);
        if (sim_has_digest(file->domain)) {
            EVP_Digest(file->cipher->data, file->cipher->size, file->cipher_digest, NULL, mb_sha1(), NULL);
            file->cipher_known = true;
        }
    }
}

void sim_content_make(struct sim_device *dev) {
    struct sim_content *content = calloc(1, sizeof *content);
    json_t *spec = json_object_get(dev->scenario, "content"), *dpic = json_object_get(spec, "dpic"),
           *iter = json_object_get(spec, "iter");

    if (!content) abort();
    pthread_mutex_init(&content->lock, NULL);
    /* A real device takes 10,000,000 and 10,000; the password check of a test must not cost seconds. */
    content->dpic = json_is_integer(dpic) ? (uint32_t)json_integer_value(dpic) : 1000;
    content->iter = json_is_integer(iter) ? (uint32_t)json_integer_value(iter) : 1000;
    sim_content_fill(content, spec, dev->udid);
    dev->content = content;
    sim_content_refresh(dev);
    if (sim_switch(dev, "cache", false)) warm(dev);
}

/* A wipe by hand calls this too, while a job may still read: the records end, what holds them stays. */
void sim_content_free(struct sim_device *dev) {
    if (dev->content) sim_content_erase(dev);
}

static json_t *list_file(const struct sim_file *file) {
    char hex[65] = "";

    if (file->flags == SIM_SYMLINK)
        return json_pack("{ss ss ss}", "domain", file->domain, "path", file->path, "target", file->target);
    sim_file_sha256(file, hex);
    return json_pack("{ss ss sI ss}", "domain", file->domain, "path", file->path, "size", (json_int_t)file->size,
                     "sha256", hex);
}

/* What follows the device's state is listed apart: two devices with the same person's content differ there. */
json_t *sim_content_list(struct sim_device *dev) {
    struct sim_content *content = dev->content;
    json_t *files = json_array(), *links = json_array(), *managed = json_array();
    struct sim_file *copy;
    size_t count, directories = 0;

    pthread_mutex_lock(&content->lock);
    copy = sim_content_copy(content, &count);
    pthread_mutex_unlock(&content->lock);
    for (size_t i = 0; i < count; i++) {
        json_t *into = copy[i].managed ? managed : copy[i].flags == SIM_SYMLINK ? links : files;

        if (copy[i].flags == SIM_DIRECTORY)
            directories++;
        else
            json_array_append_new(into, list_file(&copy[i]));
    }
    sim_content_copy_free(copy, count);
    return json_pack("{so so so sI}", "files", files, "links", links, "managed", managed, "directories",
                     (json_int_t)directories);
}

int sim_content_change(struct sim_device *dev, int n) {
    struct sim_content *content = dev->content;
    int done = 0;

    pthread_mutex_lock(&content->lock);
    content->generation++;
    for (size_t i = 0; i < content->count && done < n; i++) {
        /* Spread over the ids, another place each time. */
        struct sim_file *file = &content->files[(i * 7919 + content->generation * 31) % content->count];

        if (file->flags != SIM_REGULAR || file->source != SIM_GENERATED || file->size < 16) continue;
        file->seed = sim_mix(file->seed + content->generation);
        file->version++;
        file->mtime += 60;
        file->plain_known = file->cipher_known = false;
        sim_blob_put(file->cipher);
        file->cipher = NULL;
        done++;
    }
    pthread_mutex_unlock(&content->lock);
    return done;
}

json_t *sim_content_state(struct sim_device *dev) {
    struct sim_content *content = dev->content;
    json_int_t bytes = 0, files = 0;
    json_t *state;

    pthread_mutex_lock(&content->lock);
    for (size_t i = 0; i < content->count; i++)
        if (content->files[i].flags == SIM_REGULAR) files++, bytes += content->files[i].size;
    state = json_pack("{si sI sI sb sO*}", "generation", (int)content->generation, "files", files, "bytes", bytes,
                      "half_restored", content->half_restored, "last_job", content->last);
    pthread_mutex_unlock(&content->lock);
    return state;
}

void sim_content_erase(struct sim_device *dev) {
    struct sim_content *content = dev->content;

    pthread_mutex_lock(&content->lock);
    sim_content_clear(content);
    content->epoch++;
    content->keybag_made = content->half_restored = content->staged = false;
    content->upload_count = 0;
    pthread_mutex_unlock(&content->lock);
}
