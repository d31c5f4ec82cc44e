/* What a folder says of its device: facts, state, agent, health. */
#include "fixture.h"

static struct kb_backup_info inspect(struct kb_backup *backup, const struct kb_backup_options *options) {
    static const struct kb_backup_options none = {.agent_bundle_id = NULL};
    struct kb_backup_info info;

    ck_ok(kb_backup_inspect(backup, options ? options : &none, &info));
    return info;
}

START_TEST(test_facts) {
    struct gen_spec spec = {.password = _i ? "kit" : NULL, .files = 20, .agent = "com.example.agent", .name = "ベンチ"};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct kb_backup_info info = inspect(backup, NULL);

    ck_assert_str_eq(info.udid, GEN_UDID);
    ck_assert_str_eq(info.device_name, "ベンチ");
    ck_assert_str_eq(info.model, "iPhone14,5");
    ck_assert_str_eq(info.os, "17.5.1");
    ck_assert_str_eq(info.build, "21F90");
    ck_assert_str_eq(info.serial, "F4GX1A2B3C");
    ck_assert_int_eq(info.taken_at, 785600000 + 978307200);
    ck_assert_int_eq(info.encrypted, _i ? KB_YES : KB_NO);
    ck_assert_int_eq(info.finished, KB_YES);
    ck_assert_int_eq(info.full, KB_NO);
    ck_assert_int_eq(info.health, KB_HEALTH_OK);
    ck_assert_int_eq(info.proof, _i ? KB_PROOF_RIGHT : KB_PROOF_NOT_TRIED);
    ck_assert_int_eq(info.apps, 2);
    ck_assert_int_ge(info.files, 28);
    ck_assert_int_gt(info.bytes, 20);
    ck_assert_int_gt(info.needs_bytes, info.bytes);
    kb_backup_free(backup);
}
END_TEST

static const struct {
    enum gen_management management;
    const char *damage, *identifier;
    enum kb_tri supervised, mdm;
    enum kb_source source;
    const char *why;
} states[] = {
    {GEN_UNMANAGED, NULL, NULL, KB_NO, KB_NO, KB_SOURCE_NO_MDM, "a phone of nobody"},
    {GEN_MDM, NULL, NULL, KB_NO, KB_YES, KB_SOURCE_UNSUPERVISED, "enrolled by its user"},
    {GEN_SUPERVISED, NULL, NULL, KB_YES, KB_NO, KB_SOURCE_SUPERVISED, "by Configurator"},
    {GEN_SUPERVISED_MDM, NULL, NULL, KB_YES, KB_YES, KB_SOURCE_SUPERVISED, "both"},
    {GEN_NO_CONTAINER, NULL, NULL, KB_UNKNOWN, KB_UNKNOWN, KB_SOURCE_UNKNOWN, "no container is not no management"},
    {GEN_MDM, NULL, "com.example.mdm", KB_NO, KB_YES, KB_SOURCE_UNSUPERVISED, "the profile of the setting"},
    {GEN_MDM, NULL, "com.example.other", KB_NO, KB_NO, KB_SOURCE_NO_MDM, "another company's profile"},
    {GEN_UNMANAGED, "mdm-edited", NULL, KB_NO, KB_UNKNOWN, KB_SOURCE_UNKNOWN, "MDM.plist without a profile: edited"},
    {GEN_UNMANAGED, "mdm-remnant", NULL, KB_NO, KB_UNKNOWN, KB_SOURCE_UNKNOWN, "a remnant"},
    {GEN_UNMANAGED, "supervised-type", NULL, KB_UNKNOWN, KB_UNKNOWN, KB_SOURCE_UNKNOWN, "only a real boolean counts"},
};

