/* Key derivation, keybag and unwrapping against published vectors, and what a hostile keybag may ask for. */
#include "fixture.h"

#include <openssl/evp.h>

#include "keybag.h"

static struct kb_secret *unhexed(const char *hex) {
    unsigned char bytes[64];
    size_t size = strlen(hex) / 2;

    ck_assert(size <= sizeof bytes && kb_unhex(bytes, size, hex));
    return kb_secret_new(bytes, size);
}

/* hashcat's examples for modes 14700 and 14800; the second has the full count, so it costs a second or two. */
static const struct {
    const char *wrapped, *salt, *first_salt;
    uint32_t rounds, first_rounds;
} vectors[] = {
    {"b8e3f3a970239b22ac199b622293fe4237b9d16e74bad2c3c3568cd1bd3c471615a6c4f867265642",
     "4542263740587424862267232255853830404566", "", 10000, 0},
    {"ebd7f9b33293b2511f0a4139d5b213feff51476968863cef60ec38d720497b6ff39a0bb63fa9f84e",
     "2202015774208421818002001652122401871832", "", 10000, 0},
    {"17a3b858e79bc273be43a9f113b71efe7ec8e7e401396b350180b4592ef45db67ffef7b2d64329a5",
     "2721336781705041205314422175267631184867", "99fafc983e732998adb9fadc162a2e382143f115", 10000, 1000},
    {"8b715f516ff8e64442c478c2d9abb046fc6979ab079007d3dbcef3ddd84217f4c3db01362d88fa68",
     "2353363784073608264337337723324886300850", "425b4bb4e200b5fd4c66979c9caca31716052063", 10000, 10000000},
};

START_TEST(test_vectors) {
    struct kb_kdf kdf = {.rounds = vectors[_i].rounds, .first_rounds = vectors[_i].first_rounds};
    struct kb_secret *key = NULL, *wrapped = unhexed(vectors[_i].wrapped);
    unsigned char plain[KB_KEY_BYTES];

    kdf.salt_size = strlen(vectors[_i].salt) / 2;
    kdf.first_salt_size = strlen(vectors[_i].first_salt) / 2;
    ck_assert(kb_unhex(kdf.salt, kdf.salt_size, vectors[_i].salt));
    ck_assert(kb_unhex(kdf.first_salt, kdf.first_salt_size, vectors[_i].first_salt));
    ck_ok(kb_kdf_run(&kdf, "hashcat", 7, NULL, NULL, &key));
    ck_assert(kb_unwrap(key->data, wrapped->data, plain));
    wrapped->data[3] ^= 1;
    ck_assert(!kb_unwrap(key->data, wrapped->data, plain));
    kb_secret_free(key);
    kb_secret_free(wrapped);
}
END_TEST

