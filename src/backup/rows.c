/*
 * The rules for one row of Manifest.db (backup-format.md 3.2 to 3.5): names that are safe, a fileID that is the name's
 * own, a blob that agrees, and a payload of a possible length. What only the payload's content can tell is left to the
 * caller.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1() in one call */
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "scan.h"

enum { FLAG_FILE = 1, FLAG_DIR = 2, FLAG_LINK = 4, FLAGS_FINISHED = 7, PATH_MAX_BYTES = 998, DOMAIN_MAX_BYTES = 512 };

/* Regular files of these always have a digest; a device ends a restore that finds none (error 205). */
static const char *const digest_domains[] = {
    "HomeDomain",     "RootDomain",     "WirelessDomain",          "KeychainDomain",
    "HealthDomain",   "HomeKitDomain",  "SystemPreferencesDomain", "ManagedPreferencesDomain",
    "DatabaseDomain", "KeyboardDomain", "InstallDomain",
};

bool kb_domain_has_digests(const char *domain) {
    for (size_t i = 0; i < KB_ARRAY_SIZE(digest_domains); i++)
        if (strcmp(domain, digest_domains[i]) == 0) return true;
    return false;
}

bool kb_row_domain_is_safe(const char *domain, size_t size) {
    if (!domain || size == 0 || size > DOMAIN_MAX_BYTES) return false;
    if (memchr(domain, '/', size) || memchr(domain, '\0', size)) return false;
    return !(size == 1 && domain[0] == '.') && !(size == 2 && domain[0] == '.' && domain[1] == '.');
}

bool kb_row_path_is_safe(const char *path, size_t size) {
    if (!path || size >= PATH_MAX_BYTES || (size && memchr(path, '\0', size))) return false;
    if (size == 0) return true; /* the domain's own folder */
    if (path[0] == '~') return false;
    for (size_t start = 0; start <= size;) {
        const char *slash = memchr(path + start, '/', size - start);
        size_t length = (slash ? (size_t)(slash - path) : size) - start;
        const char *part = path + start;

        if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        start += length + 1;
    }
    return true;
}

void kb_row_label(const struct kb_row *row, char label[KB_LABEL_ROOM]) {
    char raw[KB_LABEL_ROOM];

    if (row->domain && row->path)
        snprintf(raw, sizeof raw, "%.*s-%.*s", (int)(row->domain_size < 300 ? row->domain_size : 300), row->domain,
                 (int)(row->path_size < 1000 ? row->path_size : 1000), row->path);
    else
        snprintf(raw, sizeof raw, "%.*s", (int)(row->file_id_size < 100 ? row->file_id_size : 100),
                 row->file_id ? row->file_id : "");
    kb_text_clean(label, KB_LABEL_ROOM, raw);
}

/* Labels are made here only: a sound row needs none. */
static void tell(struct kb_findings *findings, enum kb_outcome outcome, const char *code, const struct kb_row *row,
                 const char *text) {
    char label[KB_LABEL_ROOM];

    kb_row_label(row, label);
    kb_finding(findings, outcome, code, label, "%s", text);
}

static void hostile(struct kb_findings *findings, const char *code, const struct kb_row *row) {
    tell(findings, KB_OUTCOME_HOSTILE, code, row,
         _("A name in Manifest.db tries to leave its place; do not use this folder"));
}

static void damaged(struct kb_findings *findings, const char *code, const struct kb_row *row, const char *text) {
    tell(findings, KB_OUTCOME_DAMAGED, code, row, text);
}

/* false: not to be looked at further. */
static bool names_are_sound(const struct kb_row *row, struct kb_findings *findings) {
    if (!row->file_id || !kb_is_file_id(row->file_id, row->file_id_size))
        return hostile(findings, "file-id", row), false;
    if (row->nulls_only && row->flags_there)
        return damaged(findings, "placeholder", row,
                       _("Manifest.db holds a row without content, left by a run that broke; make a new backup")),
               false;
    if (!row->domain || !row->path || !row->flags_there || !row->blob)
        return damaged(findings, "type", row,
                       _("Manifest.db holds a value of a wrong type; use another copy or make a new backup")),
               false;
    if (!kb_row_domain_is_safe(row->domain, row->domain_size)) return hostile(findings, "domain", row), false;
    if (!kb_row_path_is_safe(row->path, row->path_size)) return hostile(findings, "path", row), false;
    return true;
}

static bool id_is_of_name(const struct kb_row *row) {
    unsigned char digest[20];
    char hex[41];
    SHA_CTX ctx;

    SHA1_Init(&ctx);
    SHA1_Update(&ctx, row->domain, row->domain_size);
    SHA1_Update(&ctx, "-", 1);
    SHA1_Update(&ctx, row->path, row->path_size);
    SHA1_Final(digest, &ctx);
    kb_hex(hex, digest, sizeof digest);
    return memcmp(hex, row->file_id, 40) == 0;
}