START_TEST(test_states) {
    size_t row = (size_t)_i / 2;
    struct gen_spec spec = {
        .password = _i & 1 ? "kit" : NULL, .management = states[row].management, .damage = states[row].damage};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct kb_backup_options options = {.mdm_profile_identifier = states[row].identifier};
    struct kb_backup_info info = inspect(backup, &options);

    ck_assert_msg(info.supervised == states[row].supervised, "%s: supervised %d", states[row].why, info.supervised);
    ck_assert_msg(info.mdm == states[row].mdm, "%s: mdm %d", states[row].why, info.mdm);
    ck_assert_msg(info.source_state == states[row].source, "%s: %s", states[row].why,
                  kb_source_name(info.source_state));
    ck_assert_int_eq(info.source_origin, info.source_state == KB_SOURCE_UNKNOWN ? KB_ORIGIN_NONE : KB_ORIGIN_PROFILES);
    kb_backup_free(backup);
}
END_TEST

/* Locked: nothing inside is known, what the lists say is. The operator's word fills in. */
START_TEST(test_locked) {
    struct gen_spec spec = {.password = "kit", .files = 4, .management = GEN_MDM, .agent = "com.example.agent"};
    struct kb_backup *backup = fixture_backup(&spec, false);
    struct kb_backup_options options = {.agent_bundle_id = "com.example.agent", .source_state = KB_SOURCE_NO_MDM};
    struct kb_backup_info info = inspect(backup, &options);

    ck_assert_int_eq(info.supervised, KB_UNKNOWN);
    ck_assert_int_eq(info.mdm, KB_UNKNOWN);
    ck_assert_int_eq(info.agent, KB_UNKNOWN);
    ck_assert_int_eq(info.needs_bytes, -1);
    ck_assert_int_ge(info.files, 4);
    ck_assert_int_eq(info.source_state, KB_SOURCE_NO_MDM);
    ck_assert_int_eq(info.source_origin, KB_ORIGIN_OPERATOR);
    ck_assert_int_eq(info.health, KB_HEALTH_OK);
    kb_backup_free(backup);
}
END_TEST

static const struct {
    const char *asked, *damage;
    enum kb_agent_trace trace;
    enum kb_tri agent;
    const char *word;
} agents[] = {
    {"com.example.agent", NULL, KB_TRACE_FULL, KB_YES, "full"},
    {"com.example.agen", NULL, KB_TRACE_NONE, KB_NO, "none"},
    {"com.example.agent2", NULL, KB_TRACE_NONE, KB_NO, "none"},
    {"com.example.agent", "agent-listed-only", KB_TRACE_LISTED, KB_UNKNOWN, "listed"},
    {"com.example.agent", "agent-data-only", KB_TRACE_DATA_ONLY, KB_UNKNOWN, "data-only"},
    {NULL, NULL, KB_TRACE_UNKNOWN, KB_UNKNOWN, ""},
};

START_TEST(test_agent) {
    struct gen_spec spec = {.agent = "com.example.agent", .damage = agents[_i].damage};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct kb_backup_options options = {.agent_bundle_id = agents[_i].asked};
    struct kb_backup_info info = inspect(backup, &options);

    ck_assert_int_eq(kb_backup_agent(backup), agents[_i].trace);
    ck_assert_int_eq(info.agent, agents[_i].agent);
    ck_assert_str_eq(kb_agent_trace_name(kb_backup_agent(backup)), agents[_i].word);
    kb_backup_free(backup);
}
END_TEST

static void write_facts(const char *udid, const char *source, const char *uuid) {
    char *text = kb_xasprintf(
        "{\"udid\":\"%s\",\"source_state\":%s,\"supervised\":true,\"mdm\":7,\"backup_uuid\":%s}\n", udid, source, uuid);

    fixture_write(GEN_UDID ".facts.json", text);
    free(text);
}

