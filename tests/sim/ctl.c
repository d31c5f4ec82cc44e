/* The bench's two small clients: `phonesim ctl` asks the control socket, `phonesim json` picks values out of JSON. */
#define _GNU_SOURCE
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- phonesim ctl ADDRESS COMMAND [ARG...], or - with a command a line on stdin --- */

/* Sends the command and prints the answer; the exit status is what the answer says. */
static int ask(struct sim_lines *control, char **words, int count) {
    int code = 1;
    json_t *args = json_array();
    for (int i = 1; i < count; i++) json_array_append_new(args, json_string(words[i]));
    json_t *request = json_pack("{s:s s:o}", "command", words[0], "args", args);
    if (!request) return fputs("phonesim: an argument is no UTF-8\n", stderr), 2;
    const char *line = sim_line_write(control, request) ? sim_line_read(control) : NULL;
    json_decref(request);
    if (line) {
        json_t *reply = json_loads(line, 0, NULL);
        puts(line);
        code = json_is_true(json_object_get(reply, "ok")) ? 0 : 1;
        json_decref(reply);
    } else
        fputs("phonesim: no answer\n", stderr);
    return code;
}

/* Words are parted by blanks. All are asked; 1 when one was refused. */
static int ask_lines(struct sim_lines *control) {
    char line[1024];
    int code = 0;
    while (fgets(line, sizeof line, stdin)) {
        char *words[8], *rest = NULL;
        int count = 0;
        for (char *word = strtok_r(line, " \n", &rest); word && count < 8; word = strtok_r(NULL, " \n", &rest))
            words[count++] = word;
        if (count > 0 && ask(control, words, count) != 0) code = 1;
    }
    return code;
}

int sim_ctl(int argc, char **argv) {
    struct sim_address address;
    if (argc < 2 || !sim_address_parse(argv[0], &address))
        return fputs("phonesim: ctl ADDRESS COMMAND [ARG...]\n", stderr), 2;
    int fd = sim_address_connect(&address);
    if (fd < 0) return fprintf(stderr, "phonesim: cannot reach %s: %s\n", argv[0], sim_why()), 1;
    struct sim_lines control = {.fd = fd};
    int code = strcmp(argv[1], "-") == 0 ? ask_lines(&control) : ask(&control, argv + 1, argc - 1);
    sim_lines_close(&control);
    return code;
}

/* --- phonesim json PATH: picks a value of each JSON text on stdin --- */

json_t *sim_json_at(json_t *root, const char *path) {
    json_t *at = root;
    while (at && *path) {
        char key[128];
        size_t n = 0;
        if (*path == '.') {
            path++;
            while (*path && *path != '.' && *path != '[' && n < sizeof key - 1) key[n++] = *path++;
            key[n] = 0;
            if (n > 0) at = json_object_get(at, key);
        } else if (*path == '[') {
            char *end;
            long index = strtol(path + 1, &end, 10);
            if (*end != ']') return NULL;
            if (index < 0) index += (long)json_array_size(at);
            at = index < 0 ? NULL : json_array_get(at, (size_t)index);
            path = end + 1;
        } else
            return NULL;
    }
    return at;
}

int sim_json_pick(const char *path) {
    int found = 1;
    json_error_t error;
    for (json_t *root; (root = json_loadf(stdin, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &error)) != NULL;
         json_decref(root)) {
        json_t *value = sim_json_at(root, path);
        char *text = value && !json_is_string(value) ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        if (value) puts(text ? text : json_string_value(value));
        if (value) found = 0;
        free(text);
    }
    return found;
}
