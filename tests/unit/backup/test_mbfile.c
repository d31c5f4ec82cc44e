/* The reader of MBFile blobs: what it takes, and what it must survive. */
#include "fixture.h"

#include <plist/plist.h>

#include "mbfile.h"

struct made {
    char *bytes;
    uint32_t size;
};

static plist_t file_of(plist_t root) { return plist_array_get_item(plist_dict_get_item(root, "$objects"), 1); }

static plist_t make_root(const char *path) {
    plist_t root = plist_new_dict(), objects = plist_new_array(), file = plist_new_dict(), top = plist_new_dict();

    plist_array_append_item(objects, plist_new_string("$null"));
    plist_array_append_item(objects, file);
    plist_array_append_item(objects, plist_new_string(path));
    plist_dict_set_item(file, "RelativePath", plist_new_uid(2));
    plist_dict_set_item(file, "Size", plist_new_uint(1234));
    plist_dict_set_item(file, "Mode", plist_new_uint(0100644));
    plist_dict_set_item(file, "ProtectionClass", plist_new_uint(4));
    plist_dict_set_item(top, "root", plist_new_uid(1));
    plist_dict_set_item(root, "$top", top);
    plist_dict_set_item(root, "$objects", objects);
    return root;
}

static struct made to_bin(plist_t root) {
    struct made made = {NULL, 0};

    plist_to_bin(root, &made.bytes, &made.size);
    plist_free(root);
    return made;
}

static bool parse(struct made made, const char *path, struct kb_mbfile *out) {
    bool right = kb_mbfile_parse((unsigned char *)made.bytes, made.size, path, strlen(path), out);

    free(made.bytes);
    return right;
}

START_TEST(test_plain) {
    struct kb_mbfile file;

    ck_assert(parse(to_bin(make_root("Library/a")), "Library/a", &file));
    ck_assert(file.has_size && file.size == 1234);
    ck_assert(file.has_mode && file.mode == 0100644);
    ck_assert(file.has_class && file.protection_class == 4);
    ck_assert(file.has_path && file.path_matches);
    ck_assert(!file.has_digest && !file.has_key && !file.bad_digest && !file.bad_key);
    ck_assert(parse(to_bin(make_root("Library/a")), "Library/b", &file));
    ck_assert(!file.path_matches);
}
END_TEST

static const char *const paths[] = {
    "",
    "x",
    "\xE5\x86\x99\xE7\x9C\x9F/\xE3\x81\x82.txt",
    "e\xCC\x81 decomposed",
    "\xF0\x9F\x93\xB1 beyond the basic plane",
};

START_TEST(test_paths) {
    struct kb_mbfile file;
    char longer[100];

    ck_assert(parse(to_bin(make_root(paths[_i])), paths[_i], &file));
    ck_assert(file.path_matches);
    snprintf(longer, sizeof longer, "%sx", paths[_i]);
    ck_assert(parse(to_bin(make_root(paths[_i])), longer, &file));
    ck_assert(!file.path_matches);
}
END_TEST

/* Digest and key: by UID, directly, in a dictionary, of wrong lengths. */
enum form { BY_UID, DIRECT, IN_DICT, IN_DICT_BY_UID, TO_NULL, TO_ITSELF, OUT_OF_RANGE };
static const struct {
    const char *key;
    enum form form;
    size_t size;
    bool has, bad;
} datas[] = {
    {"Digest", BY_UID, 20, true, false},
    {"Digest", DIRECT, 20, true, false},
    {"Digest", BY_UID, 32, false, true},
    {"Digest", TO_NULL, 0, false, false},
    {"Digest", TO_ITSELF, 0, false, true},
    {"EncryptionKey", IN_DICT, 44, true, false},
    {"EncryptionKey", IN_DICT_BY_UID, 44, true, false},
    {"EncryptionKey", DIRECT, 44, true, false},
    {"EncryptionKey", BY_UID, 44, true, false},
    {"EncryptionKey", IN_DICT, 43, false, true},
    {"EncryptionKey", TO_ITSELF, 0, false, true},
    {"EncryptionKey", OUT_OF_RANGE, 0, false, false},
};

static plist_t value_in(plist_t objects, enum form form, size_t size) {
    static const char bytes[64];
    plist_t dict = plist_new_dict(), data = plist_new_data(bytes, size);

    switch (form) {
    case DIRECT:
        return plist_free(dict), data;
    case BY_UID:
        return plist_free(dict), plist_array_append_item(objects, data), plist_new_uid(3);
    case IN_DICT:
        plist_dict_set_item(dict, "NS.data", data);
        break;
    case IN_DICT_BY_UID:
        plist_dict_set_item(dict, "NS.data", plist_new_uid(4));
        plist_array_append_item(objects, dict);
        plist_array_append_item(objects, data);
        return plist_new_uid(3);
    default:
        plist_free(dict), plist_free(data);
        return plist_new_uid(form == TO_NULL ? 0 : form == TO_ITSELF ? 1 : 999);
    }
    plist_array_append_item(objects, dict);
    return plist_new_uid(3);
}

START_TEST(test_datas) {
    plist_t root = make_root("a");
    plist_t value = value_in(plist_dict_get_item(root, "$objects"), datas[_i].form, datas[_i].size);
    bool digest = strcmp(datas[_i].key, "Digest") == 0;
    struct kb_mbfile file;

    plist_dict_set_item(file_of(root), datas[_i].key, value);
    ck_assert(parse(to_bin(root), "a", &file));
    ck_assert_msg((digest ? file.has_digest : file.has_key) == datas[_i].has, "row %d has", _i);
    ck_assert_msg((digest ? file.bad_digest : file.bad_key) == datas[_i].bad, "row %d bad", _i);
}
END_TEST

