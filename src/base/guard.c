/*
 * The guard before libplist: says whether bytes from a device or a folder may be parsed at all.
 * It builds nothing. It measures what libplist would build: the depth, the nodes and the payload of the tree in which
 * every shared reference has become a copy (libplist up to 2.7.0 bounds none of them; 142 bytes take 7 GB).
 * It never recurses and looks at each byte a fixed number of times.
 */
#include "kitbench/base.h"

#include <stdlib.h>
#include <string.h>

const struct kb_guard_limits kb_guard_default = {.max_bytes = 64u << 20, .max_depth = 64, .max_nodes = 2000000};

#define DEPTH_ROOM 512 /* also the limit of libplist's newest code; larger max_depth means this */

#define PAYLOAD_TOP (UINT64_C(1) << 40)

/* ---- Binary: "bplist00", objects, a table of their offsets, 32 bytes of trailer ---------------------------------- */

enum { HEADER_SIZE = 8, TRAILER_SIZE = 32 };

enum { SEEN_NOT, SEEN_OPEN, SEEN_DONE };

/* What one object becomes when everything it refers to is copied into it. */
struct measure {
    uint64_t payload; /* bytes of text and data */
    uint32_t nodes;
    uint16_t height; /* 1 for a leaf */
    uint8_t seen;
};

/* One object as it lies in the file. */
struct object {
    unsigned type;                 /* high half of the marker byte */
    uint64_t count;                /* bytes, UTF-16 units, elements or pairs */
    const unsigned char *contents; /* behind marker and length */
    uint64_t size;                 /* bytes of contents */
};

/* A container whose references are being walked. */
struct frame {
    uint32_t index;
    uint64_t next, count, keys; /* reference to look at next, references in all, how many of them are keys */
    const unsigned char *refs;
};

struct bplist {
    const unsigned char *bytes, *table; /* table: the offsets; objects end before it */
    unsigned offset_size, ref_size, max_depth;
    uint64_t objects, root;
    uint64_t budget;      /* bytes that may still be looked at: overlapping objects are not linear any more */
    uint64_t max_payload; /* of the whole tree */
    uint64_t max_nodes;
    struct measure *measures; /* one an object */
    struct frame stack[DEPTH_ROOM];
    unsigned depth;
};

static uint64_t big_endian(const unsigned char *at, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) value = value << 8 | at[i];
    return value;
}

static enum kb_guard_verdict read_trailer(struct bplist *b, size_t size) {
    if (size < HEADER_SIZE + 1 + 1 + TRAILER_SIZE || memcmp(b->bytes, "bplist00", HEADER_SIZE) != 0)
        return KB_GUARD_MALFORMED;
    const unsigned char *trailer = b->bytes + size - TRAILER_SIZE;
    b->offset_size = trailer[6];
    b->ref_size = trailer[7];
    b->objects = big_endian(trailer + 8, 8);
    b->root = big_endian(trailer + 16, 8);
    uint64_t table = big_endian(trailer + 24, 8), end = size - TRAILER_SIZE;
    if (b->offset_size < 1 || b->offset_size > 8 || b->ref_size < 1 || b->ref_size > 8) return KB_GUARD_MALFORMED;
    if (table <= HEADER_SIZE || table >= end || b->objects == 0) return KB_GUARD_MALFORMED;
    if (b->objects > (end - table) / b->offset_size || b->root >= b->objects) return KB_GUARD_MALFORMED;
    b->table = b->bytes + table;
    return b->objects > b->max_nodes ? KB_GUARD_NODES : KB_GUARD_OK;
}

/* The length that follows a marker ending in F: an integer object of 1, 2, 4 or 8 bytes. */
static bool read_long_count(const struct bplist *b, const unsigned char **at, uint64_t *count) {
    if (*at >= b->table || (**at & 0xf0) != 0x10 || (**at & 0x0f) > 3) return false;
    unsigned size = 1u << (**at & 0x0f);
    (*at)++;
    if ((size_t)(b->table - *at) < size) return false;
    *count = big_endian(*at, size);
    *at += size;
    return true;
}

