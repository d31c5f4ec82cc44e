/*
 * One worker as its parent sees it: starts kitbench again, one process a request, reads its lines, watches its deadline
 * and ends it when it misses it. Whatever happens to a worker costs one device. Lives on a libuv loop, one thread.
 *
 * A worker has been taken over by a hostile device as soon as it says something odd: lines are parsed strictly, and one
 * that speaks for another device is ended.
 */
#include "worker.h"
#include "wire.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why we ended it. */
enum why { WHY_NONE, WHY_DEADLINE, WHY_GARBAGE, WHY_GRACE, WHY_OPERATOR, WHY_START };

#define LINE_ROOM 1024

struct text { /* one pipe's unfinished line */
    char *data;
    size_t size, room;
};

struct kb_worker {
    struct kb_worker_home *home;
    const struct kb_request *request;
    struct kb_worker_face face;
    uv_process_t process;
    uv_pipe_t in, out, err;
    uv_timer_t timer;
    struct text line, log;
    struct kb_result end;
    bool exited, out_done, err_done;
    bool cancelling, told_result, told_end, told_writing;
    int open_handles;
    int term_signal;
    uint64_t deadline_ms;
    enum why why;
};

/* ---- What a worker leaves behind ----------------------------------------------------------------------------------
 */

static bool promises_result(enum kb_task task) {
    return task == KB_TASK_PAIR || task == KB_TASK_BACKUP || task == KB_TASK_RESTORE;
}

static struct kb_result sentence_of(const struct kb_worker *w) {
    switch (w->why) {
    case WHY_DEADLINE:
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_SILENT,
                       _("The device kept its reader waiting for too long and was given up; unplug it, look at it and "
                         "try again"));
    case WHY_GARBAGE:
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_PROTOCOL,
                       _("The device's reader said something that makes no sense and was ended; unplug the device and "
                         "look at it"));
    case WHY_GRACE:
    case WHY_OPERATOR:
        return kb_cancel_result();
    case WHY_START:
        return kb_fail(KB_HOST, KB_HOST_OTHER,
                       _("Cannot start another kitbench process; close other programs and try "
                         "again"));
    default:
        break;
    }
    if (w->cancelling) return kb_cancel_result();
    if (w->term_signal == SIGKILL || w->term_signal == SIGTERM)
        return kb_fail(KB_LOCKDOWN, KB_DEVICE_PROTOCOL,
                       _("The device's reader was ended by the system, perhaps for want of memory; `kitbench status` "
                         "says what the device is now"));
    return kb_fail(KB_LOCKDOWN, KB_DEVICE_PROTOCOL,
                   _("The device sent something that ended its reader; unplug it and look at it"));
}

/* A device in the middle of a restore is neither failed nor done until somebody reads it. */
static const char *made_up_outcome(const struct kb_worker *w, const struct kb_result *res) {
    if (w->told_writing) return "unknown";
    return res->domain == KB_CANCELLED ? "cancelled" : "failed";
}

static void make_up_result(struct kb_worker *w, const struct kb_result *res) {
    json_t *object = kb_line_result(w->request->udid, made_up_outcome(w, res), res);
    w->told_result = true;
    if (w->face.line) w->face.line(w->face.arg, object);
    json_decref(object);
}

void kb_worker_tell_unstarted(const struct kb_request *request, const struct kb_result *res,
                              const struct kb_worker_face *face) {
    struct kb_worker none = {.request = request, .face = *face};
    if (promises_result(request->task)) make_up_result(&none, res);
}

static void settle(struct kb_worker *w) {
    if (!w->told_end) {
        w->end = sentence_of(w);
        if (w->term_signal && w->face.log) {
            char text[80];
            snprintf(text, sizeof text, "worker ended by signal %d", w->term_signal);
            w->face.log(w->face.arg, text);
        }
    }
    if (!w->told_result && promises_result(w->request->task)) make_up_result(w, &w->end);
}

static void on_closed(uv_handle_t *handle) {
    struct kb_worker *w = handle->data;
    if (--w->open_handles > 0) return;
    settle(w);
    w->face.ended(w->face.arg, &w->end);
    if (w->line.data) kb_wipe(w->line.data, w->line.room); /* a key may have come through it */
    free(w->line.data);
    free(w->log.data);
    free(w);
}

static void close_handle(void *handle) {
    if (!uv_is_closing(handle)) uv_close(handle, on_closed);
}

