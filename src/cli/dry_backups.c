/*
 * The backups of a job sheet: found, and looked at in worker processes, each folder once. What an earlier run found and
 * nobody changed since is not looked at again; its password is proved once for all that it opened.
 */
#include "dry.h"
#include "sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_ONE_WORKER 8  /* folders, when there are many */
#define COPIES_MAX    64 /* of one device's backup, kept together for their common keybag */
#define SAY_EVERY_MS  5000

/* ---- Finding */

static struct kb_dry_backup *add_backup(struct kb_dry *dry, json_t *index, char *path) {
    const json_t *known = json_object_get(index, path);
    if (known) {
        free(path);
        return dry->backups[json_integer_value(known)];
    }
    json_object_set_new(index, path, json_integer(dry->backup_count));
    struct kb_dry_backup *backup = kb_xcalloc(1, sizeof *backup);
    kb_backup_info_init(&backup->info);
    backup->path = path;
    dry->backups[dry->backup_count++] = backup;
    return backup;
}

/* A folder that is not there is a finding of its line; a word that could be two is a mistake of the sheet. */
static void find_all(struct kb_dry *dry) {
    json_t *index = json_object();
    dry->backups = kb_xcalloc((size_t)dry->count + 1, sizeof *dry->backups);
    for (int i = 0; i < dry->count; i++) {
        struct kb_dry_line *line = &dry->lines[i];
        char *path = NULL;
        struct kb_result res = kb_sheet_backup(dry->cli, line->job->source, &path);
        if (!kb_failed(&res))
            line->backup = add_backup(dry, index, path);
        else if (res.domain == KB_USAGE)
            kb_sheet_wrong(&dry->sheet, line->job->source_at, "%s", res.text);
        else
            line->missing = kb_xstrdup(res.text);
    }
    json_decref(index);
}

/* ---- Looking, in workers */

struct look {
    struct kb_dry_backup *backup;
    bool locked; /* without the password: it is known to be another one */
};
struct chunk {
    int first, count, told;
};
struct looking {
    struct kb_dry *dry;
    const struct kb_secret *password;
    char drawn[33]; /* the number of this run's password */
    struct look *list;
    int count;
    struct chunk *chunks;
    int chunk_count;
    int64_t said_ms;
    int total, told;
};

/* Copies of one device's backup stand side by side: UDID, UDID-yyyyMMdd-HHmmss. */
static int by_name(const void *a, const void *b) {
    const struct look *x = a, *y = b;
    if (x->locked != y->locked) return x->locked ? 1 : -1;
    int order = strcmp(kb_path_base(x->backup->path), kb_path_base(y->backup->path));
    return order ? order : strcmp(x->backup->path, y->backup->path);
}

static bool same_device(const struct look *a, const struct look *b) {
    const char *x = kb_path_base(a->backup->path), *y = kb_path_base(b->backup->path);
    size_t size = strlen(x) > 8 && x[8] == '-' ? 25 : 40; /* the two forms of a UDID */
    return a->locked == b->locked && strlen(x) >= size && !strncmp(x, y, size);
}

static void make_chunks(struct looking *looking) {
    int cores = kb_tray_cores(), most = looking->count / (4 * cores);
    most = most < 1 ? 1 : most > IN_ONE_WORKER ? IN_ONE_WORKER : most;
    looking->chunks = kb_xcalloc((size_t)looking->count + 1, sizeof *looking->chunks);
    looking->chunk_count = 0;
    for (int i = 0; i < looking->count; i++) {
        struct chunk *last = looking->chunk_count ? &looking->chunks[looking->chunk_count - 1] : NULL;
        const struct look *now = &looking->list[i];
        bool joins = last && now->locked == looking->list[last->first].locked &&
                     (last->count < most || (last->count < COPIES_MAX && same_device(&looking->list[i - 1], now)));
        if (joins)
            last->count++;
        else
            looking->chunks[looking->chunk_count++] = (struct chunk){i, 1, 0};
    }
}

static void make_request(const struct looking *looking, const struct chunk *chunk, struct kb_request *request) {
    json_t *paths = json_array();
    kb_request_init(looking->dry->cli, request, KB_TASK_INSPECT, NULL, NULL);
    for (int i = 0; i < chunk->count; i++)
        json_array_append_new(paths, json_string(looking->list[chunk->first + i].backup->path));
    request->columns = json_object();
    json_object_set_new(request->columns, "backups", paths);
    if (looking->password && !looking->list[chunk->first].locked)
        request->password = kb_secret_new(looking->password->data, looking->password->size);
}

