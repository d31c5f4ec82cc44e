/*
 * libplist values, read by their type and never otherwise; and bytes from outside to plists, through the guard.
 * Private to the device room.
 */
#ifndef KB_DEVICE_NODE_H
#define KB_DEVICE_NODE_H

#include "kitbench/base.h"
#include "kitbench/facts.h"
#include <plist/plist.h>

/* Binary or XML, told by the magic; NULL when the guard refuses it, or it is not a plist. Caller frees. */
plist_t kb_node_parse(const void *bytes, size_t size, size_t max_bytes);
/* Appends the plist to out. */
void kb_node_to_xml(plist_t node, struct kb_buf *out);
void kb_node_to_binary(plist_t node, struct kb_buf *out);

/* All of these take NULL and any type. What they return is the plist's own. */
plist_t kb_node_get(plist_t dict, const char *key);
const char *kb_node_text(plist_t node);
const char *kb_node_data(plist_t node, size_t *size);
enum kb_tri kb_node_bool(plist_t node);
bool kb_node_int(plist_t node, int64_t *out);
bool kb_node_real(plist_t node, double *out); /* a real, or an integer */
bool kb_node_is(plist_t node, plist_type type);
/* A dictionary's text, cleaned for people; out is untouched (and false returned) when it is absent or no text. */
bool kb_node_copy_text(plist_t dict, const char *key, char *out, size_t room);
/* Calls each with every pair of a dictionary until it returns false. */
void kb_node_each(plist_t dict, bool (*each)(void *arg, const char *key, plist_t value), void *arg);
/* Overwrites the bytes of a text or of data (a password, a pair record) that the plist still holds. */
void kb_node_wipe(plist_t node);

/* plist_new_uint() of a negative number is its 64-bit two's complement, as DeviceLink wants it. */
static inline plist_t kb_node_new_int(int64_t value) { return plist_new_uint((uint64_t)value); }
#endif
