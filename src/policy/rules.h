/*
 * The rules' private face: what a rule looks at, and how it says what it found.
 * One function a rule; the table in rules.c says the rule's level and on which route it counts.
 */
#ifndef KITBENCH_POLICY_RULES_H
#define KITBENCH_POLICY_RULES_H

#include "kitbench/policy.h"

struct kb_rule_row;

/* One pair under judgement. */
struct kb_look {
    const struct kb_rule_row *row; /* the rule whose turn it is */
    enum kb_lang lang;
    enum kb_route route;
    const struct kb_question *question;
    const struct kb_backup_info *backup; /* never NULL; everything unknown when there is none */
    const struct kb_device *device;      /* NULL: not attached */
    struct kb_judgement *out;
};

struct kb_rule_row {
    enum kb_rule rule;
    enum kb_level level; /* as in design.md section 1 */
    bool usb_only;       /* says something about the transfer by cable only */
    void (*judge)(struct kb_look *look);
};

/* Adds a finding of the rule whose turn it is; the format is in the operator's language already (kb_tr). */
struct kb_finding *kb_found(struct kb_look *look, enum kb_level level, const char *format, ...) KB_PRINTF(3, 4);
/* The same at the rule's own level. */
#define KB_FOUND(look, ...) kb_found((look), (look)->row->level, __VA_ARGS__)
/* The rule cannot be judged, and the verdict is not ready because of it. Shown as a warning. */
#define KB_CANNOT_TELL(look, ...) (kb_found((look), KB_LEVEL_WARN, __VA_ARGS__)->unknown = true)

/* Attached and trusted: what is unknown now is unknown for good, and no hand can change it. */
static inline bool kb_look_reads_all(const struct kb_look *look) {
    return look->device && look->device->trust == KB_TRUST_TRUSTED;
}

void kb_rule_os_version(struct kb_look *look);
void kb_rule_unsupported_case(struct kb_look *look);
void kb_rule_ade_restore_pane(struct kb_look *look);
void kb_rule_source_unknown(struct kb_look *look);
void kb_rule_apple_supervision(struct kb_look *look);
void kb_rule_ios27_supervised(struct kb_look *look);

void kb_rule_backup_unfinished(struct kb_look *look);
void kb_rule_backup_damaged(struct kb_look *look);
void kb_rule_backup_hostile(struct kb_look *look);
void kb_rule_backup_unencrypted(struct kb_look *look);
void kb_rule_backup_password(struct kb_look *look);

void kb_rule_find_my(struct kb_look *look);
void kb_rule_not_activated(struct kb_look *look);
void kb_rule_not_trusted(struct kb_look *look);
void kb_rule_locked(struct kb_look *look);
void kb_rule_setup_not_at_restore(struct kb_look *look);
void kb_rule_free_space(struct kb_look *look);
void kb_rule_battery(struct kb_look *look);
#endif