static void settle(struct looking *looking, struct look *look, const json_t *object) {
    struct kb_dry_backup *backup = look->backup;
    const char *text = json_string_value(json_object_get(object, "text"));
    backup->done = true;
    backup->known = false;
    *backup->password = '\0';
    if (!kb_inspected_from_json(&backup->info, json_object_get(object, "backup"))) {
        backup->missing = kb_xstrdup(text ? text : _("This backup cannot be read: look at its folder"));
        return;
    }
    if (look->locked && backup->info.proof == KB_PROOF_MISSING) backup->info.proof = KB_PROOF_WRONG;
    if (backup->info.proof == KB_PROOF_RIGHT) memcpy(backup->password, looking->drawn, sizeof backup->password);
}

static void say_progress(struct looking *looking) {
    int64_t now = kb_clock_ms();
    looking->told++;
    if (now - looking->said_ms < SAY_EVERY_MS) return;
    looking->said_ms = now;
    kb_say(looking->dry->cli, _("Backups looked at: %d of %d."), looking->told, looking->total);
}

/* A worker tells of its own folders, one after the other. */
static void on_line(void *arg, int n, json_t *object) {
    struct looking *looking = arg;
    struct chunk *chunk = &looking->chunks[n];
    const char *event = json_string_value(json_object_get(object, "event"));
    if (!kb_streq(event, "inspected") || kb_json_get_int(object, "n", -1) != chunk->told) return;
    if (chunk->told < chunk->count) settle(looking, &looking->list[chunk->first + chunk->told++], object);
    say_progress(looking);
}

static void on_log(void *arg, int n, const char *sentence) {
    struct looking *looking = arg;
    (void)n;
    if (looking->dry->cli->options.verbose) kb_say(looking->dry->cli, "%s", sentence);
}

static struct kb_result run_chunks(struct looking *looking) {
    struct kb_worker_events events = {looking, on_line, on_log};
    int count = looking->chunk_count;
    struct kb_request *requests = kb_xcalloc((size_t)count + 1, sizeof *requests);
    struct kb_result *results = kb_xcalloc((size_t)count + 1, sizeof *results);
    int64_t now = kb_clock_wall();
    for (int i = 0; i < count; i++) make_request(looking, &looking->chunks[i], &requests[i]);
    for (int i = 0; i < looking->count; i++) looking->list[i].backup->looked_at = now;
    struct kb_result res = kb_workers_run(requests, count, kb_tray_cores(), KB_READER_MEMORY, &events, results);
    for (int i = 0; i < count; i++) {
        if (!kb_failed(&res) && kb_is(&results[i], KB_HOST, KB_HOST_OTHER)) res = results[i]; /* cannot be started */
        kb_request_release(&requests[i]);
    }
    free(requests);
    free(results);
    return res;
}

/* What a worker did not tell: the first is what ended it, the others are looked at once more, in another worker. */
static int keep_untold(struct looking *looking) {
    int kept = 0;
    for (int i = 0; i < looking->chunk_count; i++) {
        struct chunk *chunk = &looking->chunks[i];
        for (int k = chunk->told; k < chunk->count; k++) {
            struct look *look = &looking->list[chunk->first + k];
            if (k > chunk->told) {
                looking->list[kept++] = *look;
                continue;
            }
            look->backup->done = true;
            look->backup->known = false;
            look->backup->missing = kb_xstrdup(_("Reading this backup ended its reader, so it is damaged or hostile: "
                                                 "set it aside and find out where it came from"));
        }
    }
    return kept;
}

static struct kb_result look_at_all(struct looking *looking) {
    struct kb_result res = kb_ok();
    looking->said_ms = kb_clock_ms();
    looking->total = looking->count;
    looking->told = 0;
    while (looking->count && !kb_failed(&res)) {
        qsort(looking->list, (size_t)looking->count, sizeof *looking->list, by_name);
        make_chunks(looking);
        res = run_chunks(looking);
        looking->count = kb_failed(&res) ? 0 : keep_untold(looking);
        free(looking->chunks);
    }
    return res;
}

static void want(struct looking *looking, struct kb_dry_backup *backup, bool locked) {
    looking->list[looking->count++] = (struct look){backup, locked};
}

/* ---- Which need looking at */

