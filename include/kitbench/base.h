/*
 * The base room: results, text in two languages, JSON, time stamps and wiping.
 * Knows nothing of devices, files or the operating system; every other room stands on it.
 */
#ifndef KITBENCH_BASE_H
#define KITBENCH_BASE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define KB_MUST_CHECK __attribute__((warn_unused_result))
/* gcc knows z and ll as the C standard has them; mingw's default does not. */
#if defined(__MINGW32__)
#define KB_PRINTF(fmt, args) __attribute__((format(gnu_printf, fmt, args)))
#else
#define KB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#endif
#define KB_FORMAT_ARG(n) __attribute__((format_arg(n)))
#else
#define KB_MUST_CHECK
#define KB_PRINTF(fmt, args)
#define KB_FORMAT_ARG(n)
#endif

#define KB_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Results -------------------------------------------------------------------------------------------------- */

/* Who said no. The second word is the name in JSON ("domain"). */
#define KB_DOMAINS(X)                                                                                                  \
    X(KB_OK, "ok")                                                                                                     \
    X(KB_USAGE, "usage")         /* the command line, a CSV, a setting */                                              \
    X(KB_POLICY, "policy")       /* a rule of the manual; code = enum kb_rule */                                       \
    X(KB_OPERATOR, "operator")   /* a person still has to do something; code = enum kb_ask */                          \
    X(KB_PASSWORD, "password")   /* backup password missing or wrong; code = enum kb_password_code */                  \
    X(KB_USBMUX, "usbmux")       /* usbmuxd; code = enum kb_usbmux_code */                                             \
    X(KB_LOCKDOWN, "lockdown")   /* lockdown; code = libimobiledevice's LOCKDOWN_E_* or enum kb_device_code */         \
    X(KB_SERVICE, "service")     /* any other device service; code = that service's own */                             \
    X(KB_BACKUP2, "backup2")     /* MBErrorDomain; code = the device's ErrorCode, or enum kb_link_code (negative) */   \
    X(KB_STORE, "store")         /* a backup folder; code = enum kb_store_code */                                      \
    X(KB_HOST, "host")           /* this computer; code = enum kb_host_code */                                         \
    X(KB_JOURNAL, "journal")     /* the journal; code = SQLite's extended result code */                               \
    X(KB_CANCELLED, "cancelled") /* the operator stopped it */                                                         \
    X(KB_UNEXPECTED, "unexpected")

enum kb_domain {
#define X(name, word) name,
    KB_DOMAINS(X)
#undef X
};

enum kb_password_code { KB_PASSWORD_MISSING = 1, KB_PASSWORD_WRONG = 2 };
enum kb_usbmux_code {
    KB_USBMUX_NO_DAEMON = 1,
    KB_USBMUX_NO_DEVICE,
    KB_USBMUX_REFUSED,
    KB_USBMUX_PROTOCOL,
    KB_USBMUX_AMBIGUOUS
};
enum kb_device_code {
    KB_DEVICE_GONE = 1,
    KB_DEVICE_SILENT,
    KB_DEVICE_PROTOCOL,
    KB_DEVICE_OTHER,
    KB_DEVICE_RESTORE_MODE
};
enum kb_link_code { KB_LINK_LOST = -1, KB_LINK_SILENT = -2, KB_LINK_PROTOCOL = -3, KB_LINK_VERSION = -4 };
enum kb_store_code {
    KB_STORE_MISSING = 1, /* no backup there */
    KB_STORE_UNFINISHED,
    KB_STORE_DAMAGED,
    KB_STORE_HOSTILE,
    KB_STORE_UNREADABLE, /* the computer denies access, or it is a format of long ago */
    KB_STORE_BUSY        /* another run holds this folder */
};
/* Also what a file operation of struct kb_files says; DeviceLink's codes are made from these (protocol.md 3.4). */
enum kb_host_code {
    KB_HOST_OTHER = 1,
    KB_HOST_NOT_FOUND,
    KB_HOST_EXISTS,
    KB_HOST_NOT_DIR,
    KB_HOST_IS_DIR,
    KB_HOST_LOOP,
    KB_HOST_IO,
    KB_HOST_NO_SPACE,
    KB_HOST_DENIED,  /* the operating system does not let us */
    KB_HOST_REFUSED, /* a name that tries to leave its folder */
    KB_HOST_TIMEOUT,
    KB_HOST_BUSY,
    KB_HOST_MISSING_PART /* a library or program this computer lacks */
};

/* One result, three parts: who said no, that party's own number (never renumbered), one sentence to act on. */
struct kb_result {
    enum kb_domain domain;
    int code;
    char text[480]; /* UTF-8, in the language of kb_lang(), always whole characters */
};

static inline struct kb_result kb_ok(void) {
    struct kb_result res = {KB_OK, 0, ""};
    return res;
}
static inline bool kb_failed(const struct kb_result *res) { return res->domain != KB_OK; }
static inline bool kb_is(const struct kb_result *res, enum kb_domain domain, int code) {
    return res->domain == domain && res->code == code;
}
/* A failure; the text is a printf format in the operator's language (wrap it in _()). Cut at a whole character. */
struct kb_result kb_fail(enum kb_domain domain, int code, const char *format, ...) KB_PRINTF(3, 4);
/* Puts words before the sentence ("words: sentence"); keeps domain and code. */
struct kb_result kb_while(struct kb_result res, const char *format, ...) KB_PRINTF(2, 3);
/* The name in JSON, for example "backup2". */
const char *kb_domain_name(enum kb_domain domain);
/* The domain with that name; KB_UNEXPECTED when there is none. */
enum kb_domain kb_domain_from_name(const char *name);

