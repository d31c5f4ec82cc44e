/*
 * The policy room: the manual's rules and procedures as tables. Pure: same in, same out, any thread; no I/O, clock or
 * global (the language is an argument). Sources: manual-ja.txt and design.md section 1.
 */
#ifndef KITBENCH_POLICY_H
#define KITBENCH_POLICY_H

#include "kitbench/base.h"

/* ---- OS versions
 * ------------------------------------------------------------------------------------------------------------ */

enum kb_order { KB_ORDER_UNKNOWN, KB_ORDER_OLDER, KB_ORDER_SAME, KB_ORDER_NEWER };
/* target against backup, number by number; "16.10" > "16.9", "16.1" = "16.1.0", "16.1.1 (a)" (rapid response) = 16.1.1,
   betas ("27.0 beta 2") by their numbers. UNKNOWN when either is not a version. */
enum kb_order kb_os_compare(const char *target, const char *backup);
int kb_os_major(const char *os); /* -1 when unknown */

/* ---- The case table
 * ----------------------------------------------------------------------------------------------------------- */

enum kb_target_state { KB_TARGET_UNKNOWN, KB_TARGET_UNSUPERVISED, KB_TARGET_SUPERVISED };
const char *kb_target_name(enum kb_target_state state); /* "" "unsupervised" "supervised" */
bool kb_target_parse(const char *text, enum kb_target_state *state);

/* Step ids; the order is the one in which an operator meets them. The second word is the id in JSON. */
#define KB_STEPS(X)                                                                                                    \
    X(KB_STEP_NONE, "")                                                                                                \
    X(KB_STEP_ICLOUD_BACKUP, "icloud-backup")                                                                          \
    X(KB_STEP_START_SETUP, "start-setup")                                                                              \
    X(KB_STEP_CHOOSE_RESTORE, "choose-restore")                                                                        \
    X(KB_STEP_CHOOSE_ICLOUD_RESTORE, "choose-icloud-restore")                                                          \
    X(KB_STEP_WIFI, "wifi")                                                                                            \
    X(KB_STEP_CHOOSE_BACKUP, "choose-backup")                                                                          \
    X(KB_STEP_REMOTE_MANAGEMENT, "remote-management")                                                                  \
    X(KB_STEP_APPLE_ID, "apple-id")                                                                                    \
    X(KB_STEP_FINISH_SETUP, "finish-setup")                                                                            \
    X(KB_STEP_HOME_SCREEN, "home-screen")                                                                              \
    X(KB_STEP_KITTING, "kitting")                                                                                      \
    X(KB_STEP_AGENT_REAUTH, "agent-reauth")                                                                            \
    X(KB_STEP_AGENT_INSTALL, "agent-install")                                                                          \
    X(KB_STEP_AGENT_AUTH, "agent-auth")                                                                                \
    X(KB_STEP_BECOMES_SUPERVISED, "becomes-supervised")
enum kb_step {
#define X(name, word) name,
    KB_STEPS(X)
#undef X
        KB_STEP_COUNT
};
const char *kb_step_name(enum kb_step step);
enum kb_step kb_step_from_name(const char *name); /* KB_STEP_NONE when there is none */
/* The operator's sentence. agent-reauth has the manual's three taps. */
const char *kb_step_text(enum kb_lang lang, enum kb_step step);

#define KB_MAX_FOLLOW_UPS 3
enum kb_agent { KB_AGENT_OK /* ○ */, KB_AGENT_REAUTH /* △ */, KB_AGENT_NONE /* × */ };
enum kb_mdm { KB_MDM_OK, KB_MDM_NONE };
struct kb_case {
    enum kb_source source;
    bool same_device;
    enum kb_target_state target;
    bool supported;
    enum kb_agent agent;
    enum kb_mdm mdm;
    enum kb_step follow_ups[KB_MAX_FOLLOW_UPS]; /* ended by KB_STEP_NONE */
};
#define KB_CASE_COUNT 12
extern const struct kb_case kb_cases[KB_CASE_COUNT];
/* NULL when source or target is unknown. */
const struct kb_case *kb_case_find(enum kb_source source, bool same_device, enum kb_target_state target);
const char *kb_agent_name(enum kb_agent agent); /* "ok" "reauth" "none" */
const char *kb_mdm_name(enum kb_mdm mdm);       /* "ok" "none" */

