/* Every rule at its edges, the verdict's precedence, and both languages. Each case starts from a pair that is ready. */
#include "kitbench/policy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kb_backup_info backup;
static struct kb_device device;
static struct kb_question question;
static struct kb_judgement out;

/* Supervised onto another supervised device, nothing to say about it. */
static void ready_pair(void) {
    kb_backup_info_init(&backup);
    strcpy(backup.udid, "00008030-0000000000000001");
    strcpy(backup.os, "17.5.1");
    backup.encrypted = backup.finished = backup.supervised = KB_YES;
    backup.source_state = KB_SOURCE_SUPERVISED;
    backup.proof = KB_PROOF_RIGHT;
    backup.needs_bytes = 10000000000;
    kb_device_init(&device);
    strcpy(device.udid, "00008030-0000000000000002");
    strcpy(device.os, "17.5.1");
    strcpy(device.activation, "Activated");
    device.mode = KB_MODE_NORMAL;
    device.trust = KB_TRUST_TRUSTED;
    device.setup = KB_SETUP_ASSISTANT;
    device.restore_pane = KB_PANE_SHOWN;
    device.locked = device.find_my = KB_NO;
    device.supervised = KB_YES;
    device.free_bytes = 10000000000;
    device.battery_pct = 20;
    question = (struct kb_question){.backup = &backup, .device = &device};
}

static void judge(void) { kb_judge(&question, &out); }

static const struct kb_finding *find(enum kb_rule rule) {
    for (int i = 0; i < out.finding_count; i++) {
        if (out.findings[i].rule == rule) return &out.findings[i];
    }
    return NULL;
}

/* ---- One change, one finding ----------------------------------------------------------------------------------------
 */

