/* The seal: that sha256sum agrees, that every change shows, and that rot is not sealed in. */
#define _GNU_SOURCE
#include "fixture.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define HASHES GEN_UDID ".sha256"
#define FACTS  GEN_UDID ".facts.json"

static void seal(void) {
    struct kb_device device;
    struct kb_seal_facts facts = {
        .device = &device, .source = KB_SOURCE_SUPERVISED, .started_at = 1, .finished_at = 2, .by = "Hanako"};

    kb_device_init(&device);
    kb_text_copy(device.udid, sizeof device.udid, GEN_UDID);
    device.supervised = KB_YES;
    ck_ok(kb_seal_write(FOLDER, GEN_UDID, &facts, NULL, NULL));
}

static struct kb_backup *sealed(const char *password) {
    struct gen_spec spec = {.password = password, .files = 30};
    struct kb_backup *backup = fixture_backup(&spec, false);

    ck_assert_int_eq(kb_seal_state(FOLDER, GEN_UDID), KB_SEAL_NONE);
    seal();
    ck_assert_int_eq(kb_seal_state(FOLDER, GEN_UDID), KB_SEAL_PRESENT);
    return backup;
}

static int run_sha256sum(void) {
    char *command = kb_xasprintf("cd '%s' && sha256sum --quiet --strict -c " HASHES " >/dev/null 2>&1", FOLDER);
    int status = system(command);

    free(command);
    return status;
}

static struct kb_verification verify(struct kb_backup *backup) {
    struct kb_verify_options options = {.quick = false};
    struct kb_verification out;

    ck_ok(kb_backup_verify(backup, &options, &out));
    return out;
}

START_TEST(test_sha256sum_agrees) {
    struct kb_backup *backup = sealed("kit");
    char *facts = fixture_read(FACTS), *hashes = fixture_read(HASHES);
    json_t *object = json_loads(facts, 0, NULL);

    if (ON_POSIX) ck_assert_int_eq(run_sha256sum(), 0);
    ck_assert_ptr_nonnull(strstr(hashes, "  " GEN_UDID "/Manifest.db\n"));
    ck_assert_ptr_nonnull(object);
    ck_assert_str_eq(json_string_value(json_object_get(object, "source_state")), "supervised");
    ck_assert_str_eq(json_string_value(json_object_get(object, "by")), "Hanako");
    ck_assert_str_eq(json_string_value(json_object_get(object, "backup_uuid")), "7D1B6F6E-3B55-4A0B-9A5E-0F4C0E4B8C11");
    ck_assert(json_is_true(json_object_get(object, "supervised")));
    json_decref(object);
    free(facts);
    free(hashes);
    kb_backup_free(backup);
}
END_TEST

/* Sorted, so that two seals of one folder are equal byte for byte. */
START_TEST(test_same_twice) {
    struct kb_backup *backup = sealed(NULL);
    char *first = fixture_read(HASHES), *second, *line;
    char last[200] = "";

    seal();
    second = fixture_read(HASHES);
    ck_assert_str_eq(first, second);
    for (line = strtok(first, "\n"); line; line = strtok(NULL, "\n")) {
        ck_assert_int_lt(strcmp(last, line + 66), 0);
        snprintf(last, sizeof last, "%s", line + 66);
    }
    free(first);
    free(second);
    kb_backup_free(backup);
}
END_TEST

/* Locked: the whole seal is proof enough; each change is found without a password. */
START_TEST(test_proof_without_password) {
    struct kb_backup *backup = sealed("kit");
    struct kb_verification out = verify(backup);

    ck_assert_msg(out.outcome == KB_OUTCOME_OK, "%s", out.text);
    kb_backup_free(backup);
}
END_TEST

static const struct {
    const char *command;
    enum kb_outcome outcome;
} changes[] = {
    {"f=$(find %s -path '*/[0-9a-f][0-9a-f]/*' -type f | sort | head -1); printf X | dd of=$f bs=1 seek=3 conv=notrunc "
     "2>/dev/null",
     KB_OUTCOME_DAMAGED},
    {"f=$(find %s -path '*/[0-9a-f][0-9a-f]/*' -type f | sort | head -1); rm $f", KB_OUTCOME_DAMAGED},
    {"printf X | dd of=%s/Info.plist bs=1 seek=3 conv=notrunc 2>/dev/null", KB_OUTCOME_DAMAGED},
    {"mkdir -p %s/aa && head -c 16 /dev/zero > %s/aa/aa00000000000000000000000000000000000000", KB_OUTCOME_LOCKED},
    {"rm %s.sha256", KB_OUTCOME_LOCKED},
    {"echo rubbish > %s.sha256", KB_OUTCOME_LOCKED},
    {"head -c 400 %s.sha256 > %s.x && mv %s.x %s.sha256", KB_OUTCOME_LOCKED},
};

