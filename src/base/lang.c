/* The two languages and the catalogue between them. */
#include "catalogue.h"
#include "kitbench/base.h"

#include <stdlib.h>
#include <string.h>

static enum kb_lang process_lang = KB_LANG_EN; /* set once, before any thread starts */

void kb_lang_set(enum kb_lang lang) { process_lang = lang; }

enum kb_lang kb_lang(void) { return process_lang; }

bool kb_lang_parse(const char *text, enum kb_lang *lang) {
    static const struct {
        char code[3];
        enum kb_lang lang;
    } known[] = {{"en", KB_LANG_EN}, {"ja", KB_LANG_JA}};
    if (!text || strlen(text) < 2) return false;
    if (text[2] && !strchr("_-.@", text[2])) return false;
    for (size_t i = 0; i < KB_ARRAY_SIZE(known); i++) {
        if ((text[0] | 0x20) != known[i].code[0] || (text[1] | 0x20) != known[i].code[1]) continue;
        *lang = known[i].lang;
        return true;
    }
    return false;
}

static int by_msgid(const void *key, const void *row) {
    return strcmp(key, ((const struct kb_translation *)row)->msgid);
}

const char *kb_tr(enum kb_lang lang, const char *msgid) {
    const struct kb_translation *row = NULL;
    if (lang == KB_LANG_JA && msgid && *msgid)
        row = bsearch(msgid, kb_catalogue_ja, kb_catalogue_ja_size, sizeof *row, by_msgid);
    return row ? row->msgstr : msgid;
}
