/*
 * The table of rules (design.md section 1, in its order) and the walk through it: first the facts of the pair are
 * settled (source, same device, target), then every rule that counts on this route says what it finds.
 */
#include "rules.h"
#include "words.h"

#include <assert.h>
#include <stdio.h>

/* clang-format off */
static const struct kb_rule_row rules[] = {
    {KB_RULE_OS_VERSION,           KB_LEVEL_BLOCK,    false, kb_rule_os_version},
    {KB_RULE_UNSUPPORTED_CASE,     KB_LEVEL_BLOCK,    false, kb_rule_unsupported_case},
    {KB_RULE_ADE_RESTORE_PANE,     KB_LEVEL_BLOCK,    false, kb_rule_ade_restore_pane},
    {KB_RULE_BACKUP_UNFINISHED,    KB_LEVEL_BLOCK,    true,  kb_rule_backup_unfinished},
    {KB_RULE_BACKUP_DAMAGED,       KB_LEVEL_BLOCK,    true,  kb_rule_backup_damaged},
    {KB_RULE_BACKUP_HOSTILE,       KB_LEVEL_BLOCK,    true,  kb_rule_backup_hostile},
    {KB_RULE_BACKUP_UNENCRYPTED,   KB_LEVEL_HOLD,     true,  kb_rule_backup_unencrypted},
    {KB_RULE_BACKUP_PASSWORD,      KB_LEVEL_BLOCK,    true,  kb_rule_backup_password},
    {KB_RULE_FIND_MY,              KB_LEVEL_BLOCK,    true,  kb_rule_find_my},
    {KB_RULE_NOT_ACTIVATED,        KB_LEVEL_OPERATOR, true,  kb_rule_not_activated},
    {KB_RULE_NOT_TRUSTED,          KB_LEVEL_OPERATOR, true,  kb_rule_not_trusted},
    {KB_RULE_LOCKED,               KB_LEVEL_OPERATOR, true,  kb_rule_locked},
    {KB_RULE_SETUP_NOT_AT_RESTORE, KB_LEVEL_OPERATOR, true,  kb_rule_setup_not_at_restore},
    {KB_RULE_FREE_SPACE,           KB_LEVEL_BLOCK,    true,  kb_rule_free_space},
    {KB_RULE_BATTERY,              KB_LEVEL_WARN,     false, kb_rule_battery},
    {KB_RULE_SOURCE_UNKNOWN,       KB_LEVEL_OPERATOR, false, kb_rule_source_unknown},
    {KB_RULE_APPLE_SUPERVISION,    KB_LEVEL_WARN,     false, kb_rule_apple_supervision},
    {KB_RULE_IOS27_SUPERVISED,     KB_LEVEL_HOLD,     false, kb_rule_ios27_supervised},
};
/* clang-format on */

static const char *const rule_words[] = {
#define X(name, word) word,
    KB_RULES(X)
#undef X
};

const char *kb_rule_name(enum kb_rule rule) { return word_of(rule_words, KB_RULE_COUNT, (int)rule); }

enum kb_rule kb_rule_from_name(const char *name) {
    int value = value_of(rule_words, KB_RULE_COUNT, name);
    return value < 0 ? KB_RULE_NONE : (enum kb_rule)value;
}

/* An accepted hold stays in the list and says so; it only does not stop anybody any more. */
static void write_text(struct kb_finding *finding, enum kb_lang lang, const char *format, va_list args) {
    char text[1024], whole[1200];
    vsnprintf(text, sizeof text, format, args);
    snprintf(whole, sizeof whole, finding->accepted ? kb_tr(lang, "Accepted, and goes on: %s") : "%s", text);
    kb_text_clean(finding->text, sizeof finding->text, whole);
}

struct kb_finding *kb_found(struct kb_look *look, enum kb_level level, const char *format, ...) {
    static_assert(KB_ARRAY_SIZE(rules) + 2 <= KB_MAX_FINDINGS, "a rule finds one thing, and two rules may find two");
    struct kb_finding *finding = &look->out->findings[look->out->finding_count++];
    bool accepted = look->question->accepted & UINT32_C(1) << look->row->rule;
    va_list args;
    *finding =
        (struct kb_finding){.rule = look->row->rule, .level = level, .accepted = level == KB_LEVEL_HOLD && accepted};
    va_start(args, format);
    write_text(finding, look->lang, format, args);
    va_end(args);
    return finding;
}

/* The folder's own word outranks the operator's: --source-state is for a folder that does not tell. */
static enum kb_source settle_source(const struct kb_look *look) {
    enum kb_source own = look->backup->source_state;
    return own != KB_SOURCE_UNKNOWN ? own : look->question->source_state;
}

static char plain_digit(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

/* Same UDID. Programs disagree on upper case and on the dash of newer ones, so neither counts. */
static enum kb_tri is_same_device(const char *a, const char *b) {
    if (*a == '\0' || *b == '\0') return KB_UNKNOWN;
    for (;; a++, b++) {
        while (*a == '-') a++;
        while (*b == '-') b++;
        if (plain_digit(*a) != plain_digit(*b)) return KB_NO;
        if (*a == '\0') return KB_YES;
    }
}

/* The device outranks the job sheet: the sheet was written before, the device is what will be restored. */
static enum kb_target_state settle_target(const struct kb_look *look) {
    enum kb_tri supervised = look->device ? look->device->supervised : KB_UNKNOWN;
    if (supervised == KB_UNKNOWN) return look->question->target_state;
    return supervised == KB_YES ? KB_TARGET_SUPERVISED : KB_TARGET_UNSUPERVISED;
}

static void settle_facts(struct kb_look *look) {
    struct kb_judgement *out = look->out;
    out->source = settle_source(look);
    out->same_device = look->device ? is_same_device(look->backup->udid, look->device->udid) : KB_UNKNOWN;
    out->target = settle_target(look);
    if (out->same_device != KB_UNKNOWN) out->row = kb_case_find(out->source, out->same_device == KB_YES, out->target);
}

/* Refused outranks operator, which outranks unknown, which outranks ready; a device that is not there is unknown. */
static enum kb_verdict settle_verdict(const struct kb_look *look) {
    bool refused = false, hand = false, unknown = look->device == NULL;
    for (int i = 0; i < look->out->finding_count; i++) {
        const struct kb_finding *finding = &look->out->findings[i];
        refused |= finding->level == KB_LEVEL_BLOCK || (finding->level == KB_LEVEL_HOLD && !finding->accepted);
        hand |= finding->level == KB_LEVEL_OPERATOR;
        unknown |= finding->unknown;
    }
    if (refused) return KB_VERDICT_REFUSED;
    if (hand && look->device) return KB_VERDICT_OPERATOR;
    return unknown ? KB_VERDICT_UNKNOWN : KB_VERDICT_READY;
}

void kb_judge(const struct kb_question *question, struct kb_judgement *out) {
    struct kb_backup_info nothing;
    kb_backup_info_init(&nothing);
    *out = (struct kb_judgement){.same_device = KB_UNKNOWN};
    struct kb_look look = {.lang = question->lang,
                           .route = question->route,
                           .question = question,
                           .backup = question->backup ? question->backup : &nothing,
                           .device = question->device,
                           .out = out};
    settle_facts(&look);
    for (size_t i = 0; i < KB_ARRAY_SIZE(rules); i++) {
        look.row = &rules[i];
        if (!look.row->usb_only || look.route == KB_ROUTE_USB) look.row->judge(&look);
    }
    out->verdict = settle_verdict(&look);
    out->step_count = kb_plan_steps(question->route, out->row, out->same_device, out->steps);
}