START_TEST(test_changes) {
    struct kb_backup *backup = sealed("kit");
    char *path = fixture_path(GEN_UDID);
    char command[1000];
    struct kb_verification out;

    snprintf(command, sizeof command, changes[_i].command, path, path, path, path);
    ck_assert_int_eq(system(command), 0);
    kb_backup_free(backup);
    backup = fixture_open(path);
    out = verify(backup);
    ck_assert_msg(out.outcome == changes[_i].outcome, "%s: %s %s", command, kb_outcome_name(out.outcome), out.text);
    free(path);
    kb_backup_free(backup);
}
END_TEST

/* ---- Read once, in whichever order the seal's lines are ---- */

struct counted {
    int64_t bytes;
    int seal, digest, missing, unsealed;
};

static bool count_bytes(void *arg, int done_pct, int64_t bytes) {
    (void)done_pct;
    ((struct counted *)arg)->bytes = bytes;
    return true;
}

static void count_finding(void *arg, const struct kb_finding_line *line) {
    struct counted *counted = arg;

    counted->seal += strcmp(line->code, "seal") == 0;
    counted->digest += strcmp(line->code, "digest") == 0;
    counted->missing += strcmp(line->code, "missing") == 0;
    counted->unsealed += strcmp(line->code, "unsealed") == 0;
}

static struct counted count(const char *path, bool unlock, enum kb_outcome want) {
    struct kb_backup *backup = fixture_open(path);
    struct counted counted = {0};
    struct kb_verify_options options = {.finding = count_finding, .progress = count_bytes, .arg = &counted};
    struct kb_verification out;

    if (unlock) fixture_unlock(backup, "kit");
    ck_ok(kb_backup_verify(backup, &options, &out));
    ck_assert_msg(out.outcome == want, "%s %s", kb_outcome_name(out.outcome), out.text);
    kb_backup_free(backup);
    return counted;
}

static int64_t sealed_bytes(void) {
    char *command = kb_xasprintf("cut -c67- '%s/" HASHES "' | while read -r f; do wc -c <\"%s/$f\"; done | "
                                 "awk '{n+=$1} END {print n}'",
                                 FOLDER, FOLDER);
    FILE *pipe = popen(command, "r");
    long long bytes = -1;

    ck_assert_int_eq(fscanf(pipe, "%lld", &bytes), 1);
    pclose(pipe);
    free(command);
    return bytes;
}

/* What is done to the seal, as sha256sum's or another's lines may stand; it stays a whole seal. */
static const char *const orders[] = {
    "cat", "LC_ALL=C sort -r -k2", "shuf", "awk '{print} NR % 3 == 0 {print}'", "sed '1!G;h;$!d'", "sed 's/  / */'",
};

/* command has %s for the file of that name. */
static void hurt(const char *backup, const char *name, const char *command) {
    char line[2000],
        *file = kb_xasprintf("$(id=$(printf '%s' | sha1sum | cut -c-40); echo %s/$(echo $id | cut -c-2)/$id)", name,
                             backup);

    snprintf(line, sizeof line, command, file);
    strcat(line, " 2>/dev/null");
    ck_assert_int_eq(system(line), 0);
    free(file);
}

START_TEST(test_read_once) {
    char *path = fixture_path(GEN_UDID), command[1000];
    struct counted counted;
    bool unlock = _i & 1;

    kb_backup_free(sealed("kit"));
    snprintf(command, sizeof command, "%s <%s.sha256 >%s.x && mv %s.x %s.sha256", orders[_i / 2], path, path, path,
             path);
    ck_assert_int_eq(system(command), 0);
    counted = count(path, unlock, KB_OUTCOME_OK);
    if (_i < 2) ck_assert_int_eq(counted.bytes, sealed_bytes());
    hurt(path, "HomeDomain-Library/Preferences/com.apple.example.plist",
         "printf X | dd of=%s bs=1 seek=20 conv=notrunc");
    hurt(path, "CameraRollDomain-Media/DCIM/100APPLE/IMG_0001.HEIC", "printf X | dd of=%s bs=1 seek=20 conv=notrunc");
    hurt(path, "AppDomain-com.example.chat-Documents/chat.sqlite", "rm %s");
    counted = count(path, unlock, KB_OUTCOME_DAMAGED);
    free(path);
    ck_assert_int_eq(counted.digest, unlock ? 1 : 0);
    ck_assert_int_eq(counted.unsealed, 0);
    if (strchr(orders[_i / 2], '%')) return; /* lines that stand twice may be told twice */
    ck_assert_int_eq(counted.seal, 2);
    ck_assert_int_eq(counted.missing, unlock ? 2 : 1); /* the row's file, and the seal's */
}
END_TEST

static char *hash_of(const char *hashes, const char *path) {
    char *needle = kb_xasprintf("  " GEN_UDID "/%s\n", path), *at = strstr(hashes, needle), *out;

    ck_assert_ptr_nonnull(at);
    out = strndup(at - 64, 64);
    free(needle);
    return out;
}