/* ---- Findings and the verdict
 * ---------------------------------------------------------------------------------------------------- */

#define KB_RULES(X)                                                                                                    \
    X(KB_RULE_NONE, "")                                                                                                \
    X(KB_RULE_OS_VERSION, "os-version")                                                                                \
    X(KB_RULE_UNSUPPORTED_CASE, "unsupported-case")                                                                    \
    X(KB_RULE_ADE_RESTORE_PANE, "ade-restore-pane")                                                                    \
    X(KB_RULE_BACKUP_UNFINISHED, "backup-unfinished")                                                                  \
    X(KB_RULE_BACKUP_DAMAGED, "backup-damaged")                                                                        \
    X(KB_RULE_BACKUP_HOSTILE, "backup-hostile")                                                                        \
    X(KB_RULE_BACKUP_UNENCRYPTED, "backup-unencrypted")                                                                \
    X(KB_RULE_BACKUP_PASSWORD, "backup-password")                                                                      \
    X(KB_RULE_FIND_MY, "find-my")                                                                                      \
    X(KB_RULE_NOT_ACTIVATED, "not-activated")                                                                          \
    X(KB_RULE_NOT_TRUSTED, "not-trusted")                                                                              \
    X(KB_RULE_LOCKED, "locked")                                                                                        \
    X(KB_RULE_SETUP_NOT_AT_RESTORE, "setup-not-at-restore")                                                            \
    X(KB_RULE_FREE_SPACE, "free-space")                                                                                \
    X(KB_RULE_BATTERY, "battery")                                                                                      \
    X(KB_RULE_SOURCE_UNKNOWN, "source-unknown")                                                                        \
    X(KB_RULE_APPLE_SUPERVISION, "apple-supervision")                                                                  \
    X(KB_RULE_IOS27_SUPERVISED, "ios27-supervised")
enum kb_rule {
#define X(name, word) name,
    KB_RULES(X)
#undef X
        KB_RULE_COUNT
};
const char *kb_rule_name(enum kb_rule rule);
enum kb_rule kb_rule_from_name(const char *name);

enum kb_level { KB_LEVEL_INFO, KB_LEVEL_WARN, KB_LEVEL_OPERATOR, KB_LEVEL_HOLD, KB_LEVEL_BLOCK };
const char *kb_level_name(enum kb_level level); /* "info" "warn" "operator" "hold" "block" */
struct kb_finding {
    enum kb_rule rule;
    enum kb_level level;
    bool accepted;   /* a hold that --accept names; it stays in the list with its level */
    bool unknown;    /* the rule could not be judged, and the verdict cannot be ready because of it */
    enum kb_ask ask; /* what a hand would do about it; KB_ASK_NONE */
    char text[480];
};

enum kb_verdict { KB_VERDICT_READY, KB_VERDICT_OPERATOR, KB_VERDICT_UNKNOWN, KB_VERDICT_REFUSED };
const char *kb_verdict_name(enum kb_verdict verdict);
int kb_verdict_exit(enum kb_verdict verdict); /* 0, 7, 3, 3 */

enum kb_route { KB_ROUTE_USB, KB_ROUTE_ICLOUD };
const char *kb_route_name(enum kb_route route);
bool kb_route_parse(const char *text, enum kb_route *route);

