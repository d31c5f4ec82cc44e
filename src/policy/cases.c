/*
 * The manual's three tables of restore cases, row by row (manual-ja.txt, chapter 復元のケースと注意事項). This array is
 * to be held beside the manual: same order, same columns, same signs. Nothing else in kitbench decides a case.
 */
#include "kitbench/policy.h"
#include "words.h"

#define SAME  true                   /* 同端末: the device the backup was made on, same UDID */
#define OTHER false                  /* 別端末 */
#define PLAIN KB_TARGET_UNSUPERVISED /* 非監視対象 */
#define SUPER KB_TARGET_SUPERVISED   /* 監視対象 */

#define YES true  /* サポート ○ */
#define NO  false /* サポート ×; the other columns are "-" */

#define OK  KB_AGENT_OK
#define RE  KB_AGENT_REAUTH /* △ ※再認証が必要 */
#define X_  KB_AGENT_NONE
#define MOK KB_MDM_OK
#define M_X KB_MDM_NONE

#define KITTING    KB_STEP_KITTING            /* 復元後、キッティングが必要 */
#define REAUTH     KB_STEP_AGENT_REAUTH       /* iOSエージェントの再認証が必要 */
#define INSTALL    KB_STEP_AGENT_INSTALL      /* iOSエージェントのインストール */
#define AUTH       KB_STEP_AGENT_AUTH         /* 通常認証が必要 */
#define SUPERVISED KB_STEP_BECOMES_SUPERVISED /* 監視対象状態となる */

/* clang-format off */
const struct kb_case kb_cases[KB_CASE_COUNT] = {
    /* backup's device            target         support agent mdm  remarks */

    /* バックアップ端末が非監視対象の場合 */
    {KB_SOURCE_UNSUPERVISED, SAME,  PLAIN, YES, OK, MOK, {KB_STEP_NONE}},
    {KB_SOURCE_UNSUPERVISED, SAME,  SUPER, NO,  X_, M_X, {KB_STEP_NONE}},
    {KB_SOURCE_UNSUPERVISED, OTHER, PLAIN, YES, RE, M_X, {KITTING, REAUTH}},
    {KB_SOURCE_UNSUPERVISED, OTHER, SUPER, YES, RE, MOK, {REAUTH}},

    /* バックアップ端末が監視対象の場合 */
    {KB_SOURCE_SUPERVISED,   SAME,  PLAIN, YES, OK, MOK, {SUPERVISED}},
    {KB_SOURCE_SUPERVISED,   SAME,  SUPER, YES, OK, MOK, {KB_STEP_NONE}},
    {KB_SOURCE_SUPERVISED,   OTHER, PLAIN, YES, RE, M_X, {KITTING, REAUTH}},
    {KB_SOURCE_SUPERVISED,   OTHER, SUPER, YES, RE, MOK, {REAUTH}},

    /* バックアップ端末がMDM未導入の場合 */
    {KB_SOURCE_NO_MDM,       SAME,  PLAIN, YES, X_, M_X, {AUTH}},
    {KB_SOURCE_NO_MDM,       SAME,  SUPER, NO,  X_, M_X, {KB_STEP_NONE}},
    {KB_SOURCE_NO_MDM,       OTHER, PLAIN, YES, X_, M_X, {AUTH}},
    {KB_SOURCE_NO_MDM,       OTHER, SUPER, YES, X_, MOK, {INSTALL, AUTH}},
};
/* clang-format on */

const struct kb_case *kb_case_find(enum kb_source source, bool same_device, enum kb_target_state target) {
    for (int i = 0; i < KB_CASE_COUNT; i++) {
        const struct kb_case *row = &kb_cases[i];
        if (row->source == source && row->same_device == same_device && row->target == target) return row;
    }
    return NULL;
}

static const char *const target_words[] = {"", "unsupervised", "supervised"};
static const char *const agent_words[] = {"ok", "reauth", "none"};
static const char *const mdm_words[] = {"ok", "none"};

const char *kb_target_name(enum kb_target_state state) {
    return word_of(target_words, KB_ARRAY_SIZE(target_words), (int)state);
}

bool kb_target_parse(const char *text, enum kb_target_state *state) {
    int value = value_of(target_words, KB_ARRAY_SIZE(target_words), text);
    if (value < 0) return false;
    *state = (enum kb_target_state)value;
    return true;
}

const char *kb_agent_name(enum kb_agent agent) { return word_of(agent_words, KB_ARRAY_SIZE(agent_words), (int)agent); }

const char *kb_mdm_name(enum kb_mdm mdm) { return word_of(mdm_words, KB_ARRAY_SIZE(mdm_words), (int)mdm); }
