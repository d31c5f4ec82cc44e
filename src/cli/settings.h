/* Settings: KITBENCH_HOME/kitbench.conf (libconfuse), each with the place it came from. */
#ifndef KB_CLI_SETTINGS_H
#define KB_CLI_SETTINGS_H

#include "kitbench/base.h"

enum kb_setting_id {
    KB_SET_AGENT,
    KB_SET_MDM,
    KB_SET_STORE,
    KB_SET_LANGUAGE,
    KB_SET_OPERATOR,
    KB_SET_PER_BUS,
    KB_SETTING_COUNT
};
enum kb_setting_origin { KB_FROM_DEFAULT, KB_FROM_FILE, KB_FROM_ENVIRONMENT, KB_FROM_OPTION };
const char *kb_setting_origin_name(enum kb_setting_origin origin); /* "default" "file" "environment" "option" */

struct kb_setting {
    char *value; /* NULL when not set */
    enum kb_setting_origin origin;
};
struct kb_settings {
    struct kb_setting list[KB_SETTING_COUNT];
};
const char *kb_setting_name(enum kb_setting_id id); /* "agent_bundle_id" */
static inline const char *kb_setting(const struct kb_settings *settings, enum kb_setting_id id) {
    return settings->list[id].value;
}
void kb_setting_put(struct kb_settings *settings, enum kb_setting_id id, const char *value,
                    enum kb_setting_origin origin);
/* Reads path; a file that is not there is no settings. KB_USAGE names the file and the line. */
KB_MUST_CHECK struct kb_result kb_settings_load(struct kb_settings *settings, const char *path);
/* The same for text; name is what errors call it. */
KB_MUST_CHECK struct kb_result kb_settings_parse(struct kb_settings *settings, const char *text, const char *name);
void kb_settings_release(struct kb_settings *settings);
#endif
