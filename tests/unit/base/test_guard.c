/* The plist guard: what libplist may be given, and what it may not. Inputs are built here, byte by byte. */
#include "kitbench/base.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Building binary plists ------------------------------------------------------------------------------------- */

struct bin {
    unsigned char *data;
    size_t size, room;
    uint64_t offsets[300000];
    uint64_t count;
    unsigned ref_size;
};

static struct bin *bin_new(unsigned ref_size) {
    struct bin *b = calloc(1, sizeof *b);
    b->ref_size = ref_size;
    b->room = 64;
    b->data = malloc(b->room);
    memcpy(b->data, "bplist00", 8);
    b->size = 8;
    return b;
}

static void put(struct bin *b, const void *bytes, size_t size) {
    while (b->size + size > b->room) b->data = realloc(b->data, b->room *= 2);
    if (size > 0) memcpy(b->data + b->size, bytes, size);
    b->size += size;
}

static void put_int(struct bin *b, uint64_t value, unsigned size) {
    unsigned char bytes[8];
    for (unsigned i = 0; i < size; i++) bytes[i] = (unsigned char)(value >> 8 * (size - 1 - i));
    put(b, bytes, size);
}

static void put_byte(struct bin *b, unsigned value) { put_int(b, value, 1); }

static uint64_t object(struct bin *b) {
    b->offsets[b->count] = b->size;
    return b->count++;
}

static void marker(struct bin *b, unsigned type, uint64_t count) {
    put_byte(b, type << 4 | (count < 15 ? (unsigned)count : 15));
    if (count >= 15) {
        put_byte(b, 0x13);
        put_int(b, count, 8);
    }
}

static uint64_t text(struct bin *b, const char *word) {
    uint64_t index = object(b);
    marker(b, 5, strlen(word));
    put(b, word, strlen(word));
    return index;
}

static void finish_at(struct bin *b, uint64_t count, uint64_t root, uint64_t table, unsigned offset_size) {
    static const unsigned char unused[6];
    for (uint64_t i = 0; i < b->count; i++) put_int(b, b->offsets[i], offset_size);
    put(b, unused, 6);
    put_byte(b, offset_size);
    put_byte(b, b->ref_size);
    put_int(b, count, 8);
    put_int(b, root, 8);
    put_int(b, table, 8);
}

static void finish(struct bin *b, uint64_t root) { finish_at(b, b->count, root, b->size, 4); }

