/*
 * backupgen PARENT [name=value ...]: makes PARENT/UDID.
 *   password=TEXT udid= name= os= build= model= serial= dpic=N iter=N files=N large=BYTES seed=N agent=BUNDLE
 *   mdm_identifier= management=unmanaged|mdm|supervised|supervised-mdm|no-container damage=NAME no_tail=1 all_folders=0
 * backupgen --list: the damages that can be made here, with the outcome and the finding that belong to each.
 */
#include "gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list(void) {
    for (size_t i = 0; i < gen_damage_count; i++) {
        const struct gen_damage *damage = &gen_damages[i];

        if (gen_here(damage->name))
            printf("%-24s %-12s %-16s %s\n", damage->name, damage->outcome, damage->code, damage->why);
        else
            fprintf(stderr, "left out, it cannot be made here: %s\n", damage->name);
    }
}

static bool set_management(struct gen_spec *spec, const char *word) {
    static const char *const words[] = {"unmanaged", "mdm", "supervised", "supervised-mdm", "no-container"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0) return spec->management = (enum gen_management)i, true;
    return false;
}

static bool set_damage(struct gen_spec *spec, const char *word) {
    for (size_t i = 0; i < gen_damage_count; i++)
        if (strcmp(word, gen_damages[i].name) == 0) return spec->damage = word, true;
    return spec->damage = word, strcmp(word, "flip-undigested") == 0; /* which only a seal finds */
}

static bool set(struct gen_spec *spec, const char *name, const char *value) {
    const struct {
        const char *name, **text;
    } texts[] = {{"password", &spec->password},
                 {"udid", &spec->udid},
                 {"name", &spec->name},
                 {"os", &spec->os},
                 {"build", &spec->build},
                 {"model", &spec->model},
                 {"serial", &spec->serial},
                 {"agent", &spec->agent},
                 {"mdm_identifier", &spec->mdm_identifier}};
    long long number = atoll(value);

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(name, texts[i].name) == 0) return *texts[i].text = value, true;
    if (strcmp(name, "management") == 0) return set_management(spec, value);
    if (strcmp(name, "damage") == 0) return set_damage(spec, value);
    if (strcmp(name, "dpic") == 0) return spec->dpic = (uint32_t)number, true;
    if (strcmp(name, "iter") == 0) return spec->iter = (uint32_t)number, true;
    if (strcmp(name, "files") == 0) return spec->files = (int)number, true;
    if (strcmp(name, "large") == 0) return spec->large_bytes = number, true;
    if (strcmp(name, "seed") == 0) return spec->seed = (uint32_t)number, true;
    if (strcmp(name, "all_folders") == 0) return spec->all_folders = number != 0, true;
    if (strcmp(name, "no_tail") == 0) return spec->no_tail = number != 0, true;
    return false;
}

int main(int argc, char **argv) {
    struct gen_spec spec = {.all_folders = true};

    if (argc == 2 && strcmp(argv[1], "--list") == 0) return list(), 0;
    if (argc < 2) return fprintf(stderr, "usage: backupgen PARENT [name=value ...] | --list\n"), 2;
    for (int i = 2; i < argc; i++) {
        char *equals = strchr(argv[i], '=');

        if (equals) *equals = '\0';
        if (!equals || !set(&spec, argv[i], equals + 1)) return fprintf(stderr, "backupgen: what is %s?\n", argv[i]), 2;
    }
    if (!gen_backup(argv[1], &spec)) return 1;
    printf("%s/%s\n", argv[1], spec.udid ? spec.udid : GEN_UDID);
    return 0;
}
