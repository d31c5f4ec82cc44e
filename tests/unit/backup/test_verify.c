/* Every damage of the generator must be told apart, in plain and in encrypted backups. */
#include "fixture.h"

#include <unistd.h>

enum { NOBODY = 65534 };

struct told {
    int count;
    bool found;
    const char *code;
    char first[200];
};

static void on_finding(void *arg, const struct kb_finding_line *line) {
    struct told *told = arg;

    if (told->count++ == 0) snprintf(told->first, sizeof told->first, "%s %s: %s", line->code, line->path, line->text);
    if (told->code && strcmp(line->code, told->code) == 0) told->found = true;
    ck_assert_msg(strlen(line->text) > 10, "a finding needs a sentence: %s", line->code);
}

static struct kb_verification verify(struct kb_backup *backup, bool quick, struct told *told) {
    struct kb_verify_options options = {.quick = quick, .finding = on_finding, .arg = told};
    struct kb_verification out;

    ck_ok(kb_backup_verify(backup, &options, &out));
    return out;
}

/* From here on the table holds what only an encrypted backup can have. */
static size_t first_encrypted_only(void) {
    for (size_t i = 0; i < gen_damage_count; i++)
        if (strcmp(gen_damages[i].name, "keybag-missing") == 0) return i;
    return gen_damage_count;
}

/* What a look at names and lengths alone, or at the folder for a device, takes for whole because it reads no content.
 */
static bool shows_in_content_only(const char *damage) {
    static const char *const names[] = {"flip-digested", "flip-undigested-end", "denied-payload", "key-class",
                                        "key-flipped"};

    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++)
        if (strcmp(damage, names[i]) == 0) return true;
    return false;
}

static bool is_denied(const struct gen_damage *damage) { return strncmp(damage->name, "denied-", 7) == 0; }

/* Permissions say nothing to root, so that somebody else has to look. */
static bool become_nobody(void) {
    if (geteuid() != 0) return false;
    ck_assert_int_eq(chown(fixture_folder(), NOBODY, NOBODY), 0);
    ck_assert_int_eq(seteuid(NOBODY), 0);
    return true;
}

static struct kb_backup *make(const struct gen_damage *damage, const char *password) {
    struct gen_spec spec = {.password = password, .files = 30, .damage = damage->name, .agent = "com.example.agent"};
    struct kb_secret *secret = kb_secret_new("kit", 3);
    struct kb_backup *backup;
    struct kb_result res;

    if (strcmp(damage->name, "mdm-edited") == 0) spec.management = GEN_UNMANAGED;
    backup = fixture_backup(&spec, false);
    res = kb_backup_unlock(backup, secret, NULL, NULL); /* fails where the keybag or Manifest.plist is what was hurt */
    (void)res;
    kb_secret_free(secret);
    return backup;
}

static void want(const struct gen_damage *damage, bool quick, struct kb_backup *backup, const char *kind) {
    struct told told = {.code = damage->code};
    struct kb_verification out = verify(backup, quick, &told);
    bool unseen = quick && shows_in_content_only(damage->name);

    ck_assert_msg(strcmp(kb_outcome_name(out.outcome), unseen ? "ok" : damage->outcome) == 0,
                  "%s (%s, %s): %s, first: %s", damage->name, kind, damage->why, kb_outcome_name(out.outcome),
                  told.first);
    ck_assert_msg(unseen || told.found || !damage->code[0], "%s (%s): no finding %s, first: %s", damage->name, kind,
                  damage->code, told.first);
    ck_assert_int_le(told.count, 1000);
}

/* Whether a length may differ from Size is known only to who looks into the file. */
static bool shows_in_length_only(const char *damage) {
    static const char *const names[] = {"payload-empty", "payload-truncated", "payload-cut-block", "size-wrong",
                                        "size-sum"};

    for (size_t i = 0; i < KB_ARRAY_SIZE(names); i++)
        if (strcmp(damage, names[i]) == 0) return true;
    return false;
}

