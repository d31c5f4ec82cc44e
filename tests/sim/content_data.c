/* The bytes of a device's files: generated at memory speed from a seed, from memory, or from a kept file. */
#include "content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0x4e45474d49534b42ull /* "BKSIMGEN" in memory */

struct sim_blob *sim_blob_new(const void *data, size_t size) {
    struct sim_blob *blob = malloc(sizeof *blob + size + 1);

    if (!blob) abort();
    atomic_init(&blob->refs, 1);
    blob->size = size;
    blob->data[size] = 0;
    if (data && size) memcpy(blob->data, data, size);
    return blob;
}

struct sim_blob *sim_blob_ref(struct sim_blob *blob) {
    if (blob) atomic_fetch_add(&blob->refs, 1);
    return blob;
}

void sim_blob_put(struct sim_blob *blob) {
    if (blob && atomic_fetch_sub(&blob->refs, 1) == 1) free(blob);
}

/* SplitMix64's finalizer: any word of a file can be made without those before it. */
uint64_t sim_mix(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
    return value ^ (value >> 31);
}

static uint64_t word(uint64_t seed, uint64_t index) {
    if (index == 0) return MAGIC;
    return index == 1 ? seed : sim_mix(seed + index * 0x9e3779b97f4a7c15ull);
}

void sim_generate(uint64_t seed, int64_t offset, uint8_t *out, size_t size) {
    uint64_t index = (uint64_t)offset / 8, value;

    for (; size >= 8 && index < 2; index++, out += 8, size -= 8) {
        value = word(seed, index);
        memcpy(out, &value, 8);
    }
    for (; size >= 8; index++, out += 8, size -= 8) {
        value = sim_mix(seed + index * 0x9e3779b97f4a7c15ull);
        memcpy(out, &value, 8);
    }
    value = word(seed, index);
    memcpy(out, &value, size);
}

bool sim_generated_by(const uint8_t first[16], uint64_t *seed) {
    uint64_t magic;

    memcpy(&magic, first, 8);
    memcpy(seed, first + 8, 8);
    return magic == MAGIC;
}

void sim_reader_open(struct sim_reader *reader, const struct sim_file *file) {
    reader->file = file;
    reader->at = 0;
    reader->disk = file->source == SIM_ON_DISK ? fopen(file->disk, "rb") : NULL;
}

size_t sim_reader_next(struct sim_reader *reader, uint8_t *out, size_t size) {
    const struct sim_file *file = reader->file;
    int64_t left = file->size - reader->at;

    if (left <= 0) return 0;
    if ((int64_t)size > left) size = (size_t)left;
    if (file->source == SIM_GENERATED)
        sim_generate(file->seed, reader->at, out, size);
    else if (file->source == SIM_IN_MEMORY)
        memcpy(out, file->bytes->data + reader->at, size);
    else
        size = reader->disk ? fread(out, 1, size, reader->disk) : 0;
    reader->at += (int64_t)size;
    return size;
}

void sim_reader_close(struct sim_reader *reader) {
    if (reader->disk) fclose(reader->disk);
    reader->disk = NULL;
}

bool sim_file_sha256(const struct sim_file *file, char hex[65]) {
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    struct sim_reader reader;
    uint8_t buffer[65536], digest[32];
    size_t n;

    EVP_DigestInit_ex(md, mb_sha256(), NULL);
    sim_reader_open(&reader, file);
    while ((n = sim_reader_next(&reader, buffer, sizeof buffer))) EVP_DigestUpdate(md, buffer, n);
    sim_reader_close(&reader);
    EVP_DigestFinal_ex(md, digest, NULL);
    EVP_MD_CTX_free(md);
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return reader.at == file->size;
}

struct sim_blob *sim_file_bytes(const struct sim_file *file) {
    struct sim_reader reader;
    struct sim_blob *blob;

    if (file->size < 0 || file->size > 1 << 20) return NULL;
    blob = sim_blob_new(NULL, (size_t)file->size);
    sim_reader_open(&reader, file);
    if (sim_reader_next(&reader, blob->data, blob->size) != blob->size) {
        sim_blob_put(blob);
        blob = NULL;
    }
    sim_reader_close(&reader);
    return blob;
}