/* Bytes of contents; UINT64_MAX for a marker that libplist does not know. count has been bounded before. */
static uint64_t contents_size(const struct bplist *b, unsigned type, uint64_t count) {
    switch (type) {
    case 0x0:
        return 0;
    case 0x1:
        return count <= 4 ? 1u << count : UINT64_MAX;
    case 0x2:
        return count == 2 || count == 3 ? 1u << count : UINT64_MAX;
    case 0x3:
        return count == 3 ? 8 : UINT64_MAX;
    case 0x4:
    case 0x5:
        return count;
    case 0x6:
        return count * 2;
    case 0x8:
        return count + 1;
    case 0xa:
    case 0xb:
    case 0xc:
        return count * b->ref_size;
    case 0xd:
        return count * 2 * b->ref_size;
    default:
        return UINT64_MAX;
    }
}

static bool has_length(unsigned type) { return type == 4 || type == 5 || type == 6 || (type >= 0xa && type <= 0xd); }

/* Finds an object and proves that it lies between the header and the table. */
static bool read_object(struct bplist *b, uint64_t index, struct object *out) {
    uint64_t offset = big_endian(b->table + index * b->offset_size, b->offset_size);
    if (offset < HEADER_SIZE || offset >= (uint64_t)(b->table - b->bytes)) return false;
    const unsigned char *at = b->bytes + offset;
    out->type = *at >> 4;
    out->count = *at & 0x0f;
    at++;
    if (out->count == 0x0f && has_length(out->type) && !read_long_count(b, &at, &out->count)) return false;
    uint64_t room = (uint64_t)(b->table - at);
    if (out->count > room && has_length(out->type)) return false; /* an element is a byte at least */
    out->contents = at;
    out->size = contents_size(b, out->type, out->count);
    if (out->size > room || out->size + 1 > b->budget) return false;
    b->budget -= out->size + 1;
    return true;
}

/* A NUL inside a text: libplist 2.2.0 keeps the length, copies up to the NUL and later reads past the end. */
static bool text_has_nul(const struct object *object) {
    if (object->type == 0x5) return object->size > 0 && memchr(object->contents, 0, object->size) != NULL;
    for (uint64_t i = 0; i < object->size; i += 2) {
        if (object->contents[i] == 0 && object->contents[i + 1] == 0) return true;
    }
    return false;
}

static bool is_text(unsigned type) { return type == 0x5 || type == 0x6; }

/* Begins an object that was not met before: a leaf is done at once, a container goes onto the stack. */
static enum kb_guard_verdict begin(struct bplist *b, uint64_t index, bool is_key) {
    struct object object;
    if (!read_object(b, index, &object) || (is_key && !is_text(object.type))) return KB_GUARD_MALFORMED;
    struct measure *measure = &b->measures[index];
    *measure = (struct measure){.nodes = 1, .height = 1, .seen = SEEN_DONE};
    if (object.type < 0xa) {
        if (is_text(object.type) && text_has_nul(&object)) return KB_GUARD_MALFORMED;
        measure->payload = object.size;
        return b->depth + 1 > b->max_depth ? KB_GUARD_DEPTH : KB_GUARD_OK;
    }
    if (b->depth >= b->max_depth) return KB_GUARD_DEPTH;
    measure->seen = SEEN_OPEN;
    bool pairs = object.type == 0xd;
    b->stack[b->depth++] = (struct frame){.index = (uint32_t)index,
                                          .count = object.count * (pairs ? 2 : 1),
                                          .keys = pairs ? object.count : 0,
                                          .refs = object.contents};
    return KB_GUARD_OK;
}

/* Adds a finished object to the container that refers to it. */
static enum kb_guard_verdict add(struct bplist *b, struct measure *to, const struct measure *child) {
    if (b->depth + child->height > b->max_depth) return KB_GUARD_DEPTH;
    if (child->height + 1 > to->height) to->height = (uint16_t)(child->height + 1);
    to->payload += child->payload; /* neither sum can overflow: both terms are at most the maximum */
    if ((uint64_t)to->nodes + child->nodes > b->max_nodes || to->payload > b->max_payload) return KB_GUARD_NODES;
    to->nodes += child->nodes;
    return KB_GUARD_OK;
}

static bool is_text_object(const struct bplist *b, uint64_t index) {
    uint64_t offset = big_endian(b->table + index * b->offset_size, b->offset_size);
    return is_text(b->bytes[offset] >> 4); /* read_object has proved the offset */
}