/* A file that rotted between two backups keeps its old hash; one that was written gets a new one. */
START_TEST(test_carry_over) {
    struct kb_backup *backup = sealed(NULL);
    char *first = fixture_read(HASHES), *second, *rotted = fixture_path(GEN_UDID "/Info.plist");
    char *hashes = fixture_path(HASHES), *a, *b;
    struct utimbuf old = {time(NULL) - 100, time(NULL) - 100}, seal_time = {time(NULL) - 50, time(NULL) - 50};
    char command[400];

    kb_backup_free(backup);
    snprintf(command, sizeof command, "printf X | dd of=%s bs=1 seek=3 conv=notrunc 2>/dev/null", rotted);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(utime(rotted, &old), 0); /* rot does not touch times */
    ck_assert_int_eq(utime(hashes, &seal_time), 0);
    fixture_write(GEN_UDID "/Status.plist", "written by the second run");
    ck_ok(kb_seal_break(FOLDER, GEN_UDID));
    ck_assert(!fixture_exists(FACTS) && !fixture_exists(HASHES));
    ck_assert(fixture_exists(HASHES ".old"));
    ck_assert_int_eq(kb_seal_state(FOLDER, GEN_UDID), KB_SEAL_NONE);
    seal();
    ck_assert(!fixture_exists(HASHES ".old"));
    second = fixture_read(HASHES);
    a = hash_of(first, "Info.plist"), b = hash_of(second, "Info.plist");
    ck_assert_str_eq(a, b);
    free(a), free(b);
    a = hash_of(first, "Status.plist"), b = hash_of(second, "Status.plist");
    ck_assert_str_ne(a, b);
    ck_assert_int_ne(run_sha256sum(), 0);
    free(a), free(b), free(first), free(second), free(rotted), free(hashes);
}
END_TEST

START_TEST(test_odd_names) {
    struct kb_backup *backup = sealed(NULL);

    fixture_write(GEN_UDID "/Icon\r", "x");
    fixture_write(GEN_UDID "/back\\slash\nline", "y");
    seal();
    ck_assert_int_eq(run_sha256sum(), 0);
    ck_assert_int_eq(verify(backup).outcome, KB_OUTCOME_OK);
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_links_are_not_sealed) {
    struct kb_backup *backup = sealed(NULL);
    struct kb_device device;
    struct kb_seal_facts facts = {.device = &device};
    char *path = fixture_path(GEN_UDID "/link");

    kb_device_init(&device);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    ck_fails(kb_seal_write(FOLDER, GEN_UDID, &facts, NULL, NULL), KB_STORE, KB_STORE_HOSTILE);
    free(path);
    kb_backup_free(backup);
}
END_TEST

static bool stop(void *arg, int done_pct, int64_t bytes) {
    (void)arg, (void)done_pct, (void)bytes;
    return false;
}

START_TEST(test_cancelled) {
    struct gen_spec spec = {.files = 30};
    struct kb_backup *backup = fixture_backup(&spec, false);
    struct kb_device device;
    struct kb_seal_facts facts = {.device = &device};
    struct kb_result res;

    kb_device_init(&device);
    res = kb_seal_write(FOLDER, GEN_UDID, &facts, stop, NULL);
    ck_assert_int_eq(res.domain, KB_CANCELLED);
    ck_assert(!fixture_exists(HASHES) && !fixture_exists(FACTS));
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_bad_folders) {
    struct kb_device device;
    struct kb_seal_facts facts = {.device = &device};

    kb_device_init(&device);
    ck_fails(kb_seal_write(FOLDER, "../x", &facts, NULL, NULL), KB_HOST, KB_HOST_REFUSED);
    ck_fails(kb_seal_break(FOLDER, ".."), KB_HOST, KB_HOST_REFUSED);
    ck_assert_int_eq(kb_seal_state(FOLDER, ".."), KB_SEAL_NONE);
    ck_ok(kb_seal_break(FOLDER, GEN_UDID)); /* nothing to break */
}
END_TEST

int main(void) {
    TCase *cases[] = {tcase_create("all")};

    tcase_add_test(cases[0], test_sha256sum_agrees);
    tcase_add_test(cases[0], test_same_twice);
    tcase_add_test(cases[0], test_proof_without_password);
    if (ON_POSIX) tcase_add_loop_test(cases[0], test_changes, 0, (int)KB_ARRAY_SIZE(changes));
    if (ON_POSIX) tcase_add_loop_test(cases[0], test_read_once, 0, 2 * (int)KB_ARRAY_SIZE(orders));
    if (ON_POSIX) tcase_add_test(cases[0], test_carry_over);
    if (ON_POSIX) tcase_add_test(cases[0], test_odd_names);
    if (ON_POSIX) tcase_add_test(cases[0], test_links_are_not_sealed);
    tcase_add_test(cases[0], test_cancelled);
    tcase_add_test(cases[0], test_bad_folders);
    return fixture_run("backup/seal", cases, KB_ARRAY_SIZE(cases));
}
