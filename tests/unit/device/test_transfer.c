/* DeviceLink's framing, its messages and both raw sub-protocols, against a device that is a script of bytes. */
#include "fake.h"

static char large[100000];

static void fill_large(void) {
    for (size_t i = 0; i < sizeof large; i++) large[i] = (char)(i * 7 + i / 251);
}

static void assert_file(struct fake_run *run, const char *name, const void *data, size_t size) {
    int i = fake_find(&run->disk, name);

    ck_assert_msg(i >= 0, "%s is missing", name);
    ck_assert_uint_eq(run->disk.files[i].bytes.size, size);
    if (size > 0) ck_assert(memcmp(run->disk.files[i].bytes.data, data, size) == 0);
}

/* ---- Device to host ---- */

static void say_batch(struct kb_buf *in) {
    say_upload(in, 12.5);
    say_file(in, "U/Snapshot/ab/one", "hello", 5);
    say_file(in, "U/Snapshot/ab/empty", "", 0);
    say_names(in, "U/Snapshot/ab/large", 19);
    say_code(in, 0x0c, large, 60000);
    say_code(in, 0x0c, large + 60000, sizeof large - 60000);
    say_code(in, 0x00, "", 0);
    say_names(in, "U/Snapshot/ab/changed", 21);
    say_code(in, 0x0c, "half", 4);
    say_code(in, 0x0b, "file changed", 12);
    say_file(in, "U/Snapshot/ab/last", "end", 3);
    say_u32(in, 0);
}

static const size_t chunks[] = {1, 2, 3, 5, 4096, 0};

