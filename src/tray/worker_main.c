/*
 * The worker's side: one request on standard input, JSON lines on standard output, sentences on standard error. Ends at
 * once when standard input closes: whoever started us is dead.
 */
#include "kitbench/tray.h"
#include "wire.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GONE_EXIT 1

struct out {
    pthread_mutex_t lock; /* of standard output: one line at a time */
    pthread_mutex_t turn_lock;
    pthread_cond_t turn_changed;
    bool turn; /* guarded by turn_lock: the parent said that it is our turn, or we are cancelled */
};

/* One line, whole and at once; a parent that no longer reads is a dead parent. */
static void write_line(struct out *out, const json_t *object) {
    char *text = kb_json_line(object), *line = kb_xasprintf("%s\n", text);
    pthread_mutex_lock(&out->lock);
    bool written = kb_fd_put(1, line, strlen(line));
    pthread_mutex_unlock(&out->lock);
    free(line);
    free(text);
    if (!written) _exit(GONE_EXIT);
}

static void on_line(void *arg, json_t *object) { write_line(arg, object); }

static void on_deadline(void *arg, int seconds) {
    json_t *object = json_object();
    json_object_set_new(object, "event", json_string("deadline"));
    json_object_set_new(object, "seconds", json_integer(seconds));
    write_line(arg, object);
    json_decref(object);
}

/* Internal, to the parent alone: what the password was derived to. */
static void on_key(void *arg, const struct kb_secret *key) {
    static const char head[] = "{\"event\":\"key\",\"key_hex\":\"";
    struct out *out = arg;
    char line[sizeof head + 2 * KB_SHARED_KEY_BYTES + 8];
    if (key->size > KB_SHARED_KEY_BYTES) return;
    memcpy(line, head, sizeof head - 1);
    kb_hex(line + sizeof head - 1, key->data, key->size);
    strcat(line, "\"}\n");
    pthread_mutex_lock(&out->lock);
    bool written = kb_fd_put(1, line, strlen(line));
    pthread_mutex_unlock(&out->lock);
    kb_wipe(line, sizeof line);
    if (!written) _exit(GONE_EXIT);
}

static void on_log(void *arg, const char *sentence) {
    char clean[1024];
    (void)arg;
    kb_text_clean(clean, sizeof clean - 1, sentence);
    strcat(clean, "\n");
    kb_fd_put(2, clean, strlen(clean)); /* a log that nobody reads is no reason to end */
}

/* Internal, always the last: what kb_job_run returned. Without it we have crashed. */
static void write_end(struct out *out, const struct kb_result *res) {
    json_t *object = json_object();
    json_object_set_new(object, "event", json_string("end"));
    json_object_set_new(object, "domain", json_string(kb_domain_name(res->domain)));
    json_object_set_new(object, "code", json_integer(res->code));
    kb_json_set_text(object, "text", res->text);
    write_line(out, object);
    json_decref(object);
}

/* ---- Our turn ---- */

static void give_turn(struct out *out) {
    pthread_mutex_lock(&out->turn_lock);
    out->turn = true;
    pthread_cond_broadcast(&out->turn_changed);
    pthread_mutex_unlock(&out->turn_lock);
}

static bool on_turn(void *arg, int64_t ms) {
    struct out *out = arg;
    struct timespec until;
    int64_t at = kb_clock_wall_ms() + ms;
    until.tv_sec = (time_t)(at / 1000);
    until.tv_nsec = (long)(at % 1000) * 1000000;
    pthread_mutex_lock(&out->turn_lock);
    while (!out->turn && pthread_cond_timedwait(&out->turn_changed, &out->turn_lock, &until) == 0) continue;
    bool turn = out->turn;
    pthread_mutex_unlock(&out->turn_lock);
    return turn;
}

/* ---- Standard input -----------------------------------------------------------------------------------------------
 */

/* What was read and not yet used: behind the request comes "cancel", which is another thread's to read. */
struct input {
    char bytes[4096];
    size_t used, size;
    struct kb_cancel *cancel;
    struct out *out;
};

/* One line without its end; its size, or -1 at the end of the input and for a line that is too long. */
static ssize_t read_line(struct input *in, char *line, size_t room) {
    for (size_t size = 0; size < room; size++) {
        if (in->used == in->size) {
            ssize_t got = read(0, in->bytes, sizeof in->bytes);
            if (got <= 0) return -1;
            in->used = 0;
            in->size = (size_t)got;
        }
        line[size] = in->bytes[in->used];
        in->bytes[in->used++] = 0; /* the request has a password in it */
        if (line[size] != '\n') continue;
        line[size] = 0;
        return (ssize_t)size;
    }
    return -1;
}