/* What a case does to the ready pair. */
static void older(void) { strcpy(device.os, "17.5"); }
static void newer(void) { strcpy(device.os, "18.0"); }
static void target_os_unknown(void) { device.os[0] = '\0'; }
static void backup_os_unknown(void) { backup.os[0] = '\0'; }
static void cross(void) {
    strcpy(device.udid, backup.udid);
    backup.source_state = KB_SOURCE_UNSUPERVISED;
    backup.supervised = KB_NO;
}
static void cross_no_mdm(void) {
    cross();
    backup.source_state = KB_SOURCE_NO_MDM;
}
static void target_unknown(void) { device.supervised = KB_UNKNOWN; }
static void backup_udid_unknown(void) { backup.udid[0] = '\0'; }
static void pane_skipped(void) { device.restore_pane = KB_PANE_SKIPPED; }
static void pane_unknown(void) { device.restore_pane = KB_PANE_UNKNOWN; }
static void pane_skipped_unsupervised(void) {
    device.restore_pane = KB_PANE_SKIPPED;
    device.supervised = KB_NO;
}
static void unfinished(void) { backup.health = KB_HEALTH_UNFINISHED; }
static void not_finished(void) { backup.finished = KB_NO; }
static void finished_unknown(void) { backup.finished = KB_UNKNOWN; }
static void damaged(void) { backup.health = KB_HEALTH_DAMAGED; }
static void unreadable(void) { backup.health = KB_HEALTH_UNREADABLE; }
static void hostile(void) { backup.health = KB_HEALTH_HOSTILE; }
static void plain(void) {
    backup.encrypted = KB_NO;
    backup.proof = KB_PROOF_NOT_NEEDED;
}
static void encryption_unknown(void) { backup.encrypted = KB_UNKNOWN; }
static void password_wrong(void) { backup.proof = KB_PROOF_WRONG; }
static void password_missing(void) { backup.proof = KB_PROOF_MISSING; }
static void password_not_tried(void) { backup.proof = KB_PROOF_NOT_TRIED; }
static void password_not_needed(void) { backup.proof = KB_PROOF_NOT_NEEDED; }
static void find_my_on(void) { device.find_my = KB_YES; }
static void find_my_unknown(void) { device.find_my = KB_UNKNOWN; }
static void not_activated(void) { strcpy(device.activation, "Unactivated"); }
static void factory_activated(void) { strcpy(device.activation, "FactoryActivated"); }
static void activation_unknown(void) { device.activation[0] = '\0'; }
static void untrusted(void) { device.trust = KB_TRUST_UNTRUSTED; }
static void pending(void) { device.trust = KB_TRUST_PENDING; }
static void denied(void) { device.trust = KB_TRUST_DENIED; }
static void trust_unknown(void) { device.trust = KB_TRUST_UNKNOWN; }
static void locked(void) { device.locked = KB_YES; }
static void lock_unknown(void) { device.locked = KB_UNKNOWN; }
static void set_up(void) { device.setup = KB_SETUP_DONE; }
static void setup_unknown(void) { device.setup = KB_SETUP_UNKNOWN; }
static void restore_mode(void) {
    kb_device_init(&device);
    device.mode = KB_MODE_RESTORE;
}
static void too_small(void) { device.free_bytes = backup.needs_bytes - 1; }
static void space_unknown(void) { device.free_bytes = -1; }
static void need_unknown(void) { backup.needs_bytes = -1; }
static void battery_low(void) { device.battery_pct = 19; }
static void battery_empty(void) { device.battery_pct = 0; }
static void battery_unknown(void) { device.battery_pct = -1; }
static void source_unknown(void) { backup.source_state = KB_SOURCE_UNKNOWN; }
static void source_said(void) {
    backup.source_state = KB_SOURCE_UNKNOWN;
    question.source_state = KB_SOURCE_SUPERVISED;
}
static void source_differs(void) { question.source_state = KB_SOURCE_NO_MDM; }
static void onto_unsupervised(void) { device.supervised = KB_NO; }
static void from_no_mdm(void) {
    backup.source_state = KB_SOURCE_NO_MDM;
    backup.supervised = KB_NO;
}
static void ios26(void) { strcpy(device.os, "26.9"); }
static void ios27(void) { strcpy(device.os, "27.0 beta 1"); }
static void ios27_plain_source(void) {
    ios27();
    from_no_mdm();
    device.supervised = KB_NO;
}
static void ios27_folder_says_so(void) {
    ios27();
    backup.source_state = KB_SOURCE_NO_MDM; /* without MDM, but Configurator supervised it */
}
static void sheet_agrees(void) { question.target_state = KB_TARGET_SUPERVISED; }
static void sheet_differs(void) { question.target_state = KB_TARGET_UNSUPERVISED; }
static void sheet_alone(void) {
    device.supervised = KB_UNKNOWN;
    question.target_state = KB_TARGET_SUPERVISED;
}

#define NOTHING KB_RULE_NONE
#define BLOCK   KB_LEVEL_BLOCK
#define HOLD    KB_LEVEL_HOLD
#define HAND    KB_LEVEL_OPERATOR
#define WARN    KB_LEVEL_WARN
#define INFO    KB_LEVEL_INFO
#define REFUSED KB_VERDICT_REFUSED
#define OPER    KB_VERDICT_OPERATOR
#define UNKNOWN KB_VERDICT_UNKNOWN
#define READY   KB_VERDICT_READY