/* Looks at the top container's next reference; the same reference again when its object had to be measured first. */
static enum kb_guard_verdict step(struct bplist *b) {
    struct frame *top = &b->stack[b->depth - 1];
    struct measure *measure = &b->measures[top->index];
    if (top->next == top->count) {
        measure->seen = SEEN_DONE;
        b->depth--;
        return KB_GUARD_OK;
    }
    uint64_t index = big_endian(top->refs + top->next * b->ref_size, b->ref_size);
    bool is_key = top->next < top->keys;
    if (index >= b->objects) return KB_GUARD_MALFORMED;
    const struct measure *child = &b->measures[index];
    if (child->seen == SEEN_OPEN) return KB_GUARD_MALFORMED; /* a cycle */
    if (child->seen == SEEN_NOT) return begin(b, index, is_key);
    if (is_key && !is_text_object(b, index)) return KB_GUARD_MALFORMED;
    top->next++;
    return add(b, measure, child);
}

static enum kb_guard_verdict guard_binary(const void *bytes, size_t size, const struct kb_guard_limits *limits) {
    struct bplist *b = kb_xcalloc(1, sizeof *b);
    b->bytes = bytes;
    b->max_depth = limits->max_depth < DEPTH_ROOM ? limits->max_depth : DEPTH_ROOM;
    b->max_nodes = limits->max_nodes < UINT32_MAX ? limits->max_nodes : UINT32_MAX;
    b->budget = (uint64_t)size * 2; /* once is what a sound file takes */
    b->max_payload = limits->max_bytes < PAYLOAD_TOP ? (uint64_t)limits->max_bytes * 2 : PAYLOAD_TOP;
    enum kb_guard_verdict verdict = read_trailer(b, size);
    if (verdict != KB_GUARD_OK) goto out;
    b->measures = calloc((size_t)b->objects, sizeof *b->measures);
    verdict = b->measures == NULL ? KB_GUARD_NODES : begin(b, b->root, false);
    while (verdict == KB_GUARD_OK && b->depth > 0) verdict = step(b);
out:
    free(b->measures);
    free(b);
    return verdict;
}

/* ---- XML: tags are counted, not understood --------------------------------------------------------------------- */

struct name {
    const char *text;
    size_t size;
};

struct xml {
    const char *at, *end;
    struct name open[DEPTH_ROOM + 1];
    unsigned depth, max_depth;
    size_t nodes, max_nodes;
    bool had_root;
};

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static bool starts(const struct xml *x, const char *word) {
    size_t size = strlen(word);
    return (size_t)(x->end - x->at) >= size && memcmp(x->at, word, size) == 0;
}

/*
 * The '>' that ends the markup at x->at; NULL when it is not plain. libplist skips quoted parts in some markup and not
 * in other, so a quoted '<' or '>' could hide tags from one of us: no real plist has one.
 */
static const char *markup_end(const struct xml *x) {
    char quote = 0;
    for (const char *p = x->at; p < x->end; p++) {
        if (*p == '<' || *p == 0 || *p == '[') return NULL;
        if (*p == '>') return quote ? NULL : p;
        if (*p == quote)
            quote = 0;
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
    }
    return NULL;
}

/* Goes behind the next mark ("-->", "]]>"); false when there is none or a NUL comes before it. */
static bool skip_past(struct xml *x, const char *mark) {
    size_t size = strlen(mark);
    for (const char *p = x->at; (size_t)(x->end - p) >= size; p++) {
        p = memchr(p, mark[0], (size_t)(x->end - p) - size + 1);
        if (p == NULL) return false;
        if (memcmp(p, mark, size) != 0) continue;
        if (memchr(x->at, 0, (size_t)(p - x->at)) != NULL) return false;
        x->at = p + size;
        return true;
    }
    return false;
}

static bool count_node(struct xml *x) { return ++x->nodes <= x->max_nodes; }

static enum kb_guard_verdict bang(struct xml *x) {
    if (!count_node(x)) return KB_GUARD_NODES; /* libplist keeps the pieces of a text between comments one by one */
    bool ok = false;
    if (starts(x, "!--")) {
        x->at += 3;
        ok = !starts(x, ">") && !starts(x, "->") && skip_past(x, "-->");
    } else if (starts(x, "![CDATA[") && x->depth > 0) {
        x->at += 8;
        ok = skip_past(x, "]]>");
    } else if (starts(x, "!DOCTYPE") && !x->had_root) {
        const char *end = markup_end(x); /* a '[' would begin a DTD of its own, with entities */
        ok = end != NULL;
        if (ok) x->at = end + 1;
    }
    return ok ? KB_GUARD_OK : KB_GUARD_MALFORMED;
}

static struct name tag_name(const char *at, const char *end) {
    const char *p = at;
    while (p < end && !is_space(*p) && *p != '/') p++;
    return (struct name){at, (size_t)(p - at)};
}