START_TEST(test_upload_however_it_is_split) {
    struct fake_run run = {0};
    struct kb_buf in = {0};

    say_batch(&in);
    say_response(&in, 0, NULL);
    fake_serve(&run, &in, chunks[_i], NULL);
    ck_assert_msg(!kb_failed(&run.res), "%s", run.res.text);
    assert_file(&run, "U/Snapshot/ab/one", "hello", 5);
    assert_file(&run, "U/Snapshot/ab/empty", "", 0);
    assert_file(&run, "U/Snapshot/ab/large", large, sizeof large);
    assert_file(&run, "U/Snapshot/ab/last", "end", 3);
    ck_assert_int_eq(fake_find(&run.disk, "U/Snapshot/ab/changed"), -1);
    ck_assert_int_eq(run.disk.open, 0);
    ck_assert_int_eq(heard_status(&run.line.out, &run.request, NULL), 0);
    ck_assert_int_eq(run.end.files, 4);
    ck_assert_int_eq(run.end.bytes, 5 + (int64_t)sizeof large + 4 + 3);
    ck_assert(run.end.answered);
    ck_assert_double_eq(run.end.done_pct, 100);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* The cable is pulled after each byte in turn: always a lost link, no file half there, none left open. */
START_TEST(test_upload_cut_anywhere) {
    struct kb_buf in = {0};

    say_upload(&in, 1);
    say_file(&in, "U/a", "hello", 5);
    say_names(&in, "U/b", 3);
    say_code(&in, 0x0c, "12345678", 8);
    say_code(&in, 0x0b, "gone", 4);
    say_u32(&in, 0);
    say_response(&in, 0, NULL);
    for (size_t size = in.size - 1; size > 0; size--) {
        struct fake_run run = {0};
        struct kb_buf cut = {in.data, size, size};

        fake_serve(&run, &cut, 0, NULL);
        ck_assert_msg(kb_is(&run.res, KB_BACKUP2, KB_LINK_LOST), "cut at %zu: %d %s", size, run.res.code, run.res.text);
        ck_assert_int_eq(run.disk.open, 0);
        ck_assert_int_eq(run.end.answered, false);
        if (run.disk.count > 0) assert_file(&run, "U/a", "hello", 5);
        ck_assert_int_eq(fake_find(&run.disk, "U/b"), -1);
        fake_run_release(&run);
    }
    kb_buf_release(&in);
}
END_TEST

static void bad_block_zero(struct kb_buf *in) {
    say_upload(in, 1);
    say_names(in, "U/a", 3);
    say_u32(in, 0);
}
static void bad_code(struct kb_buf *in) {
    say_upload(in, 1);
    say_names(in, "U/a", 3);
    say_code(in, 0x77, "x", 1);
}
static void bad_dname(struct kb_buf *in) {
    say_upload(in, 1);
    say_u32(in, 4097);
}
static void bad_name(struct kb_buf *in) {
    say_upload(in, 1);
    say_u32(in, 1);
    kb_buf_add(in, "x", 1);
    say_u32(in, 0xffffffff);
}
static void bad_length_zero(struct kb_buf *in) { say_u32(in, 0); }
static void bad_length_huge(struct kb_buf *in) { say_u32(in, 0xffffffff); }
static void bad_length_over(struct kb_buf *in) { say_u32(in, KB_FRAME_MAX + 1); }
static void bad_garbage(struct kb_buf *in) {
    say_u32(in, 40);
    kb_buf_add(in,
               "bplist00\xd0\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
               "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
               40);
}
static void bad_dict(struct kb_buf *in) { say_plist(in, plist_new_dict()); }
static void bad_empty(struct kb_buf *in) { say_plist(in, plist_new_array()); }
static void bad_first(struct kb_buf *in) {
    plist_t message = plist_new_array();

    plist_array_append_item(message, plist_new_uint(7));
    say_plist(in, message);
}
static void bad_not_dl(struct kb_buf *in) { say_plist(in, dl("Hello")); }
static void bad_paths(struct kb_buf *in) {
    plist_t message = dl("DLMessageDownloadFiles");

    plist_array_append_item(message, plist_new_string("U/a"));
    say_plist(in, message);
}
static void bad_path_type(struct kb_buf *in) {
    plist_t message = dl("DLMessageRemoveItems"), list = plist_new_array();

    plist_array_append_item(list, plist_new_uint(1));
    plist_array_append_item(message, list);
    say_plist(in, message);
}
static void bad_move(struct kb_buf *in) {
    plist_t message = dl("DLMessageMoveItems"), dict = plist_new_dict();

    plist_dict_set_item(dict, "U/a", plist_new_uint(1));
    plist_array_append_item(message, dict);
    say_plist(in, message);
}
static void bad_response(struct kb_buf *in) {
    plist_t message = dl("DLMessageProcessMessage"), dict = plist_new_dict();

    plist_dict_set_item(dict, "MessageName", plist_new_string("Response"));
    plist_dict_set_item(dict, "ErrorCode", plist_new_string("0"));
    plist_array_append_item(message, dict);
    say_plist(in, message);
}

static const struct {
    const char *why;
    void (*say)(struct kb_buf *in);
} malformed[] = {
    {"a block of no length has not even a code", bad_block_zero},
    {"a code that nobody knows", bad_code},
    {"a device name longer than a path can be", bad_dname},
    {"a host name of four gigabytes", bad_name},
    {"a message of no length", bad_length_zero},
    {"a message of four gigabytes", bad_length_huge},
    {"a message one byte over the bound", bad_length_over},
    {"bytes that are no plist", bad_garbage},
    {"a dictionary instead of an array", bad_dict},
    {"an empty array", bad_empty},
    {"an array that does not begin with its name", bad_first},
    {"a message that is none of DeviceLink's", bad_not_dl},
    {"a text where the list of paths should be", bad_paths},
    {"a path that is a number", bad_path_type},
    {"a destination that is a number", bad_move},
    {"an ErrorCode that is a text is not success", bad_response},
};

START_TEST(test_malformed) {
    struct fake_run run = {0};
    struct kb_buf in = {0};

    malformed[_i].say(&in);
    run.line.silent = true; /* refused at once, without waiting for what was promised */
    fake_serve(&run, &in, 0, NULL);
    ck_assert_msg(kb_is(&run.res, KB_BACKUP2, KB_LINK_PROTOCOL), "%s: %d %d %s", malformed[_i].why, run.res.domain,
                  run.res.code, run.res.text);
    ck_assert_int_eq(run.disk.count, 0);
    ck_assert_int_eq(run.disk.open, 0);
    ck_assert(!run.end.answered);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* The disk fills up in the middle of a file: drained to the zero, told once, and the device's own word is the result.
 */
START_TEST(test_full_disk) {
    struct fake_run run = {0};
    struct kb_buf in = {0};

    say_batch(&in);
    say_response(&in, 105, "Insufficient free disk space on drive to back up (MBErrorDomain/105)");
    run.disk.room = 1000;
    fake_serve(&run, &in, 4096, NULL);
    ck_assert_int_eq(heard_status(&run.line.out, &run.request, NULL), -15);
    ck_assert(kb_is(&run.res, KB_BACKUP2, 105));
    assert_file(&run, "U/Snapshot/ab/one", "hello", 5);
    ck_assert_int_eq(fake_find(&run.disk, "U/Snapshot/ab/large"), -1);
    ck_assert_int_eq(fake_find(&run.disk, "U/Snapshot/ab/last"), -1);
    ck_assert_int_eq(run.disk.open, 0);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

static const struct {
    const char *why;
    const char *name;
    size_t size;
} hostile[] = {
    {"climbs out", "../../etc/passwd", 16},
    {"absolute", "/etc/passwd", 11},
    {"a NUL inside would be another name to the system", "U/a\0/../../x", 12},
    {"no name at all", "", 0},
};

START_TEST(test_hostile_names) {
    struct fake_run run = {0};
    struct kb_buf in = {0};
    plist_t last;

    say_upload(&in, 1);
    say_names(&in, hostile[_i].name, hostile[_i].size);
    say_code(&in, 0x0c, "evil", 4);
    say_code(&in, 0x00, "", 0);
    say_file(&in, "U/good", "good", 4);
    say_u32(&in, 0);
    say_response(&in, 0, NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert_msg(kb_is(&run.res, KB_BACKUP2, KB_LINK_PROTOCOL), "%s: %s", hostile[_i].why, run.res.text);
    ck_assert_int_eq(heard_status(&run.line.out, &run.request, NULL), -1);
    last = heard(&run.line.out, &run.request);
    ck_assert_str_eq(heard_name(last), "DLMessageDisconnect");
    plist_free(last);
    ck_assert_int_eq(run.disk.count, 1); /* U/good, and nothing else */
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* ---- Host to device ---- */

/* The device's reading of one file of a download, into got; the closing code. */
static int hear_file(const struct kb_buf *out, size_t *at, const char *name, struct kb_buf *got) {
    const unsigned char *bytes = (const unsigned char *)out->data;
    uint32_t size = kb_get_be32(bytes + *at);

    ck_assert_uint_eq(size, strlen(name));
    ck_assert(memcmp(bytes + *at + 4, name, size) == 0);
    *at += 4 + size;
    for (;;) {
        uint32_t block = kb_get_be32(bytes + *at);
        int code = bytes[*at + 4];

        ck_assert_uint_ge(block, 1);
        ck_assert_uint_le(block, 32 * 1024 + 1);
        if (code != 0x00) kb_buf_add(got, bytes + *at + 5, block - 1);
        *at += 4 + block;
        if (code != 0x0c) return code;
    }
}

static uint32_t hear_u32(const struct kb_buf *out, size_t *at) {
    *at += 4;
    return kb_get_be32((const unsigned char *)out->data + *at - 4);
}

START_TEST(test_download) {
    static const char *const paths[] = {"U/Status.plist", "U/missing", "U/large", "U/empty", NULL};
    struct fake_run run = {0};
    struct kb_buf in = {0}, got[4] = {{0}};
    plist_t payload = NULL;
    int64_t code = 0;

    fake_add(&run.disk, "U/Status.plist", "status", 6);
    fake_add(&run.disk, "U/large", large, sizeof large);
    fake_add(&run.disk, "U/empty", "", 0);
    say_download(&in, paths);
    say_response(&in, 0, NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert(!kb_failed(&run.res));

    const struct kb_buf *out = &run.line.out;
    ck_assert_int_eq(hear_file(out, &run.request, paths[0], &got[0]), 0);
    ck_assert_int_eq(hear_file(out, &run.request, paths[1], &got[1]), 6);
    ck_assert_int_eq(hear_file(out, &run.request, paths[2], &got[2]), 0);
    ck_assert_int_eq(hear_file(out, &run.request, paths[3], &got[3]), 0);
    ck_assert_uint_eq(hear_u32(out, &run.request), 0);
    ck_assert_int_eq(heard_status(out, &run.request, &payload), -13);
    ck_assert_str_eq(got[0].data, "status");
    ck_assert_str_eq(got[1].data, "No such file or directory");
    ck_assert_uint_eq(got[2].size, sizeof large);
    ck_assert(memcmp(got[2].data, large, sizeof large) == 0);
    ck_assert_uint_eq(got[3].size, 0);
    ck_assert_uint_eq(plist_dict_get_size(payload), 1);
    ck_assert(kb_node_int(kb_node_get(kb_node_get(payload, "U/missing"), "DLFileErrorCode"), &code));
    ck_assert_int_eq(code, -6);
    ck_assert_int_eq(run.end.files, 3);
    ck_assert_int_eq(run.disk.open, 0);
    plist_free(payload);
    for (int i = 0; i < 4; i++) kb_buf_release(&got[i]);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

START_TEST(test_download_of_nothing) {
    static const char *const paths[] = {NULL};
    struct fake_run run = {0};
    struct kb_buf in = {0};

    say_download(&in, paths);
    say_response(&in, 0, NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert_uint_eq(hear_u32(&run.line.out, &run.request), 0);
    ck_assert_int_eq(heard_status(&run.line.out, &run.request, NULL), 0);
    ck_assert(!kb_failed(&run.res));
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* A read error, or a file of another length than it had: the error block stands in place of success. */
START_TEST(test_download_bad_file) {
    static const char *const paths[] = {"U/large", NULL};
    struct fake_run run = {0};
    struct kb_buf in = {0}, got = {0};

    fake_add(&run.disk, "U/large", large, sizeof large);
    if (_i == 0) run.disk.bad_after = 40000;
    if (_i == 1) run.disk.lie = 1;
    if (_i == 2) run.disk.lie = -1;
    say_download(&in, paths);
    say_response(&in, 103, "read error");
    fake_serve(&run, &in, 0, NULL);
    ck_assert_int_eq(hear_file(&run.line.out, &run.request, paths[0], &got), 6);
    ck_assert_uint_eq(hear_u32(&run.line.out, &run.request), 0);
    ck_assert_int_eq(heard_status(&run.line.out, &run.request, NULL), -13);
    ck_assert_int_eq(run.disk.open, 0);
    kb_buf_release(&got);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

START_TEST(test_download_hostile) {
    static const char *const paths[] = {"../../etc/shadow", NULL};
    struct fake_run run = {0};
    struct kb_buf in = {0}, got = {0};

    say_download(&in, paths);
    say_response(&in, 0, NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert_int_eq(hear_file(&run.line.out, &run.request, paths[0], &got), 6);
    ck_assert(kb_is(&run.res, KB_BACKUP2, KB_LINK_PROTOCOL));
    kb_buf_release(&got);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* A thousand small files must not be a thousand system calls. */
START_TEST(test_download_gathers) {
    const char *paths[1001];
    struct fake_run run = {0};
    struct kb_buf in = {0};

    fake_add(&run.disk, "U/small", large, 400);
    for (int i = 0; i < 1000; i++) paths[i] = "U/small";
    paths[1000] = NULL;
    say_download(&in, paths);
    say_response(&in, 0, NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert(!kb_failed(&run.res));
    ck_assert_int_eq(run.end.files, 1000);
    ck_assert_int_le(run.line.writes, 6);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* ---- The other messages ---- */

static void ask_text(struct kb_buf *in, const char *name, const char *a, const char *b) {
    plist_t message = dl(name);

    if (a) plist_array_append_item(message, plist_new_string(a));
    if (b) plist_array_append_item(message, plist_new_string(b));
    say_plist(in, message);
}
static void ask_move(struct kb_buf *in, const char *name, const char *a, const char *b) {
    plist_t message = dl(name), dict = plist_new_dict();

    plist_dict_set_item(dict, a, plist_new_string(b));
    plist_array_append_item(message, dict);
    say_plist(in, message);
}
static void ask_list(struct kb_buf *in, const char *name, const char *a, const char *b) {
    plist_t message = dl(name), list = plist_new_array();

    if (a) plist_array_append_item(list, plist_new_string(a));
    if (b) plist_array_append_item(list, plist_new_string(b));
    plist_array_append_item(message, list);
    say_plist(in, message);
}

static const struct {
    const char *why;
    void (*ask)(struct kb_buf *in, const char *name, const char *a, const char *b);
    const char *name, *a, *b;
    int64_t status;
    const char *done;
} messages[] = {
    {"the stock tool hangs here for ever", ask_text, "DLMessagePurgeDiskSpace", NULL, NULL, -1, ""},
    {"tomorrow's message gets an answer, too", ask_text, "DLMessageOfTomorrow", "x", NULL, -1, ""},
    {"no Purge, but free space", ask_text, "DLMessageGetFreeDiskSpace", NULL, NULL, 0, ""},
    {"a folder", ask_text, "DLMessageCreateDirectory", "U/ab", NULL, 0, "mkdir U/ab;"},
    {"one folder level", ask_text, "DLContentsOfDirectory", "U", NULL, 0, ""},
    {"a folder that is not there lists as empty", ask_text, "DLContentsOfDirectory", "missing", NULL, 0, ""},
    {"a copy", ask_text, "DLMessageCopyItem", "U", "U-2", 0, "copy U U-2;"},
    {"a move", ask_move, "DLMessageMoveItems", "U/a", "U/b", 0, "move U/a U/b;"},
    {"its old name", ask_move, "DLMessageMoveFiles", "U/a", "U/b", 0, "move U/a U/b;"},
    {"a move of nothing", ask_move, "DLMessageMoveItems", "U/missing", "U/b", -6, "move U/missing U/b;"},
    {"removes, in order", ask_list, "DLMessageRemoveItems", "U/a", "U/b", 0, "remove U/a;remove U/b;"},
    {"its old name", ask_list, "DLMessageRemoveFiles", "U/a", NULL, 0, "remove U/a;"},
    {"nothing to remove", ask_list, "DLMessageRemoveItems", NULL, NULL, 0, ""},
};

START_TEST(test_messages) {
    struct fake_run run = {0};
    struct kb_buf in = {0};

    messages[_i].ask(&in, messages[_i].name, messages[_i].a, messages[_i].b);
    say_response(&in, 0, NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert_msg(!kb_failed(&run.res), "%s: %s", messages[_i].why, run.res.text);
    ck_assert_msg(heard_status(&run.line.out, &run.request, NULL) == messages[_i].status, "%s", messages[_i].why);
    ck_assert_str_eq(run.disk.done, messages[_i].done);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

START_TEST(test_payloads) {
    struct fake_run run = {0};
    struct kb_buf in = {0};
    plist_t payload = NULL;
    int64_t number = 0;

    ask_text(&in, "DLMessageGetFreeDiskSpace", NULL, NULL);
    ask_text(&in, "DLContentsOfDirectory", "U", NULL);
    say_response(&in, 0, NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert_int_eq(heard_status(&run.line.out, &run.request, &payload), 0);
    ck_assert(kb_node_int(payload, &number));
    ck_assert_int_eq(number, 5000000000);
    plist_free(payload);
    ck_assert_int_eq(heard_status(&run.line.out, &run.request, &payload), 0);
    plist_t file = kb_node_get(payload, "Manifest.db");
    ck_assert_str_eq(kb_node_text(kb_node_get(file, "DLFileType")), "DLFileTypeRegular");
    ck_assert(kb_node_int(kb_node_get(file, "DLFileSize"), &number));
    ck_assert_int_eq(number, 77);
    ck_assert_str_eq(kb_node_text(kb_node_get(kb_node_get(payload, "ab"), "DLFileType")), "DLFileTypeDirectory");
    ck_assert_int_eq(plist_get_node_type(kb_node_get(file, "DLFileModificationDate")), PLIST_DATE);
    plist_free(payload);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* ---- The end, and the way there ---- */

START_TEST(test_response_error) {
    struct fake_run run = {0};
    struct kb_buf in = {0};

    say_response(&in, 211, "Find My iPhone must be disabled \x1b[2J(MBErrorDomain/211)");
    fake_serve(&run, &in, 0, NULL);
    ck_assert(kb_is(&run.res, KB_BACKUP2, 211));
    ck_assert(run.end.answered);
    ck_assert_ptr_eq(strchr(run.res.text, '\x1b'), NULL);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* The device's negative numbers must not be taken for ours (enum kb_link_code). */
START_TEST(test_response_negative) {
    struct fake_run run = {0};
    struct kb_buf in = {0};

    say_response(&in, KB_LINK_LOST, "lost?");
    fake_serve(&run, &in, 0, NULL);
    ck_assert(kb_is(&run.res, KB_BACKUP2, 1));
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

START_TEST(test_disconnect) {
    struct fake_run run = {0};
    struct kb_buf in = {0};

    ask_text(&in, "DLMessageDisconnect", "Goodbye", NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert(kb_is(&run.res, KB_BACKUP2, KB_LINK_LOST));
    ck_assert_ptr_nonnull(strstr(run.res.text, "Goodbye"));
    ck_assert(!run.end.answered);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* Only a larger number counts, and the device's 0 at the end says 100. */
START_TEST(test_progress_never_goes_back) {
    static const double told[] = {10, 0, 5, -3, 60, 59, 20};
    struct fake_run run = {0};
    struct kb_buf in = {0};

    for (size_t i = 0; i < KB_ARRAY_SIZE(told); i++) {
        say_upload(&in, told[i]);
        say_u32(&in, 0);
    }
    if (_i == 1) say_upload(&in, 1e300);
    if (_i == 1) say_u32(&in, 0);
    say_response(&in, _i < 2 ? 1 : 0, NULL);
    fake_serve(&run, &in, 0, NULL);
    ck_assert_double_eq(run.end.done_pct, _i == 0 ? 60 : 100);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

/* Cancelled while the device is silent between two messages: it is told good-bye. */
START_TEST(test_cancel_is_polite) {
    struct fake_run run = {0};
    struct kb_buf in = {0};
    struct kb_cancel *cancel = kb_cancel_new();
    plist_t last;

    ask_text(&in, "DLMessageCreateDirectory", "U", NULL);
    run.line.silent = true;
    kb_cancel_now(cancel);
    fake_serve(&run, &in, 0, cancel);
    ck_assert_int_eq(run.res.domain, KB_CANCELLED);
    while ((last = heard(&run.line.out, &run.request))) {
        const char *name = heard_name(last);

        if (run.request == run.line.out.size) ck_assert_str_eq(name, "DLMessageDisconnect");
        plist_free(last);
    }
    kb_cancel_free(cancel);
    kb_buf_release(&in);
    fake_run_release(&run);
}
END_TEST

static const struct {
    const char *why;
    int64_t major; /* -1: a text instead */
    int64_t hello; /* ErrorCode of the answer to Hello */
    int code;
} openings[] = {
    {"iOS 14 and later", 400, 0, 0},
    {"iOS 13", 300, 0, 0},
    {"a device of tomorrow", 999, 0, 0},
    {"no number at all", -1, 0, KB_LINK_VERSION},
    {"no common protocol", 400, 1, KB_LINK_VERSION},
};

START_TEST(test_opening) {
    struct fake_line line = {0};
    struct kb_buf in = {0};
    struct kb_transfer_options options = {0};
    struct kb_transfer_end end = {0};
    struct kb_backup2 *b2 = kb_xcalloc(1, sizeof *b2);
    plist_t message = dl("DLMessageVersionExchange");
    size_t at = 0;
    int64_t echoed = 0;

    plist_array_append_item(message, openings[_i].major < 0 ? plist_new_string("x")
                                                            : plist_new_uint((uint64_t)openings[_i].major));
    plist_array_append_item(message, plist_new_uint(0));
    say_plist(&in, message);
    ask_text(&in, "DLMessageDeviceReady", NULL, NULL);
    say_response(&in, openings[_i].hello, NULL);
    line.in = in.data;
    line.in_size = in.size;
    b2->stream = fake_stream(&line);
    b2->options = &options;
    b2->end = &end;
    struct kb_result res = kb_backup2_open(b2);
    ck_assert_msg(res.code == openings[_i].code, "%s: %s", openings[_i].why, res.text);
    message = heard(&line.out, &at);
    if (openings[_i].major >= 0) {
        ck_assert(kb_node_int(plist_array_get_item(message, 2), &echoed));
        ck_assert_int_eq(echoed, openings[_i].major);
    }
    plist_free(message);
    kb_stream_free(b2->stream);
    kb_buf_release(&line.out);
    kb_buf_release(&in);
    free(b2);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("transfer");
    TCase *tcase = tcase_create("transfer");
    SRunner *runner;

    fill_large();
    kb_lang_set(KB_LANG_EN);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, test_upload_however_it_is_split, 0, KB_ARRAY_SIZE(chunks));
    tcase_add_test(tcase, test_upload_cut_anywhere);
    tcase_add_loop_test(tcase, test_malformed, 0, KB_ARRAY_SIZE(malformed));
    tcase_add_test(tcase, test_full_disk);
    tcase_add_loop_test(tcase, test_hostile_names, 0, KB_ARRAY_SIZE(hostile));
    tcase_add_test(tcase, test_download);
    tcase_add_test(tcase, test_download_of_nothing);
    tcase_add_loop_test(tcase, test_download_bad_file, 0, 3);
    tcase_add_test(tcase, test_download_hostile);
    tcase_add_test(tcase, test_download_gathers);
    tcase_add_loop_test(tcase, test_messages, 0, KB_ARRAY_SIZE(messages));
    tcase_add_test(tcase, test_payloads);
    tcase_add_test(tcase, test_response_error);
    tcase_add_test(tcase, test_response_negative);
    tcase_add_test(tcase, test_disconnect);
    tcase_add_loop_test(tcase, test_progress_never_goes_back, 0, 3);
    tcase_add_test(tcase, test_cancel_is_polite);
    tcase_add_loop_test(tcase, test_opening, 0, KB_ARRAY_SIZE(openings));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