static void listen_to_parent(void *arg) {
    struct input *in = arg;
    char line[64];
    while (read_line(in, line, sizeof line) >= 0) {
        if (kb_streq(line, KB_WORD_CANCEL)) kb_cancel_now(in->cancel);
        if (kb_streq(line, KB_WORD_CANCEL) || kb_streq(line, KB_WORD_TURN)) give_turn(in->out);
    }
    _exit(GONE_EXIT);
}

/* jansson frees without wiping; while it holds the request, its memory is ours. */
static void *wiping_malloc(size_t size) {
    size_t *block = malloc(size + 16);
    if (!block) return NULL;
    *block = size;
    return (char *)block + 16;
}

static void wiping_free(void *data) {
    if (!data) return;
    size_t *block = (size_t *)(void *)((char *)data - 16);
    kb_wipe(data, *block);
    free(block);
}

static struct kb_result parse(const char *line, struct kb_request *request, int64_t *memory_bytes) {
    json_t *object = kb_json_parse(line, strlen(line), KB_REQUEST_MAX);
    struct kb_result res = kb_request_from_json(request, object);
    *memory_bytes = object ? kb_json_get_int(object, KB_KEY_MEMORY, 0) : 0;
    kb_request_json_free(object);
    return res;
}

/* The columns outlive the request's line: made anew with the usual memory. */
static void own_columns(struct kb_request *request, const char *columns, size_t size) {
    request->columns = size ? json_loadb(columns, size, 0, NULL) : NULL;
}

static struct kb_result parse_and_wipe(const char *line, struct kb_request *request, int64_t *memory_bytes) {
    json_malloc_t usual_malloc;
    json_free_t usual_free;
    json_get_alloc_funcs(&usual_malloc, &usual_free);
    json_set_alloc_funcs(wiping_malloc, wiping_free);
    struct kb_result res = parse(line, request, memory_bytes);
    size_t size = request->columns ? json_dumpb(request->columns, NULL, 0, JSON_COMPACT) : 0;
    char *columns = size ? kb_xmalloc(size) : NULL;
    if (size) json_dumpb(request->columns, columns, size, JSON_COMPACT);
    json_decref(request->columns);
    json_set_alloc_funcs(usual_malloc, usual_free);
    own_columns(request, columns, size);
    free(columns);
    return res;
}

static struct kb_result read_request(struct input *in, struct kb_request *request, int64_t *memory_bytes) {
    struct kb_result res = kb_fail(KB_UNEXPECTED, 0, _("The worker got no request; it is started by kitbench itself"));
    char *line = kb_xmalloc(KB_REQUEST_MAX); /* its pages are used as far as the line goes */
    memset(request, 0, sizeof *request);
    *memory_bytes = 0;
    ssize_t size = read_line(in, line, KB_REQUEST_MAX);
    if (size >= 0) res = parse_and_wipe(line, request, memory_bytes);
    kb_wipe(line, size >= 0 ? (size_t)size : KB_REQUEST_MAX);
    free(line);
    return res;
}

/* ---- The process --------------------------------------------------------------------------------------------------
 */

/* We share the terminal with our parent: it hears Ctrl-C and tells us what to do. */
static void leave_signals_to_parent(void) {
    signal(SIGINT, SIG_IGN);
#ifdef SIGHUP
    signal(SIGHUP, SIG_IGN);
#endif
}

int kb_worker_main(void) {
    struct out out = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    const struct kb_sink sink = {on_line, on_deadline, on_log, &out, on_turn, on_key};
    struct input *in = kb_xcalloc(1, sizeof *in); /* not freed: the listening thread has it until we end */
    struct kb_request request;
    int64_t memory_bytes = 0;
    leave_signals_to_parent();
    struct kb_result res = read_request(in, &request, &memory_bytes);
    if (!kb_failed(&res)) {
        kb_lang_set(request.lang);
        if (memory_bytes > 0) kb_host_limit_memory(memory_bytes);
        in->cancel = kb_cancel_new();
        in->out = &out;
        kb_thread_detached(listen_to_parent, in);
        res = kb_job_run(&request, &sink, in->cancel);
    }
    kb_request_release(&request);
    write_end(&out, &res);
    return kb_exit_of(&res);
}