static const struct {
    const char *why;
    void (*change)(void);
    enum kb_rule rule; /* the finding that must be there; NOTHING: no finding at all */
    enum kb_level level;
    enum kb_verdict verdict;
    enum kb_ask ask;
} changes[] = {
    {"older OS", older, KB_RULE_OS_VERSION, BLOCK, REFUSED, KB_ASK_NONE},
    {"newer OS is silent", newer, NOTHING, INFO, READY, KB_ASK_NONE},
    {"target's OS unknown", target_os_unknown, KB_RULE_OS_VERSION, WARN, UNKNOWN, KB_ASK_NONE},
    {"backup's OS unknown", backup_os_unknown, KB_RULE_OS_VERSION, WARN, UNKNOWN, KB_ASK_NONE},
    {"a × row", cross, KB_RULE_UNSUPPORTED_CASE, BLOCK, REFUSED, KB_ASK_NONE},
    {"the other × row", cross_no_mdm, KB_RULE_UNSUPPORTED_CASE, BLOCK, REFUSED, KB_ASK_NONE},
    {"supervision unreadable", target_unknown, KB_RULE_UNSUPPORTED_CASE, WARN, UNKNOWN, KB_ASK_NONE},
    {"whose backup?", backup_udid_unknown, KB_RULE_UNSUPPORTED_CASE, WARN, UNKNOWN, KB_ASK_NONE},
    {"the sheet fills the gap", sheet_alone, NOTHING, INFO, READY, KB_ASK_NONE},
    {"the sheet agrees", sheet_agrees, NOTHING, INFO, READY, KB_ASK_NONE},
    {"the sheet differs: the device counts", sheet_differs, KB_RULE_UNSUPPORTED_CASE, WARN, READY, KB_ASK_NONE},
    {"restore pane hidden", pane_skipped, KB_RULE_ADE_RESTORE_PANE, BLOCK, REFUSED, KB_ASK_NONE},
    {"restore pane unknown", pane_unknown, KB_RULE_ADE_RESTORE_PANE, WARN, READY, KB_ASK_NONE},
    {"unfinished", unfinished, KB_RULE_BACKUP_UNFINISHED, BLOCK, REFUSED, KB_ASK_NONE},
    {"not finished", not_finished, KB_RULE_BACKUP_UNFINISHED, BLOCK, REFUSED, KB_ASK_NONE},
    {"finished unknown", finished_unknown, KB_RULE_BACKUP_UNFINISHED, WARN, UNKNOWN, KB_ASK_NONE},
    {"damaged", damaged, KB_RULE_BACKUP_DAMAGED, BLOCK, REFUSED, KB_ASK_NONE},
    {"unreadable counts as damaged", unreadable, KB_RULE_BACKUP_DAMAGED, BLOCK, REFUSED, KB_ASK_NONE},
    {"hostile", hostile, KB_RULE_BACKUP_HOSTILE, BLOCK, REFUSED, KB_ASK_NONE},
    {"plain", plain, KB_RULE_BACKUP_UNENCRYPTED, HOLD, REFUSED, KB_ASK_NONE},
    {"encryption unknown", encryption_unknown, KB_RULE_BACKUP_UNENCRYPTED, WARN, UNKNOWN, KB_ASK_NONE},
    {"wrong password", password_wrong, KB_RULE_BACKUP_PASSWORD, BLOCK, REFUSED, KB_ASK_NONE},
    {"no password", password_missing, KB_RULE_BACKUP_PASSWORD, BLOCK, REFUSED, KB_ASK_NONE},
    {"password not tried", password_not_tried, KB_RULE_BACKUP_PASSWORD, BLOCK, REFUSED, KB_ASK_NONE},
    {"encrypted needs one", password_not_needed, KB_RULE_BACKUP_PASSWORD, BLOCK, REFUSED, KB_ASK_NONE},
    {"Find My on", find_my_on, KB_RULE_FIND_MY, BLOCK, REFUSED, KB_ASK_FIND_MY_OFF},
    {"Find My unknown", find_my_unknown, KB_RULE_FIND_MY, INFO, READY, KB_ASK_NONE},
    {"not activated", not_activated, KB_RULE_NOT_ACTIVATED, HAND, OPER, KB_ASK_ACTIVATE},
    {"activated in another way", factory_activated, NOTHING, INFO, READY, KB_ASK_NONE},
    {"activation unknown", activation_unknown, NOTHING, INFO, READY, KB_ASK_NONE},
    {"untrusted", untrusted, KB_RULE_NOT_TRUSTED, HAND, OPER, KB_ASK_TRUST},
    {"pending", pending, KB_RULE_NOT_TRUSTED, HAND, OPER, KB_ASK_TRUST},
    {"denied", denied, KB_RULE_NOT_TRUSTED, HAND, OPER, KB_ASK_TRUST},
    {"trust unknown", trust_unknown, KB_RULE_NOT_TRUSTED, HAND, OPER, KB_ASK_TRUST},
    {"locked", locked, KB_RULE_LOCKED, HAND, OPER, KB_ASK_UNLOCK},
    {"lock unknown", lock_unknown, NOTHING, INFO, READY, KB_ASK_NONE},
    {"set up already", set_up, KB_RULE_SETUP_NOT_AT_RESTORE, HAND, OPER, KB_ASK_CHOOSE_RESTORE},
    {"setup unreadable: it may hold photos", setup_unknown, KB_RULE_SETUP_NOT_AT_RESTORE, WARN, UNKNOWN, KB_ASK_NONE},
    {"restore mode", restore_mode, KB_RULE_SETUP_NOT_AT_RESTORE, HAND, OPER, KB_ASK_CHOOSE_RESTORE},
    {"one byte too small", too_small, KB_RULE_FREE_SPACE, BLOCK, REFUSED, KB_ASK_NONE},
    {"free space unknown", space_unknown, KB_RULE_FREE_SPACE, WARN, READY, KB_ASK_NONE},
    {"size unknown", need_unknown, KB_RULE_FREE_SPACE, WARN, READY, KB_ASK_NONE},
    {"19 %", battery_low, KB_RULE_BATTERY, WARN, READY, KB_ASK_NONE},
    {"0 %", battery_empty, KB_RULE_BATTERY, WARN, READY, KB_ASK_NONE},
    {"battery unknown", battery_unknown, NOTHING, INFO, READY, KB_ASK_NONE},
    {"source unknown", source_unknown, KB_RULE_SOURCE_UNKNOWN, HAND, OPER, KB_ASK_NONE},
    {"source said", source_said, NOTHING, INFO, READY, KB_ASK_NONE},
    {"source said otherwise: the backup counts", source_differs, KB_RULE_SOURCE_UNKNOWN, WARN, READY, KB_ASK_NONE},
    {"supervised onto unsupervised", onto_unsupervised, KB_RULE_APPLE_SUPERVISION, WARN, READY, KB_ASK_NONE},
    {"without MDM onto supervised", from_no_mdm, KB_RULE_APPLE_SUPERVISION, WARN, READY, KB_ASK_NONE},
    {"iOS 26 is no matter", ios26, NOTHING, INFO, READY, KB_ASK_NONE},
    {"iOS 27", ios27, KB_RULE_IOS27_SUPERVISED, HOLD, REFUSED, KB_ASK_NONE},
    {"iOS 27, supervised without MDM", ios27_folder_says_so, KB_RULE_IOS27_SUPERVISED, HOLD, REFUSED, KB_ASK_NONE},
    {"iOS 27, never supervised", ios27_plain_source, NOTHING, INFO, READY, KB_ASK_NONE},
};

