/* The folder as a whole, and its parts that need no format of their own. */
#include "gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool gen_is(const struct gen *gen, const char *damage) {
    return gen->spec->damage && strcmp(gen->spec->damage, damage) == 0;
}

void gen_die(const char *what) {
    perror(what);
    exit(2);
}

/* splitmix64: the same folder for the same seed, everywhere. */
uint32_t gen_random(struct gen *gen) {
    uint64_t z = gen->random += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ (z >> 31)) >> 16);
}

void gen_write(const struct gen *gen, const char *name, const void *data, size_t size) {
    char path[4300];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", gen->folder, name);
    file = fopen(path, "wb");
    if (!file && strchr(name, '/')) {
        snprintf(path, sizeof path, "%s/%.2s", gen->folder, name);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/%s", gen->folder, name);
        file = fopen(path, "wb");
    }
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) gen_die(path);
}

static void make_folders(struct gen *gen, const char *parent) {
    char path[4300];

    snprintf(gen->folder, sizeof gen->folder, "%s/%s", parent, gen->udid);
    mkdir(parent, 0700);
    if (mkdir(gen->folder, 0700) != 0) gen_die(gen->folder);
    for (int i = 0; i < 256 && gen->spec->all_folders; i++) {
        snprintf(path, sizeof path, "%s/%02x", gen->folder, i);
        if (mkdir(path, 0700) != 0) gen_die(path);
    }
}

bool gen_backup(const char *parent, const struct gen_spec *spec) {
    struct gen *gen = calloc(1, sizeof *gen);

    if (!gen) gen_die("memory");
    gen->spec = spec;
    gen->udid = spec->udid ? spec->udid : GEN_UDID;
    gen->encrypted = spec->password != NULL;
    gen->random = spec->seed;
    gen->applications = plist_new_dict();
    gen->installed = plist_new_array();
    make_folders(gen, parent);
    gen_make_keybag(gen);
    gen_open_db(gen);
    gen_contents(gen);
    gen_damage_db(gen);
    gen_close_db(gen);
    if (gen_is(gen, "mixed-keys")) gen_make_keybag(gen); /* the lists of another run */
    gen_write_plists(gen);
    gen_damage_folder(gen);
    plist_free(gen->applications);
    plist_free(gen->installed);
    free(gen);
    return true;
}
