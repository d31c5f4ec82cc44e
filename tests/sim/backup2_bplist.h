/*
 * Reads a manifest row's binary plist in place, without building a tree: a device with 100,000 rows should not cost a
 * benchmark seconds. Every offset and count is bounded; there is no recursion. Objects are numbers, -1 is none.
 */
#ifndef SIM_BACKUP2_BPLIST_H
#define SIM_BACKUP2_BPLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bplist {
    const uint8_t *bytes;
    size_t table; /* where the offsets begin: the end of the objects */
    unsigned offset_size, ref_size;
    int64_t count, top;
};
bool bplist_open(struct bplist *plist, const void *bytes, size_t size);
int64_t bplist_get(const struct bplist *plist, int64_t dict, const char *key); /* value of an ASCII key */
int64_t bplist_at(const struct bplist *plist, int64_t array, int64_t index);
bool bplist_int(const struct bplist *plist, int64_t object, int64_t *out);
bool bplist_uid(const struct bplist *plist, int64_t object, int64_t *out);
const uint8_t *bplist_data(const struct bplist *plist, int64_t object, size_t *size);
char *bplist_string(const struct bplist *plist, int64_t object); /* UTF-8, for free(); NULL: no string */
bool bplist_is_dict(const struct bplist *plist, int64_t object);
#endif