struct kb_question {
    enum kb_lang lang;
    enum kb_route route;
    const struct kb_backup_info *backup;
    const struct kb_device *device;    /* NULL: not plugged in; everything about it is unknown */
    enum kb_source source_state;       /* --source-state; UNKNOWN when not given */
    enum kb_target_state target_state; /* the job sheet's word; UNKNOWN = take the device's */
    uint32_t accepted;                 /* bit (1 << rule) for each --accept */
};
#define KB_MAX_FINDINGS 24
#define KB_MAX_PLAN     16
struct kb_judgement {
    enum kb_verdict verdict;
    enum kb_source source;
    enum kb_tri same_device;
    enum kb_target_state target;
    const struct kb_case *row; /* NULL when not known */
    struct kb_finding findings[KB_MAX_FINDINGS];
    int finding_count;
    enum kb_step steps[KB_MAX_PLAN]; /* the procedure with follow-ups, in order */
    int step_count;
};
/*
 * Judges one pair by every rule. Refused (a block, or a hold that is not accepted) outranks operator, which outranks
 * unknown (a fact a block depends on could not be read although nothing is left for a hand to do), which outranks
 * ready.
 */
void kb_judge(const struct kb_question *question, struct kb_judgement *out);
/* The finding that decides a verdict that is not ready (first of the highest level); NULL when ready. */
const struct kb_finding *kb_judgement_reason(const struct kb_judgement *judgement);
/* The keys of `check` in design.md section 2; backup and device are put in as given (texts or null). */
json_t *kb_judgement_to_json(const struct kb_judgement *judgement, const char *backup, const char *device);

/* ---- Procedures
 * ----------------------------------------------------------------------------------------------------------------------
 */

/* What evidence read from the device can tick a step by itself. */
enum kb_evidence_rule {
    KB_TICK_PERSON,        /* none: a person confirms */
    KB_TICK_IN_ASSISTANT,  /* the device was seen in Setup Assistant */
    KB_TICK_RESTORE_TAKEN, /* the device took the restore */
    KB_TICK_ONLINE,        /* MDM profile in the list, or setup done: both need the network */
    KB_TICK_MDM, /* MDM profile in the profile list; skipped when setup is done without one on an unsupervised device */
    KB_TICK_SETUP_DONE,
    KB_TICK_AGENT_INSTALLED,
    KB_TICK_SUPERVISED
};
enum kb_evidence_rule kb_step_evidence(enum kb_step step);
bool kb_step_needs_person(enum kb_step step); /* agent-reauth and agent-auth always */
/* The procedure of a route and row, in order: fills steps (KB_MAX_PLAN), returns how many. row NULL: without
 * follow-ups. */
int kb_plan_steps(enum kb_route route, const struct kb_case *row, enum kb_tri same_device, enum kb_step *steps);
enum kb_step_state { KB_STEP_OPEN, KB_STEP_DONE, KB_STEP_SKIPPED };
const char *kb_step_state_name(enum kb_step_state state);
bool kb_step_state_parse(const char *text, enum kb_step_state *state);
/* What this reading of the device says about an open step: OPEN (nothing), DONE or SKIPPED. restored: the device took
 * the restore. */
enum kb_step_state kb_step_judge(enum kb_step step, const struct kb_device *device, bool restored);

/* ---- What to do about a result
 * ---------------------------------------------------------------------------------------------------------- */

enum kb_remedy { KB_REMEDY_NONE, KB_REMEDY_RETRY, KB_REMEDY_ASK, KB_REMEDY_SET_ASIDE, KB_REMEDY_GIVE_UP };
/* (domain, code) -> exit code of the contract. KB_OK is 0. */
int kb_exit_of(const struct kb_result *res);
enum kb_remedy kb_remedy_of(const struct kb_result *res);
/* The error book: what a device's MBErrorDomain code means and what to do next (protocol.md section 4), one sentence.
   restoring tells 105/106 apart. description is the device's own text, may be NULL; its head is quoted when the code is
   unknown. */
struct kb_result kb_backup2_result(enum kb_lang lang, int64_t error_code, const char *description, bool restoring);
/* The same for lockdown's error numbers (LOCKDOWN_E_*, protocol.md 2.3). */
struct kb_result kb_lockdown_result(enum kb_lang lang, int code);
#endif