static const struct {
    const char *udid, *source, *uuid;
    enum kb_origin origin;
    const char *why;
} facts[] = {
    {GEN_UDID, "\"supervised\"", "\"7D1B6F6E-3B55-4A0B-9A5E-0F4C0E4B8C11\"", KB_ORIGIN_FACTS,
     "kitbench's own word first"},
    {GEN_UDID, "\"supervised\"", "null", KB_ORIGIN_FACTS, "written before there was an UUID"},
    {GEN_UDID, "\"supervised\"", "\"00000000-3B55-4A0B-9A5E-0F4C0E4B8C11\"", KB_ORIGIN_PROFILES,
     "a later run by another program"},
    {"00008110-001A2B3C4D5E6F70", "\"supervised\"", "null", KB_ORIGIN_PROFILES, "another device"},
    {GEN_UDID, "\"owner\"", "null", KB_ORIGIN_PROFILES, "a word that is none"},
    {GEN_UDID, "[1,2]", "null", KB_ORIGIN_PROFILES, "a wrong type"},
};

START_TEST(test_facts_file) {
    struct gen_spec spec = {.management = GEN_MDM};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct kb_backup_info info;

    write_facts(facts[_i].udid, facts[_i].source, facts[_i].uuid);
    info = inspect(backup, NULL);
    ck_assert_msg(info.source_origin == facts[_i].origin, "%s: %d", facts[_i].why, info.source_origin);
    kb_backup_free(backup);
}
END_TEST

/* Who is believed first: kitbench's own facts, then the profiles inside, then the operator; else nobody. */
static const struct {
    bool facts;
    enum gen_management management;
    const char *damage;
    enum kb_source operator_says, source;
    enum kb_origin origin;
} beliefs[] = {
    {true, GEN_MDM, NULL, KB_SOURCE_NO_MDM, KB_SOURCE_SUPERVISED, KB_ORIGIN_FACTS},
    {true, GEN_NO_CONTAINER, NULL, KB_SOURCE_UNKNOWN, KB_SOURCE_SUPERVISED, KB_ORIGIN_FACTS},
    {false, GEN_MDM, NULL, KB_SOURCE_NO_MDM, KB_SOURCE_UNSUPERVISED, KB_ORIGIN_PROFILES},
    {false, GEN_NO_CONTAINER, NULL, KB_SOURCE_NO_MDM, KB_SOURCE_NO_MDM, KB_ORIGIN_OPERATOR},
    {false, GEN_UNMANAGED, "mdm-edited", KB_SOURCE_SUPERVISED, KB_SOURCE_SUPERVISED, KB_ORIGIN_OPERATOR},
    {false, GEN_UNMANAGED, "mdm-edited", KB_SOURCE_UNKNOWN, KB_SOURCE_UNKNOWN, KB_ORIGIN_NONE},
    {false, GEN_NO_CONTAINER, NULL, KB_SOURCE_UNKNOWN, KB_SOURCE_UNKNOWN, KB_ORIGIN_NONE},
};

START_TEST(test_beliefs) {
    size_t row = (size_t)_i / 2;
    struct gen_spec spec = {
        .password = _i & 1 ? "kit" : NULL, .management = beliefs[row].management, .damage = beliefs[row].damage};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct kb_backup_options options = {.source_state = beliefs[row].operator_says};
    struct kb_backup_info info;

    if (beliefs[row].facts) write_facts(GEN_UDID, "\"supervised\"", "null");
    info = inspect(backup, &options);
    ck_assert_msg(info.source_state == beliefs[row].source, "row %zu: %s", row, kb_source_name(info.source_state));
    ck_assert_msg(info.source_origin == beliefs[row].origin, "row %zu: from %d", row, info.source_origin);
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_hostile_facts) {
    struct gen_spec spec = {.management = GEN_MDM};
    struct kb_backup *backup = fixture_backup(&spec, true);
    char *deep = malloc(200001);

    memset(deep, '[', 200000);
    deep[200000] = '\0';
    fixture_write(GEN_UDID ".facts.json", deep);
    ck_assert_int_eq(inspect(backup, NULL).source_origin, KB_ORIGIN_PROFILES);
    free(deep);
    kb_backup_free(backup);
}
END_TEST