/* UIDs of more than one byte. */
START_TEST(test_many_objects) {
    plist_t root = make_root("a"), objects = plist_dict_get_item(root, "$objects");
    char digest[20];
    struct kb_mbfile file;

    memset(digest, 7, sizeof digest);
    for (int i = 0; i < 400; i++) {
        char text[32];
        snprintf(text, sizeof text, "object %d", i);
        plist_array_append_item(objects, plist_new_string(text));
    }
    plist_array_append_item(objects, plist_new_data(digest, sizeof digest));
    plist_dict_set_item(file_of(root), "Digest", plist_new_uid(403));
    ck_assert(parse(to_bin(root), "a", &file));
    ck_assert(file.has_digest);
    ck_assert_mem_eq(file.digest, digest, sizeof digest);
}
END_TEST

START_TEST(test_negative_size) {
    plist_t root = make_root("a");
    struct kb_mbfile file;

    plist_dict_set_item(file_of(root), "Size", plist_new_uint((uint64_t)-5));
    ck_assert(parse(to_bin(root), "a", &file));
    ck_assert(!file.has_size || file.size == -5); /* by how libplist writes it */
}
END_TEST

static const struct {
    const char *why;
    unsigned char bytes[16];
    bool taken;
    int64_t size;
} wides[] = {
    {"5 GiB", {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x40, 0, 0, 0}, true, INT64_C(5) << 30},
    {"the most", {0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 255, 255, 255, 255, 255, 255, 255}, true, INT64_MAX},
    {"more than fits", {0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0}, false, 0},
    {"far more", {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, false, 0},
    {"less than nothing", {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, false, 0},
};

/* The 16 bytes of a data object become an integer: its marker moves behind the count, and the offset table follows. */
static void make_wide_integer(struct made made, const unsigned char bytes[16]) {
    const unsigned char *trailer = (unsigned char *)made.bytes + made.size - 32;
    unsigned entry_size = trailer[6], at = 0;

    while (at + 19 < made.size && memcmp(made.bytes + at + 3, bytes, 16) != 0) at++;
    ck_assert_mem_eq(made.bytes + at, "\x4F\x10\x10", 3);
    ck_assert_uint_lt(at + 2, 256);
    made.bytes[at + 2] = 0x14;
    for (unsigned i = 0; i < trailer[15]; i++) {
        unsigned char *low = (unsigned char *)made.bytes + (trailer[30] << 8 | trailer[31]) + (i + 1) * entry_size - 1;
        if (*low == at) *low = (unsigned char)(at + 2);
    }
}

/* Integers of 16 bytes: libplist 2.7 writes all past INT_MAX so. */
START_TEST(test_wide_size) {
    plist_t root = make_root("a");
    struct kb_mbfile file;

    plist_dict_set_item(file_of(root), "Size", plist_new_data((const char *)wides[_i].bytes, 16));
    struct made made = to_bin(root);
    make_wide_integer(made, wides[_i].bytes);
    ck_assert(parse(made, "a", &file));
    ck_assert_msg(file.has_size == wides[_i].taken, "%s", wides[_i].why);
    if (file.has_size) ck_assert_msg(file.size == wides[_i].size, "%s", wides[_i].why);
}
END_TEST

START_TEST(test_not_an_archive) {
    struct kb_mbfile file;
    plist_t array = plist_new_array();

    ck_assert(!parse(to_bin(array), "a", &file));
    ck_assert(!parse(to_bin(plist_new_dict()), "a", &file));
    ck_assert(!kb_mbfile_parse(NULL, 0, "a", 1, &file));
    ck_assert(!kb_mbfile_parse((const unsigned char *)"bplist00", 8, "a", 1, &file));
}
END_TEST

/* Cut at each byte and with each byte changed: any answer, but no fault (run under ASan too). */
START_TEST(test_hurt) {
    struct made made = to_bin(make_root("Library/a"));
    struct kb_mbfile file;

    for (uint32_t size = 0; size < made.size; size++) {
        unsigned char *exact = malloc(size + !size);

        memcpy(exact, made.bytes, size);
        ck_assert(!kb_mbfile_parse(exact, size, "Library/a", 9, &file) || size > 40);
        free(exact);
    }
    for (uint32_t at = 0; at < made.size; at++)
        for (int value = 0; value < 256; value += 5) {
            char old = made.bytes[at];

            made.bytes[at] = (char)value;
            kb_mbfile_parse((unsigned char *)made.bytes, made.size, "Library/a", 9, &file);
            made.bytes[at] = old;
        }
    free(made.bytes);
}
END_TEST

int main(void) {
    TCase *cases[] = {tcase_create("all")};

    tcase_add_test(cases[0], test_plain);
    tcase_add_loop_test(cases[0], test_paths, 0, (int)KB_ARRAY_SIZE(paths));
    tcase_add_loop_test(cases[0], test_datas, 0, (int)KB_ARRAY_SIZE(datas));
    tcase_add_test(cases[0], test_many_objects);
    tcase_add_test(cases[0], test_negative_size);
    tcase_add_loop_test(cases[0], test_wide_size, 0, (int)KB_ARRAY_SIZE(wides));
    tcase_add_test(cases[0], test_not_an_archive);
    tcase_add_test(cases[0], test_hurt);
    return fixture_run("backup/mbfile", cases, KB_ARRAY_SIZE(cases));
}
