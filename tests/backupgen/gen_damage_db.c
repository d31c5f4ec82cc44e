/* What is spoilt in the database, before it is encrypted. */
#include "gen.h"

#define ONE_FILE " WHERE rowid = (SELECT min(rowid) FROM Files WHERE flags = 1)"

static const struct {
    const char *name, *sql;
} statements[] = {
    {"flags-during-run", "UPDATE Files SET flags = 9" ONE_FILE},
    {"placeholder", "UPDATE Files SET domain = NULL, relativePath = NULL, file = NULL" ONE_FILE},
    {"db-view",
     "ALTER TABLE Files RENAME TO Real; CREATE VIEW Files AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT "
     "n + 1 FROM r) SELECT n AS fileID, 'x' AS domain, 'y' AS relativePath, 1 AS flags, x'00' AS file FROM r"},
    {"db-generated", "ALTER TABLE Files ADD COLUMN more TEXT AS (hex(zeroblob(100000)))"},
    {"db-columns", "ALTER TABLE Files RENAME COLUMN domain TO realm"},
    {"type-domain", "UPDATE Files SET domain = x'0102'" ONE_FILE},
    {"type-path",
     "DROP INDEX FilesRelativePathIdx; CREATE TABLE F2 (fileID TEXT PRIMARY KEY, domain TEXT, relativePath, "
     "flags INTEGER, file BLOB); INSERT INTO F2 SELECT * FROM Files; DROP TABLE Files; ALTER TABLE F2 RENAME "
     "TO Files; UPDATE Files SET relativePath = 5" ONE_FILE},
    {"type-flags", "UPDATE Files SET flags = 'one'" ONE_FILE},
    {"type-file", "UPDATE Files SET file = 'text'" ONE_FILE},
    {"type-id", "UPDATE Files SET fileID = x'0102'" ONE_FILE},
    {"null-id", "UPDATE Files SET fileID = NULL" ONE_FILE},
    {"null-domain", "UPDATE Files SET domain = NULL" ONE_FILE},
    {"null-path", "UPDATE Files SET relativePath = NULL" ONE_FILE},
    {"null-flags", "UPDATE Files SET flags = NULL" ONE_FILE},
    {"null-file", "UPDATE Files SET file = NULL" ONE_FILE},
    {"real-flags", "UPDATE Files SET flags = 1.5" ONE_FILE},
    {"flags-zero", "UPDATE Files SET flags = 0" ONE_FILE},
    {"flags-negative", "UPDATE Files SET flags = -1" ONE_FILE},
    {"flags-huge", "UPDATE Files SET flags = 1 | 1 << 40" ONE_FILE},
    {"blob-cut", "UPDATE Files SET file = substr(file, 1, length(file) - 20)" ONE_FILE},
    {"blob-path", "UPDATE Files SET file = (SELECT file FROM Files WHERE relativePath = 'Library')" ONE_FILE},
    {"blob-huge", "UPDATE Files SET file = zeroblob(2097152)" ONE_FILE},
    {"blob-empty", "UPDATE Files SET file = x''" ONE_FILE},
    {"file-id-upper", "UPDATE Files SET fileID = upper(fileID)" ONE_FILE},
    {"file-id-path", "UPDATE Files SET fileID = '../../../../../../../../../etc/passwd//.'" ONE_FILE},
    {"file-id-other", "UPDATE Files SET fileID = '00000000000000000000000000000000000000aa'" ONE_FILE},
    {"file-id-short", "UPDATE Files SET fileID = substr(fileID, 1, 39)" ONE_FILE},
    {"file-id-nul", "UPDATE Files SET fileID = CAST(x'30' || x'00' || zeroblob(38) AS TEXT)" ONE_FILE},
    {"domain-slash", "UPDATE Files SET domain = '../../etc'" ONE_FILE},
    {"domain-dots", "UPDATE Files SET domain = '..'" ONE_FILE},
    {"domain-empty", "UPDATE Files SET domain = ''" ONE_FILE},
    {"domain-nul", "UPDATE Files SET domain = CAST(x'4100420043' AS TEXT)" ONE_FILE},
    {"path-dots", "UPDATE Files SET relativePath = 'Library/../../x'" ONE_FILE},
    {"path-absolute", "UPDATE Files SET relativePath = '/etc/passwd'" ONE_FILE},
    {"path-home", "UPDATE Files SET relativePath = '~root/x'" ONE_FILE},
    {"path-dot", "UPDATE Files SET relativePath = 'Library/./x'" ONE_FILE},
    {"path-double", "UPDATE Files SET relativePath = 'Library//x'" ONE_FILE},
    {"path-slash-end", "UPDATE Files SET relativePath = 'Library/'" ONE_FILE},
    {"path-long", "UPDATE Files SET relativePath = replace(hex(zeroblob(600)), '00', 'ab')" ONE_FILE},
    {"path-nul", "UPDATE Files SET relativePath = CAST(x'4100420043' AS TEXT)" ONE_FILE},
    {"db-foreign",
     "DELETE FROM Files WHERE flags = 1; WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT "
     "300) INSERT INTO Files SELECT printf('%040x', n * 4294967291), 'HomeDomain', 'a/' || n, 1, (SELECT file "
     "FROM Files WHERE flags = 2 LIMIT 1) FROM r"},
    {"db-no-rows", "DELETE FROM Files"},
    {"moving-half", "UPDATE Files SET flags = flags | 8 WHERE flags = 1 AND fileID < '8'"},
    {"many-findings",
     "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 100000) INSERT INTO Files SELECT "
     "printf('%040x', n * 4294967291), 'HomeDomain', 'a/' || n, 1, NULL FROM r"},
};

void gen_damage_db(struct gen *gen) {
    sqlite3_finalize(gen->insert);
    gen->insert = NULL;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if (gen_is(gen, statements[i].name)) gen_exec(gen, statements[i].sql);
}