static enum kb_guard_verdict end(struct bin *b) {
    enum kb_guard_verdict verdict = kb_plist_guard(b->data, b->size, &kb_guard_default);
    free(b->data);
    free(b);
    return verdict;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- The three known bombs -------------------------------------------------------------------------------------- */

/* n arrays, each of two references to the next: 2^n nodes. 26 of them are 142 bytes, which take libplist 7.2 GB. */
static struct bin *doubling(int n) {
    struct bin *b = bin_new(1);
    for (int i = 0; i < n; i++) {
        object(b);
        if (i == n - 1) {
            put_byte(b, 0xa0);
            break;
        }
        put_byte(b, 0xa2);
        put_byte(b, (unsigned)i + 1);
        put_byte(b, (unsigned)i + 1);
    }
    finish_at(b, b->count, 0, b->size, 1);
    return b;
}

START_TEST(test_doubling) {
    struct bin *b = doubling(26);
    ck_assert_uint_eq(b->size, 142);
    ck_assert_int_eq(end(b), KB_GUARD_NODES);
    ck_assert_int_eq(end(doubling(20)), KB_GUARD_OK); /* 2^20 - 1 nodes: under two million */
    ck_assert_int_eq(end(doubling(21)), KB_GUARD_NODES);
    ck_assert_int_eq(end(doubling(60)), KB_GUARD_NODES); /* 2^60: the sum must not overflow */
}
END_TEST

static struct bin *nested(int depth) {
    struct bin *b = bin_new(4);
    for (int i = 0; i < depth; i++) {
        object(b);
        if (i == depth - 1) {
            put_byte(b, 0xa0);
            break;
        }
        put_byte(b, 0xa1);
        put_int(b, (uint64_t)i + 1, 4);
    }
    finish(b, 0);
    return b;
}

START_TEST(test_deep) {
    ck_assert_int_eq(end(nested(100000)), KB_GUARD_DEPTH);
    ck_assert_int_eq(end(nested(65)), KB_GUARD_DEPTH);
    ck_assert_int_eq(end(nested(64)), KB_GUARD_OK);
}
END_TEST

static size_t base64(const char *in, unsigned char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0, have = 0;
    size_t size = 0;
    for (; *in && *in != '='; in++) {
        bits = bits << 6 | (unsigned)(strchr(digits, *in) - digits);
        if ((have += 6) >= 8) out[size++] = (unsigned char)(bits >> (have -= 8));
    }
    return size;
}

START_TEST(test_nul_string) {
    static const char known[] = "YnBsaXN0MDDSAQIDBFFhUWIQCWwAAAAAAAAAFHh4eHh4eHh4eHh4eHh4eHh4eHh4CA0PERMXGQ"
                                "AAAAAAAAEBAAAAAAAAAAcAAAAAAAAAAAAAAAAAAAAw";
    unsigned char bytes[200];
    size_t size = base64(known, bytes);
    ck_assert_uint_gt(size, 80);
    ck_assert_int_eq(kb_plist_guard(bytes, size, &kb_guard_default), KB_GUARD_MALFORMED);
}
END_TEST

/* ---- Binary, case by case --------------------------------------------------------------------------------------- */

static struct bin *leaf(const void *bytes, size_t size) {
    struct bin *b = bin_new(1);
    object(b);
    put(b, bytes, size);
    finish(b, 0);
    return b;
}

static const struct {
    const char *why;
    unsigned char bytes[20];
    size_t size;
    enum kb_guard_verdict want;
} leaves[] = {
    {"false", {0x08}, 1, KB_GUARD_OK},
    {"true", {0x09}, 1, KB_GUARD_OK},
    {"an integer of one byte", {0x10, 7}, 2, KB_GUARD_OK},
    {"an integer of eight bytes", {0x13, 255, 0, 0, 0, 0, 0, 0, 0}, 9, KB_GUARD_OK},
    {"an unsigned integer of 16 bytes", {0x14}, 17, KB_GUARD_OK},
    {"an integer of 32 bytes does not exist", {0x15}, 20, KB_GUARD_MALFORMED},
    {"an integer that ends in the offset table", {0x13, 0, 0}, 3, KB_GUARD_MALFORMED},
    {"a float", {0x22}, 5, KB_GUARD_OK},
    {"a double", {0x23}, 9, KB_GUARD_OK},
    {"a real of two bytes does not exist", {0x21}, 3, KB_GUARD_MALFORMED},
    {"a date", {0x33}, 9, KB_GUARD_OK},
    {"a date of four bytes does not exist", {0x32}, 5, KB_GUARD_MALFORMED},
    {"empty data", {0x40}, 1, KB_GUARD_OK},
    {"data with NULs", {0x43, 0, 0, 0}, 4, KB_GUARD_OK},
    {"data one byte longer than the file", {0x44, 0, 0, 0}, 4, KB_GUARD_MALFORMED},
    {"an empty text", {0x50}, 1, KB_GUARD_OK},
    {"a text", {0x53, 'a', 'b', 'c'}, 4, KB_GUARD_OK},
    {"a text that ends in a NUL", {0x53, 'a', 'b', 0}, 4, KB_GUARD_MALFORMED},
    {"a text that begins with a NUL", {0x53, 0, 'b', 'c'}, 4, KB_GUARD_MALFORMED},
    {"UTF-16: the NULs of a and b are no NUL", {0x62, 0, 'a', 0, 'b'}, 5, KB_GUARD_OK},
    {"UTF-16: 0100 0061 has two zero bytes side by side, but no NUL", {0x62, 1, 0, 0, 'a'}, 5, KB_GUARD_OK},
    {"UTF-16 with a NUL", {0x62, 0, 'a', 0, 0}, 5, KB_GUARD_MALFORMED},
    {"UTF-16 counted in units, not in bytes", {0x64, 0, 'a', 0, 'b'}, 5, KB_GUARD_MALFORMED},
    {"a UID of NSKeyedArchiver", {0x80, 3}, 2, KB_GUARD_OK},
    {"an empty array", {0xa0}, 1, KB_GUARD_OK},
    {"an empty dictionary", {0xd0}, 1, KB_GUARD_OK},
    {"an empty set", {0xc0}, 1, KB_GUARD_OK},
    {"an array that holds itself", {0xa1, 0}, 2, KB_GUARD_MALFORMED},
    {"a reference past the last object", {0xa1, 1}, 2, KB_GUARD_MALFORMED},
    {"a dictionary whose values are missing", {0xd1, 0}, 2, KB_GUARD_MALFORMED},
    {"an unknown marker", {0x70, 0}, 2, KB_GUARD_MALFORMED},
    {"another unknown marker", {0xf0}, 1, KB_GUARD_MALFORMED},
    {"a long length without its integer", {0x4f}, 1, KB_GUARD_MALFORMED},
    {"a long length that is no integer", {0x4f, 0x50}, 2, KB_GUARD_MALFORMED},
    {"a long length of 16 bytes", {0x4f, 0x14}, 18, KB_GUARD_MALFORMED},
    {"a long length cut off", {0x4f, 0x13, 0, 0}, 4, KB_GUARD_MALFORMED},
    {"a long length of 2^64 - 1", {0x4f, 0x13, 255, 255, 255, 255, 255, 255, 255, 255}, 10, KB_GUARD_MALFORMED},
    {"UTF-16 of 2^63 units: twice that is 0", {0x6f, 0x13, 128, 0, 0, 0, 0, 0, 0, 0}, 10, KB_GUARD_MALFORMED},
    {"an array of 2^64 - 1 references", {0xaf, 0x13, 255, 255, 255, 255, 255, 255, 255, 255}, 10, KB_GUARD_MALFORMED},
    {"a dictionary of 2^63 pairs", {0xdf, 0x13, 128, 0, 0, 0, 0, 0, 0, 0}, 10, KB_GUARD_MALFORMED},
    {"a long length that would have been short", {0x4f, 0x10, 2, 1, 2}, 5, KB_GUARD_OK},
};

START_TEST(test_leaf) {
    ck_assert_msg(end(leaf(leaves[_i].bytes, leaves[_i].size)) == leaves[_i].want, "%s", leaves[_i].why);
}
END_TEST

static const struct {
    const char *why;
    uint64_t count, root, table;
    unsigned offset_size, ref_size;
    enum kb_guard_verdict want;
} trailers[] = {
    {"sound", 1, 0, 9, 1, 1, KB_GUARD_OK},
    {"no object at all", 0, 0, 9, 1, 1, KB_GUARD_MALFORMED},
    {"root is not there", 1, 1, 9, 1, 1, KB_GUARD_MALFORMED},
    {"root is 2^64 - 1", 1, UINT64_MAX, 9, 1, 1, KB_GUARD_MALFORMED},
    {"more objects than offsets", 2, 0, 9, 1, 1, KB_GUARD_MALFORMED},
    {"2^64 - 1 objects", UINT64_MAX, 0, 9, 1, 1, KB_GUARD_MALFORMED},
    {"2^61 objects of 8 bytes: the product is 0", UINT64_C(1) << 61, 0, 9, 8, 1, KB_GUARD_MALFORMED},
    {"the table begins in the header", 1, 0, 7, 1, 1, KB_GUARD_MALFORMED},
    {"the table begins in the trailer", 1, 0, 10, 1, 1, KB_GUARD_MALFORMED},
    {"the table begins past the file", 1, 0, UINT64_MAX, 1, 1, KB_GUARD_MALFORMED},
    {"offsets of no byte", 1, 0, 9, 0, 1, KB_GUARD_MALFORMED},
    {"offsets of nine bytes", 1, 0, 9, 9, 1, KB_GUARD_MALFORMED},
    {"references of no byte", 1, 0, 9, 1, 0, KB_GUARD_MALFORMED},
    {"references of 255 bytes", 1, 0, 9, 1, 255, KB_GUARD_MALFORMED},
};

START_TEST(test_trailer) {
    unsigned char bytes[8 + 1 + 1 + 32] = "bplist00\x09\x08";
    struct bin *b = bin_new(trailers[_i].ref_size);
    put_byte(b, 0x09);
    put_byte(b, 8);
    finish_at(b, trailers[_i].count, trailers[_i].root, trailers[_i].table, trailers[_i].offset_size);
    ck_assert_uint_eq(b->size, sizeof bytes);
    ck_assert_msg(end(b) == trailers[_i].want, "%s", trailers[_i].why);
}
END_TEST

START_TEST(test_cut_anywhere) {
    struct bin *b = bin_new(1);
    object(b);
    put(b, "\xd1\x01\x02", 3);
    text(b, "key");
    text(b, "value");
    finish(b, 0);
    ck_assert_int_eq(kb_plist_guard(b->data, b->size, &kb_guard_default), KB_GUARD_OK);
    for (size_t size = 0; size < b->size; size++) {
        unsigned char *exact = malloc(size + 1); /* so that a sanitizer sees one byte too many */
        memcpy(exact, b->data, size);
        exact = realloc(exact, size ? size : 1);
        ck_assert_msg(kb_plist_guard(exact, size, &kb_guard_default) != KB_GUARD_OK, "cut at %zu", size);
        free(exact);
    }
    free(b->data);
    free(b);
}
END_TEST

START_TEST(test_offsets) {
    static const uint64_t bad[] = {0, 7, 9, 10, 1000, UINT32_MAX};
    for (size_t i = 0; i < KB_ARRAY_SIZE(bad); i++) {
        struct bin *b = leaf("\x09", 1);
        b->size = 9;
        b->count = 0;
        b->offsets[b->count++] = bad[i];
        finish(b, 0);
        ck_assert_msg(end(b) == KB_GUARD_MALFORMED, "offset %llu", (unsigned long long)bad[i]);
    }
}
END_TEST

START_TEST(test_cycle_and_sharing) {
    struct bin *b = bin_new(1); /* 0 -> 1 -> 2 -> 1 */
    object(b), put(b, "\xa1\x01", 2);
    object(b), put(b, "\xa1\x02", 2);
    object(b), put(b, "\xa1\x01", 2);
    finish(b, 0);
    ck_assert_int_eq(end(b), KB_GUARD_MALFORMED);
    b = bin_new(1); /* a diamond is no cycle */
    object(b), put(b, "\xa2\x01\x02", 3);
    object(b), put(b, "\xa1\x03", 2);
    object(b), put(b, "\xa1\x03", 2);
    text(b, "shared");
    finish(b, 0);
    ck_assert_int_eq(end(b), KB_GUARD_OK);
    b = bin_new(1); /* an unreachable cycle is never parsed */
    object(b), put(b, "\x09", 1);
    object(b), put(b, "\xa1\x01", 2);
    finish(b, 0);
    ck_assert_int_eq(end(b), KB_GUARD_OK);
}
END_TEST

START_TEST(test_depth_through_sharing) {
    /* Object 1 is first met one level down (and measured), then again at the end of a chain: together too deep. */
    for (unsigned last = 63; last <= 64; last++) {
        struct bin *b = bin_new(1);
        object(b), put(b, "\xa2\x01\x03", 3);
        object(b), put(b, "\xa1\x02", 2);
        object(b), put(b, "\xa0", 1);
        for (unsigned i = 3; i <= last; i++) object(b), put_byte(b, 0xa1), put_byte(b, i == last ? 1 : i + 1);
        finish(b, 0);
        ck_assert_int_eq(end(b), last == 63 ? KB_GUARD_OK : KB_GUARD_DEPTH);
    }
}
END_TEST

START_TEST(test_keys_are_texts) {
    struct bin *b = bin_new(1);
    object(b), put(b, "\xd1\x01\x01", 3);
    object(b), put(b, "\x10\x01", 2);
    finish(b, 0);
    ck_assert_int_eq(end(b), KB_GUARD_MALFORMED);
    b = bin_new(1); /* the same when the number was measured before, as a value */
    object(b), put(b, "\xa2\x01\x02", 3);
    object(b), put(b, "\x10\x01", 2);
    object(b), put(b, "\xd1\x01\x01", 3);
    finish(b, 0);
    ck_assert_int_eq(end(b), KB_GUARD_MALFORMED);
}
END_TEST

START_TEST(test_payload_expands) {
    struct bin *b = bin_new(4); /* 40 MiB of data, referred to a thousand times: 40 GB in libplist */
    object(b);
    marker(b, 0xa, 1000);
    for (int i = 0; i < 1000; i++) put_int(b, 1, 4);
    object(b);
    marker(b, 4, 40 << 20);
    unsigned char *data = calloc(1, 40 << 20);
    put(b, data, 40 << 20);
    free(data);
    finish(b, 0);
    ck_assert_int_eq(end(b), KB_GUARD_NODES);
}
END_TEST

START_TEST(test_overlap_is_not_quadratic) {
    /* 250,000 objects that are all the same array of 250,000 references: 6 * 10^10 steps for a naive walk. */
    struct bin *b = bin_new(4);
    uint64_t at = b->size;
    for (int i = 0; i < 250000; i++) b->offsets[b->count++] = at;
    marker(b, 0xa, 250000);
    for (uint64_t i = 0; i < 250000; i++) put_int(b, i, 4);
    uint64_t root = object(b);
    marker(b, 0xa, 250000);
    for (uint64_t i = 0; i < 250000; i++) put_int(b, i, 4);
    finish(b, root);
    double before = seconds();
    ck_assert_int_ne(end(b), KB_GUARD_OK);
    ck_assert_double_lt(seconds() - before, 1.0);
}
END_TEST

START_TEST(test_too_many_objects) {
    struct kb_guard_limits limits = kb_guard_default;
    limits.max_nodes = 10;
    struct bin *b = bin_new(1);
    object(b), marker(b, 0xa, 10);
    for (unsigned i = 1; i <= 10; i++) put_byte(b, i);
    for (int i = 0; i < 10; i++) object(b), put_byte(b, 0x09);
    finish(b, 0);
    ck_assert_int_eq(kb_plist_guard(b->data, b->size, &limits), KB_GUARD_NODES); /* eleven */
    limits.max_nodes = 11;
    ck_assert_int_eq(kb_plist_guard(b->data, b->size, &limits), KB_GUARD_OK);
    limits.max_bytes = b->size;
    ck_assert_int_eq(kb_plist_guard(b->data, b->size, &limits), KB_GUARD_OK);
    limits.max_bytes = b->size - 1;
    ck_assert_int_eq(kb_plist_guard(b->data, b->size, &limits), KB_GUARD_SIZE);
    end(b);
}
END_TEST

/* ---- What is real must pass ------------------------------------------------------------------------------------- */

START_TEST(test_manifest_plist) {
    struct bin *b = bin_new(4); /* 20,000 applications of three keys: the keys are shared, as Apple's writer does it */
    uint64_t keys[3] = {text(b, "CFBundleIdentifier"), text(b, "CFBundleVersion"), text(b, "Path")};
    uint64_t first = b->count;
    for (int i = 0; i < 20000; i++) {
        char word[80];
        snprintf(word, sizeof word, "/var/containers/Bundle/Application/%08x/App.app", (unsigned)i);
        text(b, word);
        uint64_t value = b->count - 1;
        object(b), marker(b, 0xd, 3);
        for (int k = 0; k < 3; k++) put_int(b, keys[k], 4);
        for (int k = 0; k < 3; k++) put_int(b, value, 4);
    }
    uint64_t root = object(b);
    marker(b, 0xd, 20000);
    for (uint64_t i = 0; i < 20000; i++) put_int(b, first + 2 * i, 4);
    for (uint64_t i = 0; i < 20000; i++) put_int(b, first + 2 * i + 1, 4);
    finish(b, root);
    ck_assert_uint_gt(b->size, 1 << 20);
    ck_assert_int_eq(end(b), KB_GUARD_OK);
}
END_TEST

START_TEST(test_keyed_archive) {
    struct bin *b = bin_new(1); /* {"$top": {"root": UID 1}, "$objects": ["$null", UID 2]} */
    object(b), put(b, "\xd2\x01\x02\x03\x05", 5);
    text(b, "$top");
    text(b, "$objects");
    object(b), put(b, "\xd1\x04\x07", 3);
    text(b, "root");
    object(b), put(b, "\xa2\x06\x08", 3);
    text(b, "$null");
    object(b), put(b, "\x80\x01", 2);
    object(b), put(b, "\x81\x00\x02", 3);
    finish(b, 0);
    ck_assert_int_eq(end(b), KB_GUARD_OK);
}
END_TEST

START_TEST(test_xml_with_pictures) {
    static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                               "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
                               "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
                               "<plist version=\"1.0\">\n<dict>\n\t<key>PlaceholderIcon</key>\n\t<data>\n";
    static const char tail[] = "\n\t</data>\n</dict>\n</plist>\n";
    size_t data = 40 << 20, size = 0;
    char *xml = malloc(sizeof head + data + sizeof tail);
    memcpy(xml, head, sizeof head - 1), size += sizeof head - 1;
    memset(xml + size, 'A', data), size += data;
    memcpy(xml + size, tail, sizeof tail - 1), size += sizeof tail - 1;
    double before = seconds();
    ck_assert_int_eq(kb_plist_guard(xml, size, &kb_guard_default), KB_GUARD_OK);
    ck_assert_double_lt(seconds() - before, 1.0);
    free(xml);
}
END_TEST

/* ---- XML, case by case ------------------------------------------------------------------------------------------ */

#define APPLE                                                                                                          \
    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">"

static const struct {
    const char *why, *xml;
    enum kb_guard_verdict want;
} xmls[] = {
    {"lockdown's answer",
     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" APPLE
     "\n<plist version=\"1.0\">\n<dict>\n\t<key>Type</key>\n\t<string>x</string>\n</dict>\n</plist>\n",
     KB_GUARD_OK},
    {"without a head", "<plist><true/></plist>", KB_GUARD_OK},
    {"a byte order mark", "\xef\xbb\xbf<plist><true/></plist>", KB_GUARD_OK},
    {"leading white space", " \r\n\t<plist><dict/></plist>", KB_GUARD_OK},
    {"the DOCTYPE of long ago",
     "<!DOCTYPE plist SYSTEM \"file://localhost/System/Library/DTDs/PropertyList.dtd\"><plist><dict/></plist>",
     KB_GUARD_OK},
    {"references of characters", "<plist><string>&lt;&amp;&#38;&#x26;&#128640;</string></plist>", KB_GUARD_OK},
    {"an ampersand alone is libplist's business", "<plist><string>a & b</string></plist>", KB_GUARD_OK},
    {"comments", "<plist><!-- </plist> --><dict/><!----></plist><!-- end -->", KB_GUARD_OK},
    {"CDATA", "<plist><string><![CDATA[</string> & <x>]]></string></plist>", KB_GUARD_OK},
    {"quotes in a text", "<plist><string>it's 3\" long</string></plist>", KB_GUARD_OK},
    {"a control character, as phones send them", "<plist><string>a\x01z</string></plist>", KB_GUARD_OK},
    {"white space in the closing tag", "<plist><dict></dict ></plist>", KB_GUARD_OK},
    {"nothing", " \n", KB_GUARD_MALFORMED},
    {"text only", "hello", KB_GUARD_MALFORMED},
    {"text before", "hello <plist><true/></plist>", KB_GUARD_MALFORMED},
    {"text behind", "<plist><true/></plist> hello", KB_GUARD_MALFORMED},
    {"two roots", "<plist><true/></plist><plist><true/></plist>", KB_GUARD_MALFORMED},
    {"JSON", "{\"a\": 1}", KB_GUARD_MALFORMED},
    {"OpenStep", "( a, b )", KB_GUARD_MALFORMED},
    {"an internal subset", "<!DOCTYPE plist [ <!ENTITY a \"b\"> ]><plist><string>&a;</string></plist>",
     KB_GUARD_MALFORMED},
    {"an internal subset behind Apple's name",
     "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"x\" [<!ENTITY a \"b\">]><plist><true/></plist>",
     KB_GUARD_MALFORMED},
    {"an entity alone", "<!ENTITY a \"b\"><plist><true/></plist>", KB_GUARD_MALFORMED},
    {"a DOCTYPE in the tree", "<plist>" APPLE "<true/></plist>", KB_GUARD_MALFORMED},
    {"a DOCTYPE that hides tags in quotes", "<!DOCTYPE plist \"><plist>\"><plist><true/></plist>", KB_GUARD_MALFORMED},
    {"a processing instruction that hides tags in quotes", "<?x \"?></a>\"?><plist><true/></plist>",
     KB_GUARD_MALFORMED},
    {"an attribute that hides a tag", "<plist a=\"><array>\"><true/></plist>", KB_GUARD_MALFORMED},
    {"an open quote", "<plist a=\"><true/></plist>", KB_GUARD_MALFORMED},
    {"a comment that is none", "<plist><!--><true/></plist>", KB_GUARD_MALFORMED},
    {"a comment without end", "<plist><true/></plist><!-- ", KB_GUARD_MALFORMED},
    {"a tag without end", "<plist><true/></plist", KB_GUARD_MALFORMED},
    {"a tag without name", "<plist>< ></plist>", KB_GUARD_MALFORMED},
    {"an empty tag", "<plist><></plist>", KB_GUARD_MALFORMED},
    {"a root without end", "<plist><array>", KB_GUARD_MALFORMED},
    {"closed twice", "<plist></plist></plist>", KB_GUARD_MALFORMED},
    {"closed crosswise", "<plist><array><dict></array></dict></plist>", KB_GUARD_MALFORMED},
    {"closed with a longer name", "<plist><array></arrays></plist>", KB_GUARD_MALFORMED},
    {"a NUL by number", "<plist><string>a&#0;bcd</string></plist>", KB_GUARD_MALFORMED},
    {"a NUL by many digits", "<plist><string>a&#x000;bcd</string></plist>", KB_GUARD_MALFORMED},
    {"a letter is no decimal digit", "<plist><string>a&#a;bcd</string></plist>", KB_GUARD_MALFORMED},
    {"a number that wraps to 0", "<plist><string>a&#4294967296;bcd</string></plist>", KB_GUARD_MALFORMED},
    {"a number that never ends", "<plist><string>a&#x1</string></plist>", KB_GUARD_MALFORMED},
    {"past Unicode's end", "<plist><string>&#x110000;</string></plist>", KB_GUARD_MALFORMED},
};

START_TEST(test_xml) {
    char *exact = malloc(strlen(xmls[_i].xml)); /* without the NUL: a sanitizer sees a read past the end */
    memcpy(exact, xmls[_i].xml, strlen(xmls[_i].xml));
    ck_assert_msg(kb_plist_guard(exact, strlen(xmls[_i].xml), &kb_guard_default) == xmls[_i].want, "%s", xmls[_i].why);
    free(exact);
}
END_TEST

START_TEST(test_xml_nul_and_utf16) {
    static const char inside[] = "<plist><string>a\0b</string></plist>";
    ck_assert_int_eq(kb_plist_guard(inside, sizeof inside - 1, NULL), KB_GUARD_MALFORMED);
    static const char comment[] = "<plist><!-- \0 --><dict/></plist>";
    ck_assert_int_eq(kb_plist_guard(comment, sizeof comment - 1, NULL), KB_GUARD_MALFORMED);
    static const char trailing[] = "<plist><true/></plist>\n\0";
    ck_assert_int_eq(kb_plist_guard(trailing, sizeof trailing, NULL), KB_GUARD_OK);
    static const char little[] = "\xff\xfe<\0p\0l\0i\0s\0t\0/\0>\0", big[] = "\0<\0p\0/\0>";
    ck_assert_int_eq(kb_plist_guard(little, sizeof little - 1, NULL), KB_GUARD_MALFORMED);
    ck_assert_int_eq(kb_plist_guard(big, sizeof big - 1, NULL), KB_GUARD_MALFORMED);
    ck_assert_int_eq(kb_plist_guard(NULL, 10, NULL), KB_GUARD_MALFORMED);
    ck_assert_int_eq(kb_plist_guard("", 0, NULL), KB_GUARD_MALFORMED);
}
END_TEST

static enum kb_guard_verdict repeated(const char *a, const char *word, const char *z, int times, const char *back) {
    size_t size = strlen(a) + strlen(z) + (size_t)times * (strlen(word) + strlen(back));
    char *xml = malloc(size + 1), *p = xml;
    p = stpcpy(p, a);
    for (int i = 0; i < times; i++) p = stpcpy(p, word);
    for (int i = 0; i < times; i++) p = stpcpy(p, back);
    stpcpy(p, z);
    enum kb_guard_verdict verdict = kb_plist_guard(xml, size, &kb_guard_default);
    free(xml);
    return verdict;
}

START_TEST(test_xml_depth_and_nodes) {
    ck_assert_int_eq(repeated("<plist>", "<array>", "</plist>", 64, "</array>"), KB_GUARD_OK);
    ck_assert_int_eq(repeated("<plist>", "<array>", "</plist>", 65, "</array>"), KB_GUARD_DEPTH);
    ck_assert_int_eq(repeated("<plist>", "<array>", "</plist>", 200000, "</array>"), KB_GUARD_DEPTH);
    ck_assert_int_eq(repeated("<plist><array>", "<true/>", "</array></plist>", 1999998, ""), KB_GUARD_OK);
    ck_assert_int_eq(repeated("<plist><array>", "<true/>", "</array></plist>", 2000000, ""), KB_GUARD_NODES);
    ck_assert_int_eq(repeated("<plist><string>", "<!---->", "</string></plist>", 2000000, ""), KB_GUARD_NODES);
    /* "<!-- <!-- <!-- ..." without an end, and a text of ampersands: neither may take quadratic time. */
    double before = seconds();
    ck_assert_int_eq(repeated("<plist>", "<!--", "", 1000000, ""), KB_GUARD_MALFORMED);
    ck_assert_int_eq(repeated("<plist><string>", "&#", "", 4000000, ""), KB_GUARD_MALFORMED);
    ck_assert_int_eq(repeated("<plist><!--", "--", "", 4000000, "-"), KB_GUARD_MALFORMED);
    ck_assert_double_lt(seconds() - before, 2.0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("base/guard");
    TCase *bombs = tcase_create("bombs"), *binary = tcase_create("binary"), *real = tcase_create("real"),
          *xml = tcase_create("xml");
    tcase_set_timeout(bombs, 60), tcase_set_timeout(binary, 60), tcase_set_timeout(xml, 60);
    tcase_add_test(bombs, test_doubling);
    tcase_add_test(bombs, test_deep);
    tcase_add_test(bombs, test_nul_string);
    tcase_add_test(bombs, test_payload_expands);
    tcase_add_test(bombs, test_overlap_is_not_quadratic);
    tcase_add_loop_test(binary, test_leaf, 0, KB_ARRAY_SIZE(leaves));
    tcase_add_loop_test(binary, test_trailer, 0, KB_ARRAY_SIZE(trailers));
    tcase_add_test(binary, test_cut_anywhere);
    tcase_add_test(binary, test_offsets);
    tcase_add_test(binary, test_cycle_and_sharing);
    tcase_add_test(binary, test_depth_through_sharing);
    tcase_add_test(binary, test_keys_are_texts);
    tcase_add_test(binary, test_too_many_objects);
    tcase_add_test(real, test_manifest_plist);
    tcase_add_test(real, test_keyed_archive);
    tcase_add_test(real, test_xml_with_pictures);
    tcase_add_loop_test(xml, test_xml, 0, KB_ARRAY_SIZE(xmls));
    tcase_add_test(xml, test_xml_nul_and_utf16);
    tcase_add_test(xml, test_xml_depth_and_nodes);
    suite_add_tcase(suite, bombs), suite_add_tcase(suite, binary), suite_add_tcase(suite, real);
    suite_add_tcase(suite, xml);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