/* RFC 3394, 4.6: 256 bits of key data with a 256-bit KEK. */
START_TEST(test_rfc3394) {
    struct kb_secret *kek = unhexed("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
    struct kb_secret *key = unhexed("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
    struct kb_secret *wrapped =
        unhexed("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");
    unsigned char plain[KB_KEY_BYTES];

    ck_assert(kb_unwrap(kek->data, wrapped->data, plain));
    ck_assert_mem_eq(plain, key->data, KB_KEY_BYTES);
    kek->data[0] ^= 1;
    ck_assert(!kb_unwrap(kek->data, wrapped->data, plain));
    kb_secret_free(kek);
    kb_secret_free(key);
    kb_secret_free(wrapped);
}
END_TEST

/* The first stage against OpenSSL's own, over lengths on both sides of a block and of a slice. */
static const struct {
    size_t password;
    uint32_t rounds;
} stages[] = {{1, 1}, {6, 2}, {63, 7}, {64, 100}, {65, 1001}, {200, 100003}};

START_TEST(test_first_stage) {
    char password[200];
    unsigned char salt[20], first[32], want[32];
    struct kb_kdf kdf = {.rounds = 3, .first_rounds = stages[_i].rounds, .salt_size = 20, .first_salt_size = 20};
    struct kb_secret *key = NULL;

    for (size_t i = 0; i < sizeof password; i++) password[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < sizeof salt; i++) kdf.salt[i] = salt[i] = (unsigned char)(i * 7 + 1);
    memcpy(kdf.first_salt, salt, sizeof salt);
    PKCS5_PBKDF2_HMAC(password, (int)stages[_i].password, salt, 20, (int)stages[_i].rounds, EVP_sha256(), 32, first);
    PKCS5_PBKDF2_HMAC((char *)first, 32, salt, 20, 3, EVP_sha1(), 32, want);
    ck_ok(kb_kdf_run(&kdf, password, stages[_i].password, NULL, NULL, &key));
    ck_assert_mem_eq(key->data, want, 32);
    kb_secret_free(key);
}
END_TEST

struct progress {
    int calls, last, stop_at;
};

static bool on_progress(void *arg, int done_pct) {
    struct progress *progress = arg;

    ck_assert_int_ge(done_pct, progress->last);
    progress->last = done_pct;
    progress->calls++;
    return done_pct < progress->stop_at;
}

START_TEST(test_cancel) {
    struct kb_kdf kdf = {.rounds = 10, .first_rounds = 20000000, .salt_size = 20, .first_salt_size = 20};
    struct progress progress = {.stop_at = 1};
    struct kb_secret *key = NULL;
    int64_t start = kb_clock_ms();
    struct kb_result res = kb_kdf_run(&kdf, "x", 1, on_progress, &progress, &key);

    ck_assert_int_eq(res.domain, KB_CANCELLED);
    ck_assert_ptr_null(key);
    ck_assert_int_lt(kb_clock_ms() - start, 5000);
}
END_TEST

START_TEST(test_progress_ends) {
    struct kb_kdf kdf = {.rounds = 10, .first_rounds = 500000, .salt_size = 20, .first_salt_size = 20};
    struct progress progress = {.stop_at = 101};
    struct kb_secret *key = NULL;

    ck_ok(kb_kdf_run(&kdf, "x", 1, on_progress, &progress, &key));
    ck_assert_int_eq(progress.last, 100);
    kb_secret_free(key);
}
END_TEST

/* ---- Keybags ---- */

struct bag {
    unsigned char bytes[4096];
    size_t size;
};

static void put(struct bag *bag, const char *tag, size_t size, unsigned char fill) {
    memcpy(bag->bytes + bag->size, tag, 4);
    bag->bytes[bag->size + 4] = bag->bytes[bag->size + 5] = 0;
    bag->bytes[bag->size + 6] = (unsigned char)(size >> 8);
    bag->bytes[bag->size + 7] = (unsigned char)size;
    memset(bag->bytes + bag->size + 8, 0, size);
    if (size) bag->bytes[bag->size + 8 + size - 1] = fill;
    bag->size += 8 + size;
}

/* Letters: V TYPE, U UUID, S SALT, I ITER, D DPIC, d DPSL, 1 2 CLAS, K WPKY, k a short WPKY, X unknown, Z class 0, H
 * class 12. */
static void build(struct bag *bag, const char *plan) {
    static const struct {
        char letter;
        const char *tag;
        size_t size;
        unsigned char fill;
    } parts[] = {
        {'V', "TYPE", 4, 1},  {'U', "UUID", 16, 9}, {'S', "SALT", 20, 5}, {'I', "ITER", 4, 100},
        {'D', "DPIC", 4, 10}, {'d', "DPSL", 20, 6}, {'1', "CLAS", 4, 1},  {'2', "CLAS", 4, 2},
        {'K', "WPKY", 40, 7}, {'k', "WPKY", 39, 7}, {'X', "WHAT", 77, 1}, {'Z', "CLAS", 4, 0},
        {'H', "CLAS", 4, 12}, {'i', "ITER", 4, 0},  {'u', "UUID", 15, 9}, {'v', "TYPE", 4, 2},
    };

    bag->size = 0;
    for (; *plan; plan++)
        for (size_t i = 0; i < KB_ARRAY_SIZE(parts); i++)
            if (parts[i].letter == *plan) put(bag, parts[i].tag, parts[i].size, parts[i].fill);
}

static const struct {
    const char *plan;
    bool sound;
    const char *why;
} bags[] = {
    {"VUSIDdU1KU2K", true, "as a device writes it"},
    {"VUSIU1K", true, "one class, no first stage"},
    {"USIDdUK1V", true, "another order"},
    {"XVUXSIXU1XKX", true, "unknown tags"},
    {"VUSIU1KU2", true, "a class without a wrapped key is none"},
    {"", false, "empty"},
    {"VUSI", false, "no class"},
    {"VUIU1K", false, "no salt"},
    {"VUSU1K", false, "no count"},
    {"VUSiU1K", false, "count zero"},
    {"VUSIDU1K", false, "first count without its salt"},
    {"VUSIdU1K", false, "first salt without its count"},
    {"VUSIU1KU1K", false, "a class twice"},
    {"VUSIU1KK", false, "a key twice"},
    {"VUSIU12K", false, "two numbers"},
    {"VUSIUK", false, "a key without a number"},
    {"VUSIUZK", false, "class 0"},
    {"VUSIUHK", false, "class 12"},
    {"VUSIU1k", false, "a short key"},
    {"VuSIU1K", false, "a short UUID"},
    {"VUSSIU1K", false, "salt twice"},
    {"VUSIIU1K", false, "count twice"},
    {"vUSIU1K", false, "not a backup's keybag"},
    {"VUSI1K", false, "a class before any UUID of its own"},
};

START_TEST(test_bags) {
    struct bag bag;
    struct kb_keybag out;
    struct kb_result res;

    build(&bag, bags[_i].plan);
    res = kb_keybag_parse(bag.bytes, bag.size, &out);
    ck_assert_msg(kb_failed(&res) != bags[_i].sound, "%s: %s", bags[_i].why, res.text);
    if (!bags[_i].sound) ck_assert_msg(kb_is(&res, KB_STORE, KB_STORE_DAMAGED), "%s", bags[_i].why);
}
END_TEST

/* Cut at every byte: never sound, never a fault. */
START_TEST(test_cut_bags) {
    struct bag bag;
    struct kb_keybag out;

    build(&bag, "VUSIDdU1K");
    for (size_t size = 0; size < bag.size; size++) {
        unsigned char *exact = malloc(size + !size);
        struct kb_result res;

        memcpy(exact, bag.bytes, size);
        res = kb_keybag_parse(exact, size, &out);
        ck_assert_msg(kb_failed(&res), "%zu bytes", size);
        free(exact);
    }
}
END_TEST

START_TEST(test_long_values) {
    unsigned char bytes[16] = {'S', 'A', 'L', 'T', 0xFF, 0xFF, 0xFF, 0xFF};
    struct kb_keybag out;

    ck_fails(kb_keybag_parse(bytes, sizeof bytes, &out), KB_STORE, KB_STORE_DAMAGED);
}
END_TEST

START_TEST(test_padding) {
    unsigned char block[16];

    memset(block, 16, 16);
    ck_assert_int_eq(kb_padding(block), 16);
    block[0] = 15;
    ck_assert_int_eq(kb_padding(block), 0);
    block[15] = 1;
    ck_assert_int_eq(kb_padding(block), 1);
    block[15] = 0;
    ck_assert_int_eq(kb_padding(block), 0);
    block[15] = 17;
    ck_assert_int_eq(kb_padding(block), 0);
}
END_TEST

/* ---- Through the face ---- */

START_TEST(test_passwords) {
    struct gen_spec spec = {.password = "kit"};
    struct kb_backup *backup = fixture_backup(&spec, false);
    struct kb_secret *wrong = kb_secret_new("Kit", 3), *empty = kb_secret_new("", 0);
    char *manifest = fixture_path(GEN_UDID "/Manifest.plist");
    struct kb_secret *right = kb_secret_new("kit", 3);

    ck_fails(kb_backup_unlock(backup, NULL, NULL, NULL), KB_PASSWORD, KB_PASSWORD_MISSING);
    ck_fails(kb_backup_unlock(backup, empty, NULL, NULL), KB_PASSWORD, KB_PASSWORD_MISSING);
    ck_fails(kb_backup_unlock(backup, wrong, NULL, NULL), KB_PASSWORD, KB_PASSWORD_WRONG);
    ck_ok(kb_backup_unlock(backup, right, NULL, NULL));
    ck_fails(kb_backup_prove_manifest(manifest, wrong, NULL, NULL), KB_PASSWORD, KB_PASSWORD_WRONG);
    ck_ok(kb_backup_prove_manifest(manifest, right, NULL, NULL));
    free(manifest);
    kb_secret_free(wrong);
    kb_secret_free(empty);
    kb_secret_free(right);
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_plain_needs_none) {
    struct gen_spec spec = {.files = 1};
    struct kb_backup *backup = fixture_backup(&spec, false);

    ck_ok(kb_backup_unlock(backup, NULL, NULL, NULL));
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_unlock_like) {
    struct gen_spec spec = {.password = "kit"},
                    other = {.password = "kit", .udid = "00008110-001A2B3C4D5E6F70", .seed = 5};
    struct kb_backup *first = fixture_backup(&spec, true), *twin = fixture_open(kb_backup_path(first));
    struct kb_backup *another = fixture_backup(&other, false);
    struct kb_verify_options options = {.quick = true};
    struct kb_verification out;

    ck_assert(kb_backup_unlock_like(twin, first));
    ck_assert(!kb_backup_unlock_like(another, first));
    ck_ok(kb_backup_verify(twin, &options, &out));
    ck_assert_int_eq(out.outcome, KB_OUTCOME_OK);
    kb_backup_free(first);
    kb_backup_free(twin);
    kb_backup_free(another);
}
END_TEST

START_TEST(test_one_class_flipped) {
    struct gen_spec spec = {.password = "kit", .damage = "keybag-class-flipped"};
    struct kb_backup *backup = fixture_backup(&spec, false);
    struct kb_secret *right = kb_secret_new("kit", 3);

    ck_fails(kb_backup_unlock(backup, right, NULL, NULL), KB_STORE, KB_STORE_DAMAGED);
    kb_secret_free(right);
    kb_backup_free(backup);
}
END_TEST

int main(void) {
    TCase *cases[] = {tcase_create("vectors"), tcase_create("keybag"), tcase_create("face")};

    tcase_add_loop_test(cases[0], test_vectors, 0, (int)KB_ARRAY_SIZE(vectors));
    tcase_add_test(cases[0], test_rfc3394);
    tcase_add_loop_test(cases[0], test_first_stage, 0, (int)KB_ARRAY_SIZE(stages));
    tcase_add_test(cases[0], test_cancel);
    tcase_add_test(cases[0], test_progress_ends);
    tcase_add_loop_test(cases[1], test_bags, 0, (int)KB_ARRAY_SIZE(bags));
    tcase_add_test(cases[1], test_cut_bags);
    tcase_add_test(cases[1], test_long_values);
    tcase_add_test(cases[1], test_padding);
    tcase_add_test(cases[2], test_passwords);
    tcase_add_test(cases[2], test_plain_needs_none);
    tcase_add_test(cases[2], test_unlock_like);
    tcase_add_test(cases[2], test_one_class_flipped);
    return fixture_run("backup/keys", cases, KB_ARRAY_SIZE(cases));
}