/* ---- Memory: small allocations abort; sizes read from outside are bounded before they come here ---------------------
 */

void *kb_xmalloc(size_t size);
void *kb_xcalloc(size_t count, size_t size);
void *kb_xrealloc(void *old, size_t size);
char *kb_xstrdup(const char *text);
char *kb_xstrdup_some(const char *text); /* NULL for NULL and for "" */
char *kb_xasprintf(const char *format, ...) KB_PRINTF(1, 2);
/* Overwrites; the compiler cannot leave it out. */
void kb_wipe(void *data, size_t size);

/* A growing string or byte buffer; data is always NUL-terminated after the first append. */
struct kb_buf {
    char *data;
    size_t size, room;
};
void kb_buf_add(struct kb_buf *buf, const void *bytes, size_t size);
void kb_buf_puts(struct kb_buf *buf, const char *text);
void kb_buf_printf(struct kb_buf *buf, const char *format, ...) KB_PRINTF(2, 3);
void kb_buf_release(struct kb_buf *buf); /* frees and zeroes the struct */
char *kb_buf_steal(struct kb_buf *buf);  /* the caller's from now on (free); never NULL */

/* ---- Text
 * --------------------------------------------------------------------------------------------------------------- */

enum kb_lang { KB_LANG_EN, KB_LANG_JA };
/* Set once by main before any thread or room starts; after that a constant of the process. */
void kb_lang_set(enum kb_lang lang);
enum kb_lang kb_lang(void);
/* "ja", "ja_JP.UTF-8", "en": false when it names neither language (lang untouched). */
bool kb_lang_parse(const char *text, enum kb_lang *lang);
/*
 * The sentence in lang; the English msgid itself when there is no translation.
 * The catalogue is compiled into the program from po/ja.po, so Japanese needs no gettext run-time and no locale.
 */
const char *kb_tr(enum kb_lang lang, const char *msgid) KB_FORMAT_ARG(2);
#define _(msgid)  kb_tr(kb_lang(), msgid)
#define N_(msgid) (msgid) /* marks a msgid in a table for xgettext */

bool kb_utf8_valid(const char *text, size_t size);
/* Copies text for people and files: invalid UTF-8 and control characters (escape sequences of a hostile name) become
 * U+FFFD. */
void kb_text_clean(char *out, size_t room, const char *text);
/* Copies at most room-1 bytes, cut at a whole character; false when it was cut. */
bool kb_text_copy(char *out, size_t room, const char *text);
bool kb_streq(const char *a, const char *b); /* NULL-safe */
bool kb_text_starts(const char *text, const char *prefix);
bool kb_text_ends(const char *text, const char *suffix);
/* Lower-case hex of size bytes, NUL-terminated: out has 2*size+1. */
void kb_hex(char *out, const unsigned char *bytes, size_t size);
bool kb_unhex(unsigned char *out, size_t size, const char *hex); /* exactly 2*size digits */
/* A whole decimal number in [min, max], nothing else around it. */
bool kb_parse_int(const char *text, int64_t min, int64_t max, int64_t *out);

/* ---- Time: seconds since 1970 UTC; -1 = unknown
 * ---------------------------------------------------------------------------- */

#define KB_TIME_ROOM 21
void kb_time_iso(char out[KB_TIME_ROOM], int64_t seconds); /* "2026-11-24T06:30:00Z"; "" for unknown */
int64_t kb_time_parse(const char *iso);                    /* -1 when it is not such a text */

/* ---- JSON (jansson)
 * ---------------------------------------------------------------------------------------------------------- */

/* One line of JSON from outside: strict, at most max bytes, depth bounded by jansson; NULL when it is not one object.
 */
json_t *kb_json_parse(const char *text, size_t size, size_t max);
/* Compact, one line, no line end, keys in insertion order; caller frees. */
char *kb_json_line(const json_t *value);
/* Unknown is null, never a guess: "" / NULL, negative and KB_UNKNOWN become null. Strings that are not UTF-8 are
 * cleaned. */
void kb_json_set_text(json_t *object, const char *key, const char *text);
void kb_json_set_int(json_t *object, const char *key, int64_t value); /* negative = null */
void kb_json_set_time(json_t *object, const char *key, int64_t seconds);
/* Reading back: untouched/empty when absent or of another type. */
void kb_json_get_text(const json_t *object, const char *key, char *out, size_t room);
int64_t kb_json_get_int(const json_t *object, const char *key, int64_t otherwise);

/* ---- The guard before every plist that comes from outside
 * ---------------------------------------------------------------------- */

enum kb_guard_verdict { KB_GUARD_OK, KB_GUARD_SIZE, KB_GUARD_DEPTH, KB_GUARD_NODES, KB_GUARD_MALFORMED };
struct kb_guard_limits {
    size_t max_bytes;
    unsigned max_depth;
    size_t max_nodes; /* counted as if every shared reference were a copy, which is what libplist makes of it */
};
/* 64 MiB, 64 deep, 2 million nodes: no real device or backup comes near. */
extern const struct kb_guard_limits kb_guard_default;
/*
 * Says whether libplist may be given these bytes (binary or XML). Never recurses, allocates at most a small
 * multiple of size, takes time linear in size. Refuses cycles, shared references that expand, deep nesting,
 * XML with a DTD subset or entities of its own, strings with a NUL inside (libplist 2.2 reads past their end).
 */
enum kb_guard_verdict kb_plist_guard(const void *bytes, size_t size, const struct kb_guard_limits *limits);

#include "kitbench/facts.h"
#include "kitbench/files.h"
#endif