/* All three have to end: a line may still be in a pipe when the process is gone. */
static void finish_if_over(struct kb_worker *w) {
    if (!w->exited || !w->out_done || !w->err_done) return;
    close_handle(&w->process);
    close_handle(&w->in);
    close_handle(&w->out);
    close_handle(&w->err);
    close_handle(&w->timer);
}

static void end_worker(struct kb_worker *w, enum why why) {
    if (w->exited || w->why != WHY_NONE) return;
    w->why = why;
    uv_process_kill(&w->process, SIGKILL);
}

/* ---- Deadlines ----------------------------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer) {
    struct kb_worker *w = timer->data;
    end_worker(w, w->cancelling ? WHY_GRACE : WHY_DEADLINE);
}

static void rearm(struct kb_worker *w) {
    if (!w->cancelling && !uv_is_closing((uv_handle_t *)&w->timer))
        uv_timer_start(&w->timer, on_timer, (uint64_t)kb_clock_timer_ms((int64_t)w->deadline_ms), 0);
}

/* ---- Lines --------------------------------------------------------------------------------------------------------
 */

static bool is_event(const json_t *object, const char *name) {
    return kb_streq(json_string_value(json_object_get(object, "event")), name);
}

/* Whatever names a device names this one. */
static bool speaks_for_its_own(const struct kb_worker *w, const json_t *object) {
    static const char *const keys[] = {"device", "udid"};
    for (size_t i = 0; i < KB_ARRAY_SIZE(keys); i++) {
        const json_t *value = json_object_get(object, keys[i]);
        if (value && !json_is_null(value) && !kb_streq(json_string_value(value), w->request->udid)) return false;
    }
    return true;
}

static bool take_deadline(struct kb_worker *w, const json_t *object) {
    int64_t seconds = kb_json_get_int(object, "seconds", 0);
    if (seconds < 1 || seconds > 7 * 86400) return false;
    w->deadline_ms = (uint64_t)seconds * 1000;
    return true;
}

static bool take_end(struct kb_worker *w, const json_t *object) {
    struct kb_result *res = &w->end;
    const char *domain = json_string_value(json_object_get(object, "domain"));
    const json_t *code = json_object_get(object, "code");
    if (!domain || !json_is_integer(code) || w->told_end) return false;
    *res = kb_ok();
    res->domain = kb_domain_from_name(domain);
    res->code = (int)json_integer_value(code);
    kb_json_get_text(object, "text", res->text, sizeof res->text);
    w->told_end = true;
    return true;
}

static bool take_key(struct kb_worker *w, const json_t *object) {
    unsigned char bytes[KB_SHARED_KEY_BYTES];
    const char *hex = json_string_value(json_object_get(object, "key_hex"));
    size_t size = hex ? strlen(hex) / 2 : 0;
    if (!w->request->share_key || !size || size > sizeof bytes || !kb_unhex(bytes, size, hex)) return false;
    struct kb_secret *key = kb_secret_new(bytes, size);
    kb_wipe(bytes, sizeof bytes);
    kb_wipe((char *)(uintptr_t)hex, strlen(hex)); /* jansson's own copy; nobody else holds this string */
    if (w->face.key)
        w->face.key(w->face.arg, key);
    else
        kb_secret_free(key);
    return true;
}

static void note_writing(struct kb_worker *w, const json_t *object) {
    const char *state = json_string_value(json_object_get(object, "state"));
    if (kb_streq(state, "restoring") || kb_streq(state, "rebooting")) w->told_writing = true;
}

static bool take_object(struct kb_worker *w, json_t *object) {
    if (w->told_end) return false; /* "end" is the last */
    if (is_event(object, "deadline")) return take_deadline(w, object);
    if (is_event(object, "end")) return take_end(w, object);
    if (is_event(object, "key")) return take_key(w, object);
    if (!speaks_for_its_own(w, object)) return false;
    if (is_event(object, "result")) {
        if (w->told_result) return false;
        w->told_result = true;
    }
    if (is_event(object, "state")) note_writing(w, object);
    if (w->face.line) w->face.line(w->face.arg, object);
    return true;
}

static bool take_line(struct kb_worker *w, char *line, size_t size) {
    json_t *object = kb_json_parse(line, size, KB_LINE_MAX);
    if (!json_is_object(object)) {
        json_decref(object);
        return false;
    }
    bool fine = take_object(w, object);
    json_decref(object);
    if (fine) rearm(w);
    return fine;
}

static bool take_log(struct kb_worker *w, char *line, size_t size) {
    char clean[1024];
    if (size > sizeof clean - 1) size = sizeof clean - 1;
    line[size] = 0;
    kb_text_clean(clean, sizeof clean, line);
    if (w->face.log && clean[0]) w->face.log(w->face.arg, clean);
    return true;
}