static enum kb_guard_verdict open_tag(struct xml *x, const char *end) {
    struct name name = tag_name(x->at, end);
    bool empty = end[-1] == '/';
    if (name.size == 0 || (x->depth == 0 && x->had_root)) return KB_GUARD_MALFORMED;
    if (!count_node(x)) return KB_GUARD_NODES;
    if (x->depth >= x->max_depth) return KB_GUARD_DEPTH;
    x->had_root = true;
    x->at = end + 1;
    if (!empty) x->open[x->depth++] = name;
    return KB_GUARD_OK;
}

static enum kb_guard_verdict close_tag(struct xml *x, const char *end) {
    struct name name = tag_name(x->at + 1, end);
    if (x->depth == 0) return KB_GUARD_MALFORMED;
    const struct name *top = &x->open[--x->depth];
    x->at = end + 1;
    return top->size == name.size && memcmp(top->text, name.text, name.size) == 0 ? KB_GUARD_OK : KB_GUARD_MALFORMED;
}

/* x->at stands behind a '<'. */
static enum kb_guard_verdict markup(struct xml *x) {
    if (starts(x, "!")) return bang(x);
    const char *end = markup_end(x);
    if (end == NULL || end == x->at) return KB_GUARD_MALFORMED;
    if (*x->at == '/') return close_tag(x, end);
    if (*x->at != '?') return open_tag(x, end);
    if (end == x->at + 1 || end[-1] != '?' || !count_node(x)) return KB_GUARD_MALFORMED;
    x->at = end + 1;
    return KB_GUARD_OK;
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Whether the '&' at begins no character reference, or one of a character that exists: "&#0;" would put a NUL into a
   text, and so might a number that overflows. */
static bool reference_is_plain(const char *at, const char *end) {
    if (end - at < 2 || at[1] != '#') return true;
    at += 2;
    int base = at < end && (*at == 'x' || *at == 'X') ? 16 : 10;
    uint32_t value = 0;
    for (at += base == 16; at < end && digit_value(*at) < base && value <= 0x10ffff; at++)
        value = value * (uint32_t)base + (uint32_t)digit_value(*at);
    return at < end && *at == ';' && value > 0 && value <= 0x10ffff;
}

/* Text up to the next tag. Outside the root only white space may stand, and the NULs that some senders append. */
static bool text_is_plain(const struct xml *x, const char *end) {
    size_t size = (size_t)(end - x->at);
    if (x->depth == 0) {
        for (const char *p = x->at; p < end; p++) {
            if (!is_space(*p) && !(*p == 0 && x->had_root)) return false;
        }
        return true;
    }
    if (memchr(x->at, 0, size) != NULL) return false;
    for (const char *p = x->at; (p = memchr(p, '&', (size_t)(end - p))) != NULL; p++) {
        if (!reference_is_plain(p, end)) return false;
    }
    return true;
}

static enum kb_guard_verdict guard_xml(const char *bytes, size_t size, const struct kb_guard_limits *limits) {
    struct xml x = {.at = bytes, .end = bytes + size, .max_nodes = limits->max_nodes};
    /* <plist> itself is no level of the tree, but one of the tags. */
    x.max_depth = (limits->max_depth < DEPTH_ROOM ? limits->max_depth : DEPTH_ROOM) + 1;
    if (starts(&x, "\xef\xbb\xbf")) x.at += 3;
    while (x.at < x.end) {
        const char *tag = memchr(x.at, '<', (size_t)(x.end - x.at));
        if (!text_is_plain(&x, tag ? tag : x.end)) return KB_GUARD_MALFORMED;
        if (tag == NULL) break;
        x.at = tag + 1;
        enum kb_guard_verdict verdict = markup(&x);
        if (verdict != KB_GUARD_OK) return verdict;
    }
    return x.had_root && x.depth == 0 ? KB_GUARD_OK : KB_GUARD_MALFORMED;
}

enum kb_guard_verdict kb_plist_guard(const void *bytes, size_t size, const struct kb_guard_limits *limits) {
    if (limits == NULL) limits = &kb_guard_default;
    if (bytes == NULL || size == 0) return KB_GUARD_MALFORMED;
    if (size > limits->max_bytes) return KB_GUARD_SIZE;
    if (size >= 6 && memcmp(bytes, "bplist", 6) == 0) return guard_binary(bytes, size, limits);
    return guard_xml(bytes, size, limits);
}