/* By the outcome: what a restore goes by. */
static const struct {
    const char *outcome;
    enum kb_health health;
} healths[] = {
    {"ok", KB_HEALTH_OK},           {"warnings", KB_HEALTH_OK},     {"interrupted", KB_HEALTH_UNFINISHED},
    {"damaged", KB_HEALTH_DAMAGED}, {"hostile", KB_HEALTH_HOSTILE}, {"unreadable", KB_HEALTH_UNREADABLE},
};

static void want_health(const struct gen_damage *damage, struct kb_backup *backup, const char *kind) {
    const char *outcome = shows_in_content_only(damage->name) ? "ok" : damage->outcome;
    struct kb_backup_options options = {.deep = true};
    struct kb_backup_info info;

    ck_ok(kb_backup_inspect(backup, &options, &info));
    ck_assert_msg(info.needs_bytes < (int64_t)1 << 46, "%s (%s) wants more room than there can be", damage->name, kind);
    if (shows_in_length_only(damage->name)) return;
    for (size_t i = 0; i < KB_ARRAY_SIZE(healths); i++)
        if (strcmp(outcome, healths[i].outcome) == 0)
            ck_assert_msg(info.health == healths[i].health, "%s (%s): health %d: %s", damage->name, kind, info.health,
                          info.health_text);
}