START_TEST(test_change) {
    ready_pair();
    changes[_i].change();
    judge();
    const struct kb_finding *finding = find(changes[_i].rule);
    ck_assert_msg(out.verdict == changes[_i].verdict, "%s: %s", changes[_i].why, kb_verdict_name(out.verdict));
    if (changes[_i].rule == NOTHING) {
        ck_assert_msg(out.finding_count == 0, "%s: %s", changes[_i].why, out.findings[0].text);
        return;
    }
    ck_assert_msg(finding != NULL, "%s", changes[_i].why);
    ck_assert_msg(finding->level == changes[_i].level, "%s: %s", changes[_i].why, kb_level_name(finding->level));
    ck_assert_msg(finding->ask == changes[_i].ask, "%s", changes[_i].why);
    ck_assert_msg(finding->unknown == (changes[_i].verdict == UNKNOWN), "%s", changes[_i].why);
}
END_TEST

static bool has_japanese(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text >= 0xe3) return true;
    }
    return false;
}

START_TEST(test_change_in_both_languages) {
    ready_pair();
    changes[_i].change();
    judge();
    for (int i = 0; i < out.finding_count; i++)
        ck_assert_msg(out.findings[i].text[0] && !has_japanese(out.findings[i].text), "%s", out.findings[i].text);
    question.lang = KB_LANG_JA;
    judge();
    for (int i = 0; i < out.finding_count; i++)
        ck_assert_msg(has_japanese(out.findings[i].text), "%s: %s", changes[_i].why, out.findings[i].text);
}
END_TEST

