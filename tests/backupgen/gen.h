/*
 * backupgen: makes backup folders as a device and a host would (backup-format.md), plain or encrypted, whole or damaged
 * in one chosen way. It shares no code with kitbench's reader, so that a fact misread once is not misread twice.
 */
#ifndef BACKUPGEN_H
#define BACKUPGEN_H

#include <plist/plist.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gen_management { GEN_UNMANAGED, GEN_MDM, GEN_SUPERVISED, GEN_SUPERVISED_MDM, GEN_NO_CONTAINER };

struct gen_spec {
    const char *udid; /* NULL: a fixed one */
    const char *name, *os, *build, *model, *serial;
    const char *password; /* NULL: a plain backup */
    uint32_t dpic, iter;  /* 0: 2000 and 100, so that tests are fast; dpic UINT32_MAX: none (before iOS 10.2) */
    enum gen_management management;
    const char *mdm_identifier; /* ManagingProfileIdentifier */
    const char *agent;          /* bundle id of an app that is listed and has data */
    int files;           /* random files besides those that every backup has; sizes from a realistic mix, scaled down */
    int64_t large_bytes; /* every file of this size instead */
    uint32_t seed;
    const char *damage; /* a name of the table below; NULL: whole */
    bool all_folders;   /* all 256, as a device makes them; else only those that are needed */
    bool no_tail;       /* Manifest.db without its block of padding */
};

/* What is spoilt, and what a verifier must say of it. */
struct gen_damage {
    const char *name;
    const char *outcome; /* of a full verification with the password */
    const char *code;    /* a finding that must be among those told; "" none */
    const char *why;
};
extern const struct gen_damage gen_damages[];
extern const size_t gen_damage_count;
/* Whether such a folder can be made here: Windows has no FIFOs, sockets and permissions in folders, and links are for
 * few users; a device takes rights that not even every root has. */
bool gen_here(const char *damage);

/* Makes parent/UDID. false with a line on stderr when it cannot. */
bool gen_backup(const char *parent, const struct gen_spec *spec);
#define GEN_UDID "00008110-001A2B3C4D5E6F7A"

/* ---- Shared by the generator's own files ---- */

#define GEN_CLASSES 11
struct gen {
    const struct gen_spec *spec;
    char folder[4096];
    const char *udid;
    bool encrypted;
    unsigned char class_keys[GEN_CLASSES + 1][32];
    unsigned char manifest_key[32];
    unsigned char keybag[80000];
    size_t keybag_size;
    sqlite3 *db;
    sqlite3_stmt *insert;
    char db_path[4200];
    uint64_t random;
    char first_digested[41], first_undigested[41], database_file[41];
    plist_t applications; /* of Manifest.plist */
    plist_t installed;    /* of Info.plist */
    int64_t inode;
};
bool gen_is(const struct gen *gen, const char *damage);
uint32_t gen_random(struct gen *gen);
_Noreturn void gen_die(const char *what);
void gen_make_keybag(struct gen *gen);
/* 4 bytes of class, little-endian, and the wrapped key. */
void gen_wrap(struct gen *gen, int class_number, const unsigned char key[32], unsigned char out[44]);
/* Returns new bytes, PKCS#7 padded. */
unsigned char *gen_encrypt(const unsigned char key[32], const unsigned char *data, size_t size, size_t *out_size);
void gen_write(const struct gen *gen, const char *name, const void *data, size_t size);
/* Adds a row, and for a regular file its payload. mode's type bits choose: file, folder, link (data is its target). */
void gen_add(struct gen *gen, const char *domain, const char *path, uint32_t mode, const void *data, size_t size);
void gen_open_db(struct gen *gen);
void gen_close_db(struct gen *gen); /* encrypts it when it must be */
void gen_exec(struct gen *gen, const char *sql);
void gen_contents(struct gen *gen);
void gen_write_plists(struct gen *gen);
void gen_damage_db(struct gen *gen);
void gen_damage_folder(struct gen *gen);
#endif