/* Room from the start for any line with a key in it, so that none is left behind where the text was before. */
static void append(struct text *text, const char *data, size_t size) {
    if (text->size + size + 1 > text->room) {
        text->room = (text->size + size + 1) * 2 + LINE_ROOM;
        text->data = kb_xrealloc(text->data, text->room);
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
}

/* Hands over each whole line; false when one is too long or not taken. */
static bool take_bytes(struct kb_worker *w, struct text *text, const char *data, size_t size, size_t max,
                       bool (*take)(struct kb_worker *w, char *line, size_t size)) {
    while (size) {
        const char *end = memchr(data, '\n', size);
        size_t part = end ? (size_t)(end - data) : size;
        if (text->size + part > max) return false;
        append(text, data, part);
        data += part + (end ? 1 : 0);
        size -= part + (end ? 1 : 0);
        if (!end) return true;
        size_t length = text->size;
        text->size = 0;
        if (length && text->data[length - 1] == '\r') length--;
        if (!take(w, text->data, length)) return false;
    }
    return true;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    struct kb_worker *w = handle->data;
    (void)suggested;
    *buf = uv_buf_init(w->home->read_room, sizeof w->home->read_room);
}

static void on_out(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf) {
    struct kb_worker *w = stream->data;
    if (got > 0 && w->why == WHY_NONE && !take_bytes(w, &w->line, buf->base, (size_t)got, KB_LINE_MAX, take_line))
        end_worker(w, WHY_GARBAGE);
    if (got > 0 && w->request->share_key) kb_wipe(buf->base, (size_t)got);
    if (got >= 0) return;
    w->out_done = true;
    uv_read_stop(stream);
    finish_if_over(w);
}

static void on_err(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf) {
    struct kb_worker *w = stream->data;
    /* A library that floods its log costs its own lines, not the worker. */
    if (got > 0 && !take_bytes(w, &w->log, buf->base, (size_t)got, 4096, take_log)) w->log.size = 0;
    if (got >= 0) return;
    w->err_done = true;
    uv_read_stop(stream);
    finish_if_over(w);
}

/* ---- Starting -----------------------------------------------------------------------------------------------------
 */

static void on_exit_of(uv_process_t *process, int64_t status, int term_signal) {
    struct kb_worker *w = process->data;
    w->exited = true;
    (void)status;
    w->term_signal = term_signal;
    uv_timer_stop(&w->timer);
    finish_if_over(w);
}

struct request_line {
    uv_write_t write;
    struct kb_secret *text;
};

static void on_sent(uv_write_t *write, int status) {
    struct request_line *line = (struct request_line *)(void *)write;
    (void)status; /* a worker that does not read has ended, or will miss its deadline */
    kb_secret_free(line->text);
    free(line);
}

static struct kb_secret *request_text(const struct kb_worker *w) {
    json_t *object = kb_request_to_json(w->request);
    json_object_set_new(object, KB_KEY_MEMORY, json_integer(w->home->memory_bytes));
    size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);
    struct kb_secret *line = NULL;
    if (size && size < KB_REQUEST_MAX - 1) {
        char *text = kb_xmalloc(size + 1);
        json_dumpb(object, text, size, JSON_COMPACT);
        text[size] = '\n';
        line = kb_secret_new(text, size + 1);
        kb_wipe(text, size + 1);
        free(text);
    }
    kb_request_json_free(object);
    return line;
}

static void send_request(struct kb_worker *w) {
    struct request_line *line = kb_xcalloc(1, sizeof *line);
    line->text = request_text(w);
    if (!line->text) {
        free(line);
        end_worker(w, WHY_START);
        return;
    }
    uv_buf_t buf = uv_buf_init((char *)line->text->data, (unsigned)line->text->size);
    if (uv_write(&line->write, (uv_stream_t *)&w->in, &buf, 1, on_sent) != 0) on_sent(&line->write, -1);
}

static void on_told(uv_write_t *write, int status) {
    (void)status;
    free(write);
}

static void tell_word(struct kb_worker *w, char *word) {
    if (uv_is_closing((uv_handle_t *)&w->in)) return;
    uv_write_t *write = kb_xcalloc(1, sizeof *write);
    uv_buf_t buf = uv_buf_init(word, (unsigned)strlen(word));
    if (uv_write(write, (uv_stream_t *)&w->in, &buf, 1, on_told) != 0) free(write);
}

void kb_worker_turn(struct kb_worker *w) {
    static char word[] = KB_WORD_TURN "\n";
    tell_word(w, word);
}