/* By iCloud the device restores by itself: what concerns cable, folder and password is left out. */
START_TEST(test_icloud) {
    static const enum kb_rule stay[] = {
        KB_RULE_OS_VERSION,        KB_RULE_UNSUPPORTED_CASE, KB_RULE_ADE_RESTORE_PANE, KB_RULE_SOURCE_UNKNOWN,
        KB_RULE_APPLE_SUPERVISION, KB_RULE_IOS27_SUPERVISED, KB_RULE_BATTERY,          KB_RULE_NONE};
    ready_pair();
    question.route = KB_ROUTE_ICLOUD;
    changes[_i].change();
    judge();
    bool left_in = false;
    for (size_t i = 0; i < KB_ARRAY_SIZE(stay); i++) left_in |= stay[i] == changes[_i].rule;
    if (changes[_i].rule == NOTHING || changes[_i].change == restore_mode) return;
    ck_assert_msg((find(changes[_i].rule) != NULL) == left_in, "%s", changes[_i].why);
    if (!left_in) ck_assert_msg(out.verdict == KB_VERDICT_READY, "%s", changes[_i].why);
}
END_TEST

/* ---- Sentences
 * -------------------------------------------------------------------------------------------------------- */

START_TEST(test_ready_is_silent) {
    ready_pair();
    judge();
    ck_assert_int_eq(out.finding_count, 0);
    ck_assert_int_eq(out.verdict, KB_VERDICT_READY);
    ck_assert_ptr_null(kb_judgement_reason(&out));
    ck_assert_ptr_eq(out.row, kb_case_find(KB_SOURCE_SUPERVISED, false, KB_TARGET_SUPERVISED));
    ck_assert_int_eq(out.step_count, 8);
}
END_TEST

START_TEST(test_sentences_say_what_to_do) {
    ready_pair();
    strcpy(device.os, "14.0"), strcpy(backup.os, "16.1");
    judge();
    ck_assert_ptr_nonnull(strstr(find(KB_RULE_OS_VERSION)->text, "update the device to 16.1 or newer"));
    ck_assert_ptr_nonnull(strstr(find(KB_RULE_OS_VERSION)->text, "green by itself"));
    ready_pair(), cross(), judge();
    const char *text = find(KB_RULE_UNSUPPORTED_CASE)->text;
    ck_assert(strstr(text, "manual") && strstr(text, "unsupervised") && strstr(text, "target: supervised") &&
              strstr(text, "same device"));
    question.lang = KB_LANG_JA, judge();
    text = find(KB_RULE_UNSUPPORTED_CASE)->text;
    ck_assert(strstr(text, "マニュアル") && strstr(text, "非監視対象") && strstr(text, "同端末"));
    ready_pair(), pane_skipped(), judge();
    ck_assert_ptr_nonnull(strstr(find(KB_RULE_ADE_RESTORE_PANE)->text, "erase the device"));
    question.lang = KB_LANG_JA, judge();
    ck_assert_ptr_nonnull(strstr(find(KB_RULE_ADE_RESTORE_PANE)->text, "バックアップからの復元を有効にしない"));
    ready_pair(), device.free_bytes = 4500000000, judge();
    text = find(KB_RULE_FREE_SPACE)->text;
    ck_assert(strstr(text, "4.50 GB") && strstr(text, "10.00 GB"));
    ready_pair(), source_unknown(), judge();
    ck_assert_ptr_nonnull(strstr(find(KB_RULE_SOURCE_UNKNOWN)->text, "--source-state"));
    ready_pair(), onto_unsupervised(), judge();
    text = find(KB_RULE_APPLE_SUPERVISION)->text;
    ck_assert(strstr(text, "Apple Configurator") && strstr(text, "KDDI"));
}
END_TEST