/* What a finished database has; other bits are left by a run. */
static bool flags_are_sound(const struct kb_row *row, struct kb_findings *findings) {
    if (row->flags == FLAG_FILE || row->flags == FLAG_DIR || row->flags == FLAG_LINK) return true;
    if (row->flags > FLAGS_FINISHED && row->flags < 1024)
        tell(findings, KB_OUTCOME_INTERRUPTED, "flags", row,
             _("Manifest.db is from the middle of a run; back the device up again before you use this folder"));
    else
        damaged(findings, "flags", row, _("Manifest.db names a kind of file that does not exist; use another copy"));
    return false;
}

static bool blob_is_sound(const struct kb_row *row, struct kb_findings *findings, struct kb_mbfile *mbfile) {
    if (!kb_mbfile_parse(row->blob, row->blob_size, row->path, row->path_size, mbfile))
        return damaged(findings, "blob", row,
                       _("What Manifest.db says of this file cannot be read; use another copy or make a new backup")),
               false;
    if (mbfile->has_path && !mbfile->path_matches)
        return damaged(findings, "blob-path", row,
                       _("Manifest.db gives this file two different names; use another copy or make a new backup")),
               false;
    return true;
}

bool kb_size_is_possible(const struct kb_mbfile *mbfile) {
    return mbfile->has_size && mbfile->size >= 0 && mbfile->size < KB_BYTES_ABSURD;
}

static bool size_is_sound(const struct kb_row *row, const struct kb_mbfile *mbfile, struct kb_findings *findings) {
    if (kb_size_is_possible(mbfile)) return true;
    damaged(findings, "size", row, _("Manifest.db gives this file an impossible size; use another copy"));
    return false;
}

static void judge_keys(const struct kb_backup *backup, const struct kb_row *row, struct kb_findings *findings,
                       const struct kb_mbfile *mbfile) {
    char domain[64] = "";

    if (row->domain_size < sizeof domain) memcpy(domain, row->domain, row->domain_size);
    if (mbfile->bad_digest || (!mbfile->has_digest && kb_domain_has_digests(domain)))
        damaged(findings, "digest-missing", row,
                _("This file lacks the digest that a device asks for; a restore would end with error 205"));
    if (kb_backup_is_encrypted(backup) && !mbfile->has_key)
        damaged(findings, "key", row, _("This file lacks its key; use another copy or make a new backup"));
}

static void judge_absent(const struct kb_backup *backup, const struct kb_row *row, const struct kb_mbfile *mbfile,
                         struct kb_findings *findings) {
    if (!kb_backup_is_encrypted(backup) && mbfile->has_size && mbfile->size == 0)
        tell(findings, KB_OUTCOME_WARNINGS, "missing-empty", row,
             _("An empty file has no place in the folder; it does no harm"));
    else
        damaged(findings, "missing", row, _("This file is missing; use another copy or make a new backup"));
}

/* Encrypted files end with a padding of 1 to 16 bytes: at least one block, always whole blocks. */
static bool length_is_possible(const struct kb_backup *backup, int64_t stored) {
    return !kb_backup_is_encrypted(backup) || (stored >= 16 && stored % 16 == 0);
}

static void judge_payload(const struct kb_backup *backup, const struct kb_row *row, const struct kb_stored *stored,
                          struct kb_findings *findings, struct kb_checked *out) {
    bool sized = size_is_sound(row, &out->mbfile, findings);

    judge_keys(backup, row, findings, &out->mbfile);
    if (!stored) {
        judge_absent(backup, row, &out->mbfile, findings);
        return;
    }
    if (!stored->regular) return; /* the scan has told of it */
    out->stored = stored->size;
    if (!length_is_possible(backup, stored->size)) {
        damaged(findings, "length", row, _("This file has been cut short; use another copy or make a new backup"));
        return;
    }
    out->file = true;
    out->check_digest = out->mbfile.has_digest;
    out->check_tail = kb_backup_is_encrypted(backup) && !out->mbfile.has_digest && out->mbfile.has_key;
    out->expected = sized ? out->mbfile.size : stored->size;
    if (sized && kb_backup_is_encrypted(backup)) out->expected = (out->mbfile.size / 16 + 1) * 16;
    out->size_differs = out->expected != stored->size;
}

void kb_check_row(const struct kb_backup *backup, const struct kb_row *row, const struct kb_stored *stored,
                  struct kb_findings *findings, struct kb_checked *out) {
    memset(out, 0, sizeof *out);
    if (!names_are_sound(row, findings)) return;
    if (!id_is_of_name(row))
        damaged(findings, "file-id-other", row,
                _("Manifest.db puts this file in another's place; use another copy or make a new backup"));
    if (!flags_are_sound(row, findings)) return;
    if (!blob_is_sound(row, findings, &out->mbfile)) return;
    if (row->flags == FLAG_FILE) judge_payload(backup, row, stored, findings, out);
}
