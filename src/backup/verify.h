/* Private to the backup room: one run of the verifier. */
#ifndef KB_BACKUP_VERIFY_H
#define KB_BACKUP_VERIFY_H

#include "hasher.h"
#include "scan.h"

enum { KB_VERIFY_THREADS = 4 };

struct kb_verify {
    struct kb_backup *backup;
    const struct kb_verify_options *options;
    struct kb_findings findings;
    struct kb_scan_totals totals;
    struct kb_hasher *hasher;
    bool has_rows;    /* Manifest.db could be read */
    bool sealed;      /* there is a seal to compare with */
    bool seal_proved; /* every file was what the seal says, and there is no other */
    int64_t hashed, shown_ms, seal_lines;
    int done_pct;
};
bool kb_verify_go_on(void *arg);
/* Findings of a file that could not be read. */
void kb_verify_unread(struct kb_verify *verify, const struct kb_hash_job *job);
/* Findings of one file's content against its row (backup-format.md 3.4, 3.5). */
void kb_verify_content(struct kb_verify *verify, const struct kb_hash_job *job, const struct kb_checked *checked);
/* Every file against UDID.sha256, when there is one. Fails only when cancelled. */
KB_MUST_CHECK struct kb_result kb_verify_seal(struct kb_verify *verify);
bool kb_verify_has_seal(const struct kb_backup *backup);
#endif