START_TEST(test_health_sentence) {
    ready_pair();
    damaged();
    strcpy(backup.health_text, "The file ab/abcd is missing: make a new backup");
    judge();
    ck_assert_str_eq(find(KB_RULE_BACKUP_DAMAGED)->text, "The file ab/abcd is missing: make a new backup");
    strcpy(backup.health_text, "evil \x1b[31m name");
    judge();
    ck_assert_ptr_null(strchr(find(KB_RULE_BACKUP_DAMAGED)->text, '\x1b'));
}
END_TEST

START_TEST(test_pane_of_unsupervised) {
    ready_pair();
    pane_skipped_unsupervised();
    judge();
    ck_assert_ptr_null(find(KB_RULE_ADE_RESTORE_PANE));
}
END_TEST

START_TEST(test_in_assistant_before_the_cloud_configuration) {
    ready_pair();
    device.supervised = KB_NO;
    question.target_state = KB_TARGET_SUPERVISED;
    judge();
    ck_assert_int_eq(out.target, KB_TARGET_UNSUPERVISED); /* the device's word */
    ck_assert_ptr_nonnull(strstr(find(KB_RULE_UNSUPPORTED_CASE)->text, "ADE"));
}
END_TEST

START_TEST(test_longest_texts_fit) {
    ready_pair();
    question.lang = KB_LANG_JA;
    memset(backup.os, '1', sizeof backup.os - 1), memset(device.os, '9', sizeof device.os - 1);
    backup.os[3] = device.os[2] = '.';
    memset(backup.health_text, 'x', sizeof backup.health_text - 1);
    damaged(), judge();
    for (int i = 0; i < out.finding_count; i++)
        ck_assert(kb_utf8_valid(out.findings[i].text, strlen(out.findings[i].text)));
}
END_TEST

/* ---- The same device
 * ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *a, *b;
    enum kb_tri want;
} udids[] = {
    {"00008030-001A2B3C4D5E802E", "00008030-001A2B3C4D5E802E", KB_YES},
    {"00008030-001A2B3C4D5E802E", "00008030-001a2b3c4d5e802e", KB_YES},
    {"00008030-001A2B3C4D5E802E", "00008030001A2B3C4D5E802E", KB_YES},
    {"00008030-001A2B3C4D5E802E", "00008030-001A2B3C4D5E802F", KB_NO},
    {"00008030-001A2B3C4D5E802E", "00008030-001A2B3C4D5E802", KB_NO},
    {"", "00008030-001A2B3C4D5E802E", KB_UNKNOWN},
    {"00008030-001A2B3C4D5E802E", "", KB_UNKNOWN},
};

START_TEST(test_same_device) {
    ready_pair();
    strcpy(backup.udid, udids[_i].a), strcpy(device.udid, udids[_i].b);
    judge();
    ck_assert_int_eq(out.same_device, udids[_i].want);
}
END_TEST

/* ---- Precedence
 * --------------------------------------------------------------------------------------------------------- */

START_TEST(test_precedence) {
    ready_pair(), older(), untrusted(), judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_REFUSED);
    ck_assert_int_eq(kb_judgement_reason(&out)->rule, KB_RULE_OS_VERSION);
    ready_pair(), locked(), backup_os_unknown(), judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_OPERATOR);
    ck_assert_int_eq(kb_judgement_reason(&out)->rule, KB_RULE_LOCKED);
    ready_pair(), plain(), damaged(), judge(); /* a block outranks a hold, wherever it stands */
    ck_assert_int_eq(kb_judgement_reason(&out)->rule, KB_RULE_BACKUP_DAMAGED);
    ready_pair(), plain(), find_my_on(), judge();
    ck_assert_int_eq(kb_judgement_reason(&out)->rule, KB_RULE_FIND_MY);
    ready_pair(), battery_low(), setup_unknown(), judge();
    ck_assert_int_eq(kb_judgement_reason(&out)->rule, KB_RULE_SETUP_NOT_AT_RESTORE);
    ready_pair(), untrusted();
    device.supervised = KB_UNKNOWN, device.os[0] = '\0', device.setup = KB_SETUP_UNKNOWN, device.free_bytes = -1;
    device.find_my = KB_UNKNOWN, device.restore_pane = KB_PANE_UNKNOWN, judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_OPERATOR); /* a tap will tell us the rest */
    ck_assert_ptr_null(out.row);
    ck_assert_ptr_null(find(KB_RULE_FREE_SPACE));
}
END_TEST