static void judge(const struct gen_damage *damage, const char *password) {
    const char *kind = password ? "encrypted" : "plain";
    struct kb_backup *backup;
    bool lowered;

    if (!gen_here(damage->name)) {
        fprintf(stderr, "left out, it cannot be made here: %s\n", damage->name);
        return;
    }
    lowered = is_denied(damage) && become_nobody();
    backup = make(damage, password);
    want(damage, false, backup, kind);
    want(damage, true, backup, kind);
    want_health(damage, backup, kind);
    kb_backup_free(backup);
    if (lowered) ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(test_plain_damage) {
    const struct gen_damage *damage = &gen_damages[_i];

    if (strcmp(damage->name, "flip-undigested-end") == 0) return; /* nothing in a plain backup tells of it */
    judge(damage, NULL);
}
END_TEST

START_TEST(test_encrypted_damage) { judge(&gen_damages[_i], "kit"); }
END_TEST

START_TEST(test_whole) {
    struct gen_spec spec = {.password = _i & 1 ? "kit" : NULL, .files = 60, .no_tail = (_i & 2) != 0};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct told told = {0};
    struct kb_verification out = verify(backup, (_i & 4) != 0, &told);

    ck_assert_msg(out.outcome == KB_OUTCOME_OK, "%s", told.first);
    ck_assert_int_eq(out.findings, 0);
    ck_assert_int_ge(out.files, 60);
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_old_keybag) {
    struct gen_spec spec = {.password = "kit", .files = 3, .dpic = UINT32_MAX};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct told told = {0};

    ck_assert_int_eq(verify(backup, false, &told).outcome, KB_OUTCOME_OK);
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_locked) {
    struct gen_spec spec = {.password = "kit", .files = 5};
    struct kb_backup *backup = fixture_backup(&spec, false);
    struct told told = {.code = "locked"};
    struct kb_verification out = verify(backup, false, &told);

    ck_assert_int_eq(out.outcome, KB_OUTCOME_LOCKED);
    ck_assert(told.found);
    ck_assert_int_ge(out.files, 5);
    kb_backup_free(backup);
}
END_TEST

/* Lengths tell of a cut file even without the password. */
START_TEST(test_locked_damaged) {
    struct gen_spec spec = {.password = "kit", .damage = "payload-truncated"};
    struct kb_backup *backup = fixture_backup(&spec, false);
    struct told told = {.code = "length"};

    ck_assert_int_eq(verify(backup, true, &told).outcome, KB_OUTCOME_DAMAGED);
    ck_assert(told.found);
    kb_backup_free(backup);
}
END_TEST

/* A quick look reads no content: what shows in names and lengths is found, a flipped bit is not. */
static const struct {
    const char *damage;
    enum kb_outcome outcome;
} quick[] = {
    {"payload-missing", KB_OUTCOME_DAMAGED},   {"payload-truncated", KB_OUTCOME_DAMAGED},
    {"payload-cut-block", KB_OUTCOME_DAMAGED}, {"path-dots", KB_OUTCOME_HOSTILE},
    {"size-skew", KB_OUTCOME_WARNINGS},        {"uploading", KB_OUTCOME_INTERRUPTED},
    {"db-page", KB_OUTCOME_DAMAGED},           {"flip-digested", KB_OUTCOME_OK},
};

START_TEST(test_quick) {
    size_t row = (size_t)_i / 2;
    struct gen_spec spec = {.password = _i & 1 ? "kit" : NULL, .files = 20, .damage = quick[row].damage};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct told told = {0};
    struct kb_verification out = verify(backup, true, &told);

    ck_assert_msg(out.outcome == quick[row].outcome, "%s: %s, %s", spec.damage, kb_outcome_name(out.outcome),
                  told.first);
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_many_findings) {
    struct gen_spec spec = {.damage = "many-findings"};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct told told = {0};
    struct kb_verification out = verify(backup, true, &told);

    ck_assert_int_eq(out.findings, 100000);
    ck_assert_int_eq(told.count, 1000);
    kb_backup_free(backup);
}
END_TEST

static bool stop(void *arg, int done_pct, int64_t bytes) {
    (void)arg, (void)done_pct, (void)bytes;
    return false;
}

START_TEST(test_cancel) {
    struct gen_spec spec = {.files = 50};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct kb_verify_options options = {.progress = stop};
    struct kb_verification out;
    struct kb_result res = kb_backup_verify(backup, &options, &out);

    ck_assert_int_eq(res.domain, KB_CANCELLED);
    kb_backup_free(backup);
}
END_TEST

/* Nothing in the folder changes, and nothing appears beside Manifest.db. */
START_TEST(test_leaves_no_trace) {
    struct gen_spec spec = {.password = _i ? "kit" : NULL, .files = 5};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct told told = {0};

    verify(backup, false, &told);
    kb_backup_free(backup);
    ck_assert(!fixture_exists(GEN_UDID "/Manifest.db-wal"));
    ck_assert(!fixture_exists(GEN_UDID "/Manifest.db-shm"));
    ck_assert(!fixture_exists(GEN_UDID "/Manifest.db-journal"));
}
END_TEST

START_TEST(test_outcome_names) {
    ck_assert_str_eq(kb_outcome_name(KB_OUTCOME_OK), "ok");
    ck_assert_str_eq(kb_outcome_name(KB_OUTCOME_UNREADABLE), "unreadable");
}
END_TEST

int main(void) {
    TCase *cases[] = {tcase_create("damages"), tcase_create("others")};

    tcase_add_loop_test(cases[0], test_plain_damage, 0, (int)first_encrypted_only());
    tcase_add_loop_test(cases[0], test_encrypted_damage, 0, (int)gen_damage_count);
    tcase_add_loop_test(cases[1], test_whole, 0, 8);
    tcase_add_test(cases[1], test_old_keybag);
    tcase_add_test(cases[1], test_locked);
    tcase_add_test(cases[1], test_locked_damaged);
    tcase_add_loop_test(cases[1], test_quick, 0, 2 * (int)KB_ARRAY_SIZE(quick));
    tcase_add_test(cases[1], test_many_findings);
    tcase_add_test(cases[1], test_cancel);
    tcase_add_loop_test(cases[1], test_leaves_no_trace, 0, 2);
    tcase_add_test(cases[1], test_outcome_names);
    return fixture_run("backup/verify", cases, KB_ARRAY_SIZE(cases));
}