void kb_worker_cancel(struct kb_worker *w) {
    static char word[] = KB_WORD_CANCEL "\n";
    if (w->cancelling || w->exited) return;
    w->cancelling = true;
    tell_word(w, word);
    uv_timer_start(&w->timer, on_timer, (uint64_t)kb_clock_timer_ms(KB_GRACE_S * 1000), 0);
}

void kb_worker_kill(struct kb_worker *w) { end_worker(w, WHY_OPERATOR); }

void kb_worker_slept(struct kb_worker *w) {
    if (!w->exited) rearm(w);
}

static void init_handles(struct kb_worker *w) {
    uv_loop_t *loop = w->home->loop;
    uv_pipe_init(loop, &w->in, 0);
    uv_pipe_init(loop, &w->out, 0);
    uv_pipe_init(loop, &w->err, 0);
    uv_timer_init(loop, &w->timer);
    w->process.data = w->in.data = w->out.data = w->err.data = w->timer.data = w;
    w->open_handles = 5;
    w->deadline_ms = KB_FIRST_DEADLINE_S * 1000;
}

static int spawn(struct kb_worker *w) {
    uv_stdio_container_t stdio[3];
    char *args[] = {w->home->program, "worker", NULL};
    stdio[0].flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_READABLE_PIPE);
    stdio[0].data.stream = (uv_stream_t *)&w->in;
    stdio[1].flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
    stdio[1].data.stream = (uv_stream_t *)&w->out;
    stdio[2].flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
    stdio[2].data.stream = (uv_stream_t *)&w->err;
    const uv_process_options_t options = {
        .exit_cb = on_exit_of,
        .file = w->home->program,
        .args = args,
        .env = w->home->env,
        .flags = UV_PROCESS_WINDOWS_HIDE,
        .stdio_count = 3,
        .stdio = stdio,
    };
    return uv_spawn(w->home->loop, &w->process, &options);
}

struct kb_worker *kb_worker_start(struct kb_worker_home *home, const struct kb_request *request,
                                  const struct kb_worker_face *face) {
    struct kb_worker *w = kb_xcalloc(1, sizeof *w);
    w->home = home;
    w->request = request;
    w->face = *face;
    w->end = kb_ok();
    init_handles(w);
    if (spawn(w) != 0) { /* the handles exist all the same, and end the usual way */
        w->why = WHY_START;
        w->exited = w->out_done = w->err_done = true;
        finish_if_over(w);
        return w;
    }
    uv_read_start((uv_stream_t *)&w->out, on_room, on_out);
    uv_read_start((uv_stream_t *)&w->err, on_room, on_err);
    send_request(w);
    rearm(w);
    return w;
}

/* ---- What all workers of a process share --------------------------------------------------------------------------
 */

/* In capitals: on Windows kitbench_backup_password is the same variable. */
static bool is_password(const char *name) {
    char *upper = kb_xstrdup(name);
    for (char *at = upper; *at; at++)
        if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
    bool is = kb_text_starts(upper, "KITBENCH_") && strstr(upper, "PASSWORD") != NULL;
    free(upper);
    return is;
}

/* The environment of a child, without passwords. */
static char **child_env(void) {
    uv_env_item_t *items = NULL;
    int count = 0, kept = 0;
    if (uv_os_environ(&items, &count) != 0) return kb_xcalloc(1, sizeof(char *));
    char **env = kb_xcalloc((size_t)count + 1, sizeof *env);
    for (int i = 0; i < count; i++) {
        if (is_password(items[i].name))
            kb_wipe(items[i].value, strlen(items[i].value));
        else
            env[kept++] = kb_xasprintf("%s=%s", items[i].name, items[i].value);
    }
    uv_os_free_environ(items, count);
    return env;
}

static void free_env(char **env) {
    for (char **each = env; each && *each; each++) free(*each);
    free(env);
}

struct kb_result kb_worker_home_init(struct kb_worker_home *home, uv_loop_t *loop, int64_t memory_bytes) {
    home->loop = loop;
    home->memory_bytes = memory_bytes;
    home->env = NULL;
    home->program = kb_host_self();
    if (!home->program)
        return kb_fail(KB_HOST, KB_HOST_OTHER,
                       _("Cannot find the kitbench program to start it again; start it by its "
                         "full path"));
    home->env = child_env();
    return kb_ok();
}

void kb_worker_home_release(struct kb_worker_home *home) {
    free_env(home->env);
    free(home->program);
    memset(home, 0, sizeof *home);
}
