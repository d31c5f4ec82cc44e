/*
 * Host to device: the raw answer to DLMessageDownloadFiles (protocol.md 3.5.1). Frames of at most 32 KiB of data, which
 * is what the device's agent holds in memory; many of them go out in one write. Every file of the request is answered,
 * the missing ones too, and then comes the zero and one status.
 */
#include "backup2.h"

#include "node.h"
#include <string.h>

enum { BLOCK = 32 * 1024, CODE_SUCCESS = 0x00, CODE_LOCAL_ERROR = 0x06, CODE_DATA = 0x0c };

static struct kb_result put_be32(struct kb_backup2 *b2, uint32_t value) {
    unsigned char bytes[4];

    kb_put_be32(bytes, value);
    return kb_stream_put(b2->stream, bytes, sizeof bytes);
}

static struct kb_result put_code(struct kb_backup2 *b2, unsigned char code, const char *text) {
    size_t size = text ? strlen(text) : 0;
    unsigned char head[5];

    kb_put_be32(head, (uint32_t)size + 1);
    head[4] = code;
    struct kb_result res = kb_stream_put(b2->stream, head, sizeof head);
    return kb_failed(&res) || size == 0 ? res : kb_stream_put(b2->stream, text, size);
}

/* One block, read straight into the stream's buffer. *local: what the file said; *got 0: its end. */
static struct kb_result put_block(struct kb_backup2 *b2, struct kb_file *file, struct kb_result *local, size_t *got) {
    unsigned char *room = NULL;
    struct kb_result res = kb_stream_room(b2->stream, BLOCK + 5, &room);

    *got = 0;
    if (kb_failed(&res)) return res;
    *local = b2->options->files->read(file, room + 5, BLOCK, got);
    if (kb_failed(local) || *got == 0) return res;
    kb_put_be32(room, (uint32_t)*got + 1);
    room[4] = CODE_DATA;
    kb_stream_add(b2->stream, *got + 5);
    b2->end->bytes += (int64_t)*got;
    return kb_backup2_tick(b2, 0);
}

/* The file's blocks and its closing code. A file that shrank or grew under us is an error, not a shorter file. */
static struct kb_result put_file(struct kb_backup2 *b2, struct kb_file *file, int64_t size, struct kb_result *local) {
    int64_t sent = 0;
    size_t got = 1;

    *local = kb_ok();
    while (got > 0) {
        struct kb_result res = put_block(b2, file, local, &got);
        if (kb_failed(&res)) return res;
        sent += (int64_t)got;
    }
    if (!kb_failed(local) && sent != size)
        *local = kb_fail(KB_HOST, KB_HOST_IO, _("A file of the backup changed while it was being sent"));
    if (!kb_failed(local)) return put_code(b2, CODE_SUCCESS, NULL);
    return put_code(b2, CODE_LOCAL_ERROR, kb_link_words(kb_link_code_of(local)));
}

static void add_error(plist_t *errors, const char *path, int code) {
    plist_t entry = plist_new_dict();

    if (!*errors) *errors = plist_new_dict();
    plist_dict_set_item(entry, "DLFileErrorString", plist_new_string(kb_link_words(code)));
    plist_dict_set_item(entry, "DLFileErrorCode", kb_node_new_int(code));
    plist_dict_set_item(*errors, path, entry);
}

static struct kb_result send_one(struct kb_backup2 *b2, const char *path, plist_t *errors) {
    const struct kb_files *files = b2->options->files;
    struct kb_file *file = NULL;
    int64_t size = 0;

    struct kb_result res = put_be32(b2, (uint32_t)strlen(path));
    if (!kb_failed(&res)) res = kb_stream_put(b2->stream, path, strlen(path));
    if (kb_failed(&res)) return res;

    struct kb_result local = files->open(files->ctx, path, &file, &size);
    if (kb_failed(&local))
        res = put_code(b2, CODE_LOCAL_ERROR, kb_link_words(kb_link_code_of(&local)));
    else
        res = put_file(b2, file, size, &local);
    files->close(file);
    if (!kb_failed(&local)) {
        b2->end->files++;
        return res;
    }
    kb_backup2_log(b2, "%s: %s", path, local.text);
    if (kb_is(&local, KB_HOST, KB_HOST_REFUSED)) kb_backup2_hostile(b2, path);
    add_error(errors, path, kb_link_code_of(&local));
    return res;
}

struct kb_result kb_dl_download(struct kb_backup2 *b2, plist_t message) {
    plist_t paths = plist_array_get_size(message) > 1 ? plist_array_get_item(message, 1) : NULL, errors = NULL;
    struct kb_result res = kb_ok();

    if (!kb_node_is(paths, PLIST_ARRAY)) return kb_dl_malformed();
    for (uint32_t i = 0; i < plist_array_get_size(paths) && !kb_failed(&res); i++) {
        const char *path = kb_node_text(plist_array_get_item(paths, i));

        res = path && path[0] && strlen(path) <= KB_NAME_MAX ? send_one(b2, path, &errors) : kb_dl_malformed();
    }
    if (!kb_failed(&res)) res = put_be32(b2, 0); /* for an empty list, too (protocol.md 3.5.1) */
    if (kb_failed(&res)) {
        plist_free(errors);
        return res;
    }
    return errors ? kb_link_status(b2->stream, -13, "Multi status", errors) : kb_link_status(b2->stream, 0, NULL, NULL);
}
