/* Settings: kitbench.conf through libconfuse. Its errors come in the operator's language, with the line. */
#include "settings.h"
#include "kitbench/host.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[KB_SETTING_COUNT] = {
    [KB_SET_AGENT] = "agent_bundle_id", [KB_SET_MDM] = "mdm_profile_identifier", [KB_SET_STORE] = "store",
    [KB_SET_LANGUAGE] = "language",     [KB_SET_OPERATOR] = "operator",          [KB_SET_PER_BUS] = "per_bus",
};

const char *kb_setting_name(enum kb_setting_id id) { return names[id]; }

const char *kb_setting_origin_name(enum kb_setting_origin origin) {
    static const char *const words[] = {"default", "file", "environment", "option"};
    return words[origin];
}

void kb_setting_put(struct kb_settings *settings, enum kb_setting_id id, const char *value,
                    enum kb_setting_origin origin) {
    struct kb_setting *setting = &settings->list[id];
    free(setting->value);
    setting->value = value && *value ? kb_xstrdup(value) : NULL;
    setting->origin = origin;
}

/* libconfuse's own words, for xgettext; what is not here is shown in English. */
static const char *const confuse_words[] __attribute__((unused)) = {
    N_("no such option '%s'"),
    N_("missing equal sign after option '%s'"),
    N_("unexpected token '%s'"),
    N_("premature end of file"),
    N_("unterminated string constant"),
    N_("invalid integer value for option '%s'"),
    N_("integer value for option '%s' is out of range"),
    N_("bad escape sequence '%s'"),
    N_("invalid octal number '%s'"),
    N_("duplicate option '%s' not allowed"),
};

/* libconfuse hands its error function nothing but the parser, so the first error of a parse waits here. One thread
 * parses, once, at the start of the program. */
static char first_error[360];

static void on_error(cfg_t *cfg, const char *format, va_list list) {
    char words[240];
    if (*first_error) return;
    vsnprintf(words, sizeof words, _(format), list);
    kb_text_clean(first_error, sizeof first_error, words);
    snprintf(words, sizeof words, "%.200s", first_error);
    snprintf(first_error, sizeof first_error, _("line %d: %s"), cfg ? cfg->line : 0, words);
}

static int check_language(cfg_t *cfg, cfg_opt_t *opt) {
    enum kb_lang lang;
    const char *value = cfg_opt_getnstr(opt, 0);
    if (!value || !*value || kb_lang_parse(value, &lang)) return 0;
    cfg_error(cfg, N_("language '%s' is not known; ja and en are"), value);
    return -1;
}

static int check_per_bus(cfg_t *cfg, cfg_opt_t *opt) {
    long value = cfg_opt_getnint(opt, 0);
    if (value >= 1 && value <= 64) return 0;
    cfg_error(cfg, N_("per_bus is %ld, but must be between 1 and 64"), value);
    return -1;
}

static void take_values(struct kb_settings *settings, cfg_t *cfg) {
    char number[24];
    for (int i = 0; i < KB_SETTING_COUNT; i++) {
        if (!cfg_size(cfg, names[i])) continue;
        const char *value = number;
        if (i == KB_SET_PER_BUS)
            snprintf(number, sizeof number, "%ld", cfg_getint(cfg, names[i]));
        else
            value = cfg_getstr(cfg, names[i]);
        if (value && *value) kb_setting_put(settings, (enum kb_setting_id)i, value, KB_FROM_FILE);
    }
}

struct kb_result kb_settings_parse(struct kb_settings *settings, const char *text, const char *name) {
    cfg_opt_t table[] = {
        CFG_STR("agent_bundle_id", NULL, CFGF_NODEFAULT),
        CFG_STR("mdm_profile_identifier", NULL, CFGF_NODEFAULT),
        CFG_STR("store", NULL, CFGF_NODEFAULT),
        CFG_STR("language", NULL, CFGF_NODEFAULT),
        CFG_STR("operator", NULL, CFGF_NODEFAULT),
        CFG_INT("per_bus", 0, CFGF_NODEFAULT),
        CFG_END(),
    };
    struct kb_result res = kb_ok();
    cfg_t *cfg = cfg_init(table, CFGF_NONE);
    if (!cfg) return kb_fail(KB_UNEXPECTED, 0, _("There is not enough memory to read the settings"));
    *first_error = '\0';
    cfg_set_error_function(cfg, on_error);
    cfg_set_validate_func(cfg, "language", check_language);
    cfg_set_validate_func(cfg, "per_bus", check_per_bus);
    if (kb_text_starts(text, "\xef\xbb\xbf")) text += 3; /* libconfuse would take a BOM for a name */
    int said = cfg_parse_buf(cfg, text);
    if (said != CFG_SUCCESS || *first_error)
        res = kb_fail(KB_USAGE, 0, _("The settings in %s cannot be read, %s. Correct the file, then try again"), name,
                      *first_error ? first_error : _("line 1"));
    else
        take_values(settings, cfg);
    cfg_free(cfg);
    return res;
}

struct kb_result kb_settings_load(struct kb_settings *settings, const char *path) {
    struct kb_buf buf = {0};
    struct kb_result res = kb_file_load(path, 65536, &buf);
    if (kb_is(&res, KB_HOST, KB_HOST_NOT_FOUND)) {
        res = kb_ok();
        goto out;
    }
    if (kb_failed(&res)) goto out;
    if (!buf.data) goto out;
    if (!kb_utf8_valid(buf.data, buf.size) || memchr(buf.data, '\0', buf.size)) {
        res = kb_fail(KB_USAGE, 0, _("The settings in %s are not UTF-8 text. Save the file as UTF-8, then try again"),
                      path);
        goto out;
    }
    res = kb_settings_parse(settings, buf.data, path);
out:
    kb_buf_release(&buf);
    return res;
}

void kb_settings_release(struct kb_settings *settings) {
    for (int i = 0; i < KB_SETTING_COUNT; i++) free(settings->list[i].value);
    memset(settings, 0, sizeof *settings);
}
