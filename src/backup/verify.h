/* Private to the backup room: one run of the verifier. */
#ifndef KB_BACKUP_VERIFY_H
#define KB_BACKUP_VERIFY_H

#include "hasher.h"
#include "scan.h"

enum { KB_VERIFY_THREADS = 4 };

struct kb_seal_check; /* the seal's lines, beside the folder that is being scanned */

struct kb_verify {
    struct kb_backup *backup;
    const struct kb_verify_options *options;
    struct kb_findings findings;
    struct kb_scan_totals totals;
    struct kb_hasher *hasher;
    bool has_rows;              /* Manifest.db could be read */
    bool sealed;                /* there is a seal to compare with */
    struct kb_seal_check *seal; /* NULL: none, or it cannot be read */
    bool seal_proved;           /* every file was what the seal says, and there is no other */
    int64_t hashed, shown_ms;
    int done_pct;
};

/* What the answer to a job is compared with. */
struct kb_promise {
    bool row, seal; /* of Manifest.db, and a line of the seal */
    struct kb_checked checked;
    unsigned char sha256[32];
};
/* false: cancelled. */
bool kb_verify_ask(struct kb_verify *verify, const char *path, const char *label, const struct kb_promise *promise);
bool kb_verify_go_on(void *arg);
/* Findings of a file that could not be read. */
void kb_verify_unread(struct kb_verify *verify, const struct kb_hash_job *job);
/* Findings of one file's content against its row (backup-format.md 3.4, 3.5). */
void kb_verify_content(struct kb_verify *verify, const struct kb_hash_job *job, const struct kb_checked *checked);

/* ---- The seal: a file that has a row and a line is read once for both ---- */

bool kb_verify_has_seal(const struct kb_backup *backup);
/* Opens it. One that cannot be opened is a finding. */
void kb_verify_seal_open(struct kb_verify *verify);
/* Before the files of this folder, 0 to 255, and at 256: asks for those of the last one that no row asked for. */
void kb_verify_seal_folder(struct kb_verify *verify, int folder);
/* Puts the seal's line of that file into promise, when there is one in the folder. */
void kb_verify_seal_add(struct kb_verify *verify, const char *file_id, struct kb_promise *promise);
/* What a job with a line of the seal has shown. */
void kb_verify_seal_answer(struct kb_verify *verify, const struct kb_hash_job *job, const struct kb_promise *promise);
/* Asks for all that is left, after the scan however it ended. */
void kb_verify_seal_rest(struct kb_verify *verify);
/* After the last answer. */
void kb_verify_seal_close(struct kb_verify *verify);
#endif