START_TEST(test_not_attached) {
    ready_pair();
    question.device = NULL;
    judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_UNKNOWN);
    ck_assert_ptr_nonnull(kb_judgement_reason(&out));
    ck_assert_int_eq(out.same_device, KB_UNKNOWN);
    ck_assert_ptr_null(find(KB_RULE_NOT_TRUSTED));
    source_unknown(), judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_UNKNOWN);
    damaged(), judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_REFUSED);
    ready_pair(), question.device = NULL, question.target_state = KB_TARGET_SUPERVISED, judge();
    ck_assert_int_eq(out.target, KB_TARGET_SUPERVISED); /* the sheet's word */
    question.backup = NULL, judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_UNKNOWN); /* and without a backup nothing breaks */
}
END_TEST

START_TEST(test_accepted_hold) {
    ready_pair();
    plain();
    question.accepted = UINT32_C(1) << KB_RULE_BACKUP_UNENCRYPTED;
    judge();
    const struct kb_finding *finding = find(KB_RULE_BACKUP_UNENCRYPTED);
    ck_assert_int_eq(out.verdict, KB_VERDICT_READY);
    ck_assert(finding->accepted && finding->level == KB_LEVEL_HOLD);
    ck_assert_ptr_nonnull(strstr(finding->text, "Accepted"));
    ios27(), judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_REFUSED); /* the other hold was not accepted */
    ck_assert_int_eq(kb_judgement_reason(&out)->rule, KB_RULE_IOS27_SUPERVISED);
    question.accepted = UINT32_MAX;
    older(), judge();
    ck_assert_int_eq(out.verdict, KB_VERDICT_REFUSED); /* a block cannot be accepted */
    ck_assert(!find(KB_RULE_OS_VERSION)->accepted);
}
END_TEST

/* ---- JSON
 * ----------------------------------------------------------------------------------------------------------------- */

START_TEST(test_json) {
    static const char *const keys[] = {"backup",    "device", "verdict", "source_state", "same_device", "target_state",
                                       "supported", "agent",  "mdm",     "follow_up",    "findings",    "steps"};
    size_t i = 0;
    const char *key;
    json_t *value;
    ready_pair(), battery_low(), judge();
    json_t *object = kb_judgement_to_json(&out, "/store/x", "D1");
    json_object_foreach(object, key, value) {
        ck_assert_uint_lt(i, KB_ARRAY_SIZE(keys));
        ck_assert_str_eq(key, keys[i++]);
    }
    ck_assert_uint_eq(i, KB_ARRAY_SIZE(keys));
    ck_assert_str_eq(json_string_value(json_object_get(object, "verdict")), "ready");
    ck_assert_str_eq(json_string_value(json_object_get(object, "agent")), "reauth");
    ck_assert_str_eq(json_string_value(json_object_get(object, "mdm")), "ok");
    ck_assert(json_is_true(json_object_get(object, "supported")));
    ck_assert(json_is_false(json_object_get(object, "same_device")));
    json_t *first = json_array_get(json_object_get(object, "findings"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "rule")), "battery");
    ck_assert_str_eq(json_string_value(json_object_get(first, "level")), "warn");
    ck_assert_uint_eq(json_object_size(first), 3);
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(object, "follow_up"), 0)), "agent-reauth");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(object, "steps"), 7)), "agent-reauth");
    json_decref(object);
}
END_TEST