static const struct {
    const char *damage;
    enum kb_health health;
    enum kb_tri finished;
} healths[] = {
    {"uploading", KB_HEALTH_UNFINISHED, KB_NO},
    {"finished-but-empty", KB_HEALTH_UNFINISHED, KB_NO},
    {"info-only", KB_HEALTH_UNFINISHED, KB_NO},
    {"status-type", KB_HEALTH_DAMAGED, KB_UNKNOWN},
    {"manifest-truncated", KB_HEALTH_DAMAGED, KB_YES},
    {"payload-missing", KB_HEALTH_DAMAGED, KB_YES},
    {"db-page", KB_HEALTH_DAMAGED, KB_YES},
    {"path-dots", KB_HEALTH_HOSTILE, KB_YES},
    {"payload-fifo", KB_HEALTH_HOSTILE, KB_YES},
    {"plist-bomb", KB_HEALTH_HOSTILE, KB_YES},
    {"mbdb-only", KB_HEALTH_UNREADABLE, KB_YES},
    {"extra-file", KB_HEALTH_OK, KB_YES},
};

START_TEST(test_health) {
    struct gen_spec spec = {.files = 30, .damage = healths[_i].damage};
    struct kb_backup_options options = {.deep = true};

    if (!gen_here(healths[_i].damage)) return;
    struct kb_backup *backup = fixture_backup(&spec, false);
    struct kb_backup_info info = inspect(backup, &options);

    ck_assert_msg(info.health == healths[_i].health, "%s: %d %s", spec.damage, info.health, info.health_text);
    ck_assert_msg(info.finished == healths[_i].finished, "%s: finished %d", spec.damage, info.finished);
    ck_assert((info.health == KB_HEALTH_OK) == (info.health_text[0] == '\0'));
    ck_assert_str_eq(info.udid, GEN_UDID); /* from Info.plist where Manifest.plist is gone */
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_applications) {
    struct gen_spec spec = {.files = 0};
    struct kb_backup *backup = fixture_backup(&spec, true);
    struct kb_buf xml;

    ck_ok(kb_backup_applications(backup, &xml));
    ck_assert_ptr_nonnull(xml.data);
    ck_assert_ptr_nonnull(strstr(xml.data, "<key>com.example.chat</key>"));
    kb_buf_release(&xml);
    kb_backup_free(backup);
}
END_TEST

START_TEST(test_none) {
    struct kb_backup *backup = NULL;

    ck_fails(kb_backup_open(FOLDER, &backup), KB_STORE, KB_STORE_MISSING);
    ck_fails(kb_backup_open("/nowhere/at/all", &backup), KB_STORE, KB_STORE_MISSING);
    fixture_write("file", "x");
    char *path = fixture_path("file");
    ck_fails(kb_backup_open(path, &backup), KB_STORE, KB_STORE_MISSING);
    free(path);
}
END_TEST

int main(void) {
    TCase *cases[] = {tcase_create("all")};

    tcase_add_loop_test(cases[0], test_facts, 0, 2);
    tcase_add_loop_test(cases[0], test_states, 0, 2 * (int)KB_ARRAY_SIZE(states));
    tcase_add_test(cases[0], test_locked);
    tcase_add_loop_test(cases[0], test_agent, 0, (int)KB_ARRAY_SIZE(agents));
    tcase_add_loop_test(cases[0], test_facts_file, 0, (int)KB_ARRAY_SIZE(facts));
    tcase_add_loop_test(cases[0], test_beliefs, 0, 2 * (int)KB_ARRAY_SIZE(beliefs));
    tcase_add_test(cases[0], test_hostile_facts);
    tcase_add_loop_test(cases[0], test_health, 0, (int)KB_ARRAY_SIZE(healths));
    tcase_add_test(cases[0], test_applications);
    tcase_add_test(cases[0], test_none);
    return fixture_run("backup/inspect", cases, KB_ARRAY_SIZE(cases));
}
