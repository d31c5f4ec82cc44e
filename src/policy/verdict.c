/* The verdict's words, the finding that decides it, and the JSON of `check`. */
#include "kitbench/policy.h"
#include "words.h"

static const char *const level_words[] = {"info", "warn", "operator", "hold", "block"};
static const char *const verdict_words[] = {"ready", "operator", "unknown", "refused"};
static const int verdict_exits[] = {0, 7, 3, 3};

const char *kb_level_name(enum kb_level level) { return word_of(level_words, KB_ARRAY_SIZE(level_words), (int)level); }

const char *kb_verdict_name(enum kb_verdict verdict) {
    return word_of(verdict_words, KB_ARRAY_SIZE(verdict_words), (int)verdict);
}

int kb_verdict_exit(enum kb_verdict verdict) {
    return (size_t)verdict < KB_ARRAY_SIZE(verdict_exits) ? verdict_exits[verdict] : 1;
}

/* Whether this finding alone would give the verdict. */
static bool decides(const struct kb_finding *finding, enum kb_verdict verdict) {
    switch (verdict) {
    case KB_VERDICT_REFUSED:
        return finding->level == KB_LEVEL_BLOCK || (finding->level == KB_LEVEL_HOLD && !finding->accepted);
    case KB_VERDICT_OPERATOR:
        return finding->level == KB_LEVEL_OPERATOR;
    case KB_VERDICT_UNKNOWN:
        return finding->unknown;
    case KB_VERDICT_READY:
        break;
    }
    return false;
}

const struct kb_finding *kb_judgement_reason(const struct kb_judgement *judgement) {
    const struct kb_finding *reason = NULL;
    for (int i = 0; i < judgement->finding_count; i++) {
        const struct kb_finding *finding = &judgement->findings[i];
        if (decides(finding, judgement->verdict) && (reason == NULL || finding->level > reason->level))
            reason = finding;
    }
    return reason;
}

static json_t *step_names(const enum kb_step *steps, int count) {
    json_t *names = json_array();
    for (int i = 0; i < count && steps[i] != KB_STEP_NONE; i++)
        json_array_append_new(names, json_string(kb_step_name(steps[i])));
    return names;
}

static json_t *findings_to_json(const struct kb_judgement *judgement) {
    json_t *list = json_array();
    for (int i = 0; i < judgement->finding_count; i++) {
        const struct kb_finding *finding = &judgement->findings[i];
        json_t *object = json_object();
        kb_json_set_text(object, "rule", kb_rule_name(finding->rule));
        kb_json_set_text(object, "level", kb_level_name(finding->level));
        kb_json_set_text(object, "text", finding->text);
        json_array_append_new(list, object);
    }
    return list;
}

json_t *kb_judgement_to_json(const struct kb_judgement *judgement, const char *backup, const char *device) {
    const struct kb_case *row = judgement->row;
    bool supported = row && row->supported; /* in a × row the manual's other columns are "-" */
    json_t *object = json_object();
    kb_json_set_text(object, "backup", backup);
    kb_json_set_text(object, "device", device);
    kb_json_set_text(object, "verdict", kb_verdict_name(judgement->verdict));
    kb_json_set_text(object, "source_state", kb_source_name(judgement->source));
    kb_json_set_tri(object, "same_device", judgement->same_device);
    kb_json_set_text(object, "target_state", kb_target_name(judgement->target));
    kb_json_set_tri(object, "supported", !row ? KB_UNKNOWN : supported ? KB_YES : KB_NO);
    kb_json_set_text(object, "agent", supported ? kb_agent_name(row->agent) : NULL);
    kb_json_set_text(object, "mdm", supported ? kb_mdm_name(row->mdm) : NULL);
    json_object_set_new(object, "follow_up", supported ? step_names(row->follow_ups, KB_MAX_FOLLOW_UPS) : json_array());
    json_object_set_new(object, "findings", findings_to_json(judgement));
    json_object_set_new(object, "steps", step_names(judgement->steps, judgement->step_count));
    return object;
}