/* New ones, and of those that one password opened, one: it proves the password for all. */
static void choose_first(struct looking *looking, json_t *samples) {
    struct kb_dry *dry = looking->dry;
    for (int i = 0; i < dry->backup_count; i++) {
        struct kb_dry_backup *backup = dry->backups[i];
        if (!backup->known || (!looking->password && *backup->password))
            want(looking, backup, false); /* without any password what lies inside is not known */
        else if (!*backup->password)
            backup->done = true;
        else if (!json_object_get(samples, backup->password)) {
            json_object_set_new(samples, backup->password, json_integer(i));
            want(looking, backup, false);
        }
    }
}

static void rename_password(struct looking *looking, const char *name) {
    struct kb_dry *dry = looking->dry;
    for (int i = 0; i < dry->backup_count; i++)
        if (!strcmp(dry->backups[i]->password, looking->drawn)) memcpy(dry->backups[i]->password, name, 33);
    memcpy(looking->drawn, name, 33);
}

/* This run's password is an old acquaintance: it keeps its number, so that nothing has to be written. */
static void recognise(struct looking *looking, json_t *samples) {
    const char *name;
    json_t *n;
    json_object_foreach(samples, name, n) {
        const struct kb_dry_backup *sample = looking->dry->backups[json_integer_value(n)];
        if (sample->missing || sample->info.proof != KB_PROOF_RIGHT || strlen(name) != 32) continue;
        rename_password(looking, name);
        return;
    }
}

/* What the samples have shown of the others. */
static void choose_others(struct looking *looking, const json_t *samples) {
    struct kb_dry *dry = looking->dry;
    for (int i = 0; i < dry->backup_count; i++) {
        struct kb_dry_backup *backup = dry->backups[i];
        if (backup->done) continue;
        const struct kb_dry_backup *sample =
            dry->backups[json_integer_value(json_object_get(samples, backup->password))];
        enum kb_password_proof proof = sample->missing ? KB_PROOF_NOT_TRIED : sample->info.proof;
        if (proof == KB_PROOF_RIGHT) {
            memcpy(backup->password, looking->drawn, sizeof backup->password);
            backup->done = true;
        } else {
            want(looking, backup, proof == KB_PROOF_WRONG);
        }
    }
}

static struct kb_result draw(char out[33]) {
    unsigned char bytes[16];
    struct kb_result res = kb_random(bytes, sizeof bytes);
    kb_hex(out, bytes, sizeof bytes);
    return res;
}

static bool needs_password(const struct kb_dry *dry) {
    for (int i = 0; i < dry->count; i++) {
        const struct kb_dry_line *line = &dry->lines[i];
        bool plain = !line->backup || (line->backup->known && !*line->backup->password);
        if (line->route == KB_ROUTE_USB && !plain) return true;
    }
    return false;
}

static struct kb_result look(struct kb_dry *dry, struct kb_secret *password) {
    struct looking looking = {.dry = dry, .password = password};
    json_t *samples = json_object();
    looking.list = kb_xcalloc((size_t)dry->backup_count + 1, sizeof *looking.list);
    struct kb_result res = draw(looking.drawn);
    if (kb_failed(&res)) goto out;
    choose_first(&looking, samples);
    res = look_at_all(&looking);
    if (kb_failed(&res)) goto out;
    recognise(&looking, samples);
    choose_others(&looking, samples);
    res = look_at_all(&looking);
out:
    json_decref(samples);
    free(looking.list);
    return res;
}

/* A wrong password changes nothing of what an earlier run knew. */
static void remember(struct kb_dry *dry, struct kb_memory *memory) {
    for (int i = 0; i < dry->backup_count; i++) kb_memory_put(memory, dry->backups[i]);
    struct kb_result res = kb_memory_save(memory);
    if (kb_failed(&res)) kb_say(dry->cli, "%s", res.text); /* the next run takes longer, nothing else */
}

struct kb_result kb_dry_backups(struct kb_dry *dry) {
    struct kb_secret *password = NULL;
    find_all(dry);
    if (dry->sheet.error_total) return kb_ok();
    struct kb_memory *memory = kb_memory_load(dry->cli);
    for (int i = 0; i < dry->backup_count; i++) kb_memory_find(memory, dry->backups[i]);
    enum kb_password_need need = needs_password(dry) ? KB_PASSWORD_ASK : KB_PASSWORD_IF_GIVEN;
    struct kb_result res = kb_password_get(dry->cli, need, _("the backups (Enter when none is encrypted)"), &password);
    if (!kb_failed(&res)) res = look(dry, password);
    if (!kb_failed(&res)) remember(dry, memory);
    kb_memory_free(memory);
    kb_secret_free(password);
    return res;
}
