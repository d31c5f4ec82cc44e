/* Every file against the seal beside the folder: proves each bit, and needs no password. */
#include <stdlib.h>
#include <string.h>

#include "seal.h"
#include "verify.h"

struct places {
    char *root, *folder, *name;
};

static struct places places_of(const struct kb_backup *backup) {
    const char *base = kb_path_base(backup->path);
    size_t size = (size_t)(base - backup->path);
    struct places places;

    while (size > 1 && backup->path[size - 1] == '/') size--;
    places.root = size ? kb_xasprintf("%.*s", (int)size, backup->path) : kb_xstrdup(".");
    places.folder = kb_xstrdup(base);
    places.name = kb_xasprintf("%s.sha256", base);
    return places;
}

static void places_release(struct places *places) {
    free(places->root);
    free(places->folder);
    free(places->name);
}

bool kb_verify_has_seal(const struct kb_backup *backup) {
    struct places places = places_of(backup);
    struct kb_dir *root = NULL;
    struct kb_stat stat = {.kind = KB_ENTRY_OTHER};
    struct kb_result res = kb_dir_open(places.root, false, &root);

    if (!kb_failed(&res)) res = kb_dir_stat(root, places.name, &stat);
    kb_dir_close(root);
    places_release(&places);
    return !kb_failed(&res) && stat.kind == KB_ENTRY_FILE;
}

static bool on_answer(void *arg, struct kb_hash_job *job) {
    struct kb_verify *verify = arg;

    verify->hashed += job->size;
    if (kb_failed(&job->result))
        kb_verify_unread(verify, job);
    else if (memcmp(job->sha256, job->data, 32) != 0)
        kb_finding(&verify->findings, KB_OUTCOME_DAMAGED, "seal", job->path,
                   _("This file was changed after kitbench sealed the backup; use another copy or make a new backup"));
    return kb_verify_go_on(verify);
}

static bool is_payload(const char *path) {
    return strlen(path) == 43 && path[2] == '/' && kb_is_file_id(path + 3, 40) && memcmp(path, path + 3, 2) == 0;
}

static bool add_line(struct kb_verify *verify, struct kb_hasher *hasher, const struct kb_seal_line *line) {
    struct kb_hash_job *job = kb_hash_job_new(line->path, NULL);

    job->want_sha256 = true;
    job->data = kb_xmalloc(32);
    memcpy(job->data, line->sha256, 32);
    if (is_payload(line->path)) verify->seal_lines++;
    verify->done_pct = verify->totals.files ? 50 + (int)(verify->seal_lines < verify->totals.files
                                                             ? verify->seal_lines * 49 / verify->totals.files
                                                             : 49)
                                            : 50;
    return kb_hasher_add(hasher, job);
}

static struct kb_result read_lines(struct kb_verify *verify, struct kb_seal_reader *reader) {
    struct kb_hasher *hasher = kb_hasher_new(verify->backup->dir, KB_VERIFY_THREADS, on_answer, verify);
    struct kb_seal_line line;
    struct kb_result res;
    bool there = true, going = true;

    do {
        res = kb_seal_reader_next(reader, &line, &there);
        if (!kb_failed(&res) && there) going = add_line(verify, hasher, &line);
    } while (!kb_failed(&res) && there && going);
    if (!kb_hasher_end(hasher)) res = kb_cancel_result();
    return res;
}

/* Files that came after the seal: a backup by another program, or something put there by hand. */
static void judge_unsealed(struct kb_verify *verify) {
    if (verify->totals.files <= verify->seal_lines) return;
    kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "unsealed", "",
               _("%lld files came into the folder after kitbench sealed it; verify it with its password"),
               (long long)(verify->totals.files - verify->seal_lines));
}

static struct kb_result compare(struct kb_verify *verify, struct kb_seal_reader *reader) {
    int64_t before = verify->findings.count;
    struct kb_result res = read_lines(verify, reader);

    if (kb_is(&res, KB_STORE, KB_STORE_DAMAGED)) {
        kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "seal-damaged", "", "%s", res.text);
        return kb_ok();
    }
    if (kb_failed(&res)) return res;
    judge_unsealed(verify);
    verify->seal_proved = verify->findings.count == before && verify->seal_lines > 0;
    return res;
}

struct kb_result kb_verify_seal(struct kb_verify *verify) {
    struct places places;
    struct kb_dir *root = NULL;
    struct kb_seal_reader *reader = NULL;
    struct kb_result res;

    if (!verify->sealed) return kb_ok();
    places = places_of(verify->backup);
    res = kb_dir_open(places.root, false, &root);
    if (!kb_failed(&res)) res = kb_seal_reader_open(root, places.name, places.folder, &reader);
    if (kb_failed(&res)) {
        kb_finding(&verify->findings, KB_OUTCOME_WARNINGS, "seal-damaged", "", "%s", res.text);
        res = kb_ok();
    } else {
        res = compare(verify, reader);
    }
    kb_seal_reader_close(reader);
    kb_dir_close(root);
    places_release(&places);
    return res;
}
