/* Findings: counted without end, told up to a bound, the worst one's sentence kept. */
#include <stdio.h>
#include <string.h>

#include "room.h"

enum { TOLD_MAX = 1000 };

static const struct {
    const char *name;
    int badness;
} outcomes[] = {
    [KB_OUTCOME_OK] = {"ok", 0},
    [KB_OUTCOME_WARNINGS] = {"warnings", 1},
    [KB_OUTCOME_LOCKED] = {"locked", 2},
    [KB_OUTCOME_DAMAGED] = {"damaged", 3},
    [KB_OUTCOME_INTERRUPTED] = {"interrupted", 4},
    [KB_OUTCOME_UNREADABLE] = {"unreadable", 5},
    [KB_OUTCOME_HOSTILE] = {"hostile", 6},
};

const char *kb_outcome_name(enum kb_outcome outcome) {
    return (size_t)outcome < KB_ARRAY_SIZE(outcomes) ? outcomes[outcome].name : "";
}

bool kb_outcome_is_worse(enum kb_outcome a, enum kb_outcome than) {
    return outcomes[a].badness > outcomes[than].badness;
}

void kb_finding(struct kb_findings *findings, enum kb_outcome outcome, const char *code, const char *path,
                const char *format, ...) {
    bool worse = kb_outcome_is_worse(outcome, findings->worst);
    bool tell = findings->tell && findings->told < TOLD_MAX;
    char text[480], clean[1024];
    va_list args;

    findings->count++;
    if (!worse && !tell) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (worse) {
        findings->worst = outcome;
        kb_text_clean(findings->text, sizeof findings->text, text);
    }
    if (!tell) return;
    kb_text_clean(clean, sizeof clean, path ? path : "");
    kb_text_clean(text, sizeof text, text);
    findings->told++;
    findings->tell(findings->arg, &(struct kb_finding_line){code, clean, text});
}