START_TEST(test_json_unknown) {
    ready_pair(), source_unknown(), judge();
    json_t *object = kb_judgement_to_json(&out, NULL, "D1");
    static const char *const nulls[] = {"backup", "source_state", "supported", "agent", "mdm"};
    for (size_t i = 0; i < KB_ARRAY_SIZE(nulls); i++) ck_assert(json_is_null(json_object_get(object, nulls[i])));
    json_decref(object);
    ready_pair(), cross(), judge();
    object = kb_judgement_to_json(&out, "b", "d");
    ck_assert(json_is_false(json_object_get(object, "supported")));
    ck_assert(json_is_null(json_object_get(object, "agent")));
    ck_assert_uint_eq(json_array_size(json_object_get(object, "steps")), 0);
    json_decref(object);
}
END_TEST

START_TEST(test_words) {
    for (int rule = KB_RULE_NONE + 1; rule < KB_RULE_COUNT; rule++)
        ck_assert_int_eq(kb_rule_from_name(kb_rule_name((enum kb_rule)rule)), rule);
    ck_assert_int_eq(kb_rule_from_name("os_version"), KB_RULE_NONE);
    ck_assert_int_eq(kb_rule_from_name(""), KB_RULE_NONE);
    ck_assert_int_eq(kb_verdict_exit(KB_VERDICT_READY), 0);
    ck_assert_int_eq(kb_verdict_exit(KB_VERDICT_OPERATOR), 7);
    ck_assert_int_eq(kb_verdict_exit(KB_VERDICT_UNKNOWN), 3);
    ck_assert_int_eq(kb_verdict_exit(KB_VERDICT_REFUSED), 3);
    for (int ask = KB_ASK_NONE + 1; ask <= KB_ASK_FIND_MY_OFF; ask++)
        ck_assert_str_ne(kb_ask_text(KB_LANG_EN, (enum kb_ask)ask), kb_ask_text(KB_LANG_JA, (enum kb_ask)ask));
}
END_TEST

/* Everything at once: no list overflows. */
START_TEST(test_everything_at_once) {
    static void (*const all[])(void) = {
        older,  cross,  hostile,   plain,       password_wrong, find_my_on,           not_activated, denied,
        locked, set_up, too_small, battery_low, pane_skipped,   ios27_folder_says_so, sheet_differs, source_differs};
    ready_pair();
    for (size_t i = 0; i < KB_ARRAY_SIZE(all); i++) all[i]();
    judge();
    ck_assert_int_le(out.finding_count, KB_MAX_FINDINGS);
    ck_assert_int_eq(out.verdict, KB_VERDICT_REFUSED);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("policy/rules");
    TCase *tests = tcase_create("rules");
    tcase_add_loop_test(tests, test_change, 0, KB_ARRAY_SIZE(changes));
    tcase_add_loop_test(tests, test_change_in_both_languages, 0, KB_ARRAY_SIZE(changes));
    tcase_add_loop_test(tests, test_icloud, 0, KB_ARRAY_SIZE(changes));
    tcase_add_test(tests, test_ready_is_silent);
    tcase_add_test(tests, test_sentences_say_what_to_do);
    tcase_add_test(tests, test_health_sentence);
    tcase_add_test(tests, test_pane_of_unsupervised);
    tcase_add_test(tests, test_in_assistant_before_the_cloud_configuration);
    tcase_add_test(tests, test_longest_texts_fit);
    tcase_add_loop_test(tests, test_same_device, 0, KB_ARRAY_SIZE(udids));
    tcase_add_test(tests, test_precedence);
    tcase_add_test(tests, test_not_attached);
    tcase_add_test(tests, test_accepted_hold);
    tcase_add_test(tests, test_json);
    tcase_add_test(tests, test_json_unknown);
    tcase_add_test(tests, test_words);
    tcase_add_test(tests, test_everything_at_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
