/* slots list: who is plugged in where, and how each place has done over all batches: one bad cable stands out. */
#include "measure.h"
#include "slots.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUX_WAIT_MS 10000

struct listing {
    struct kb_cli *cli;
    struct kb_slots *slots;
    struct kb_slot_record *records; /* by slot */
    struct kb_slot_record all;
    struct kb_attached attached[KB_MAX_ATTACHED];
    int attached_count;
};

bool kb_slot_is_bad(const struct kb_slot_record *slot, const struct kb_slot_record *all) {
    int64_t tries = all->tries - slot->tries, failures = all->failures - slot->failures;
    if (slot->failures < 2) return false;
    return (int64_t)slot->failures * (tries + 2) >= 2 * (failures + 1) * slot->tries;
}

static void count(struct kb_slot_record *record, const struct kb_transfer *transfer) {
    record->tries++;
    record->failures += transfer->failed;
    if (!transfer->whole || !transfer->restore || transfer->bytes < 0 || transfer->seconds < 0) return;
    record->bytes += transfer->bytes;
    record->seconds += transfer->seconds;
}

/* Places that are no slot any more accuse nobody, but are no measure for the others either. */
static void take(void *arg, const struct kb_transfer *transfer) {
    struct listing *listing = arg;
    int64_t location = *transfer->slot ? kb_slots_location(listing->slots, transfer->slot) : -1, at;
    for (int i = 0; location >= 0 && i < kb_slots_count(listing->slots); i++) {
        (void)kb_slots_at(listing->slots, i, &at);
        if (at != location) continue;
        count(&listing->records[i], transfer);
        count(&listing->all, transfer);
    }
}

static struct kb_result read_journal(struct listing *listing) {
    struct kb_journal *journal = NULL;
    struct kb_jobs jobs = {0};
    struct kb_result res = kb_cli_journal(listing->cli, NULL, &journal);
    if (!kb_failed(&res)) res = kb_jobs_load(journal, &jobs);
    for (int i = 0; i < jobs.count && !kb_failed(&res); i++)
        res = kb_transfers(journal, jobs.list[i].id, take, listing);
    kb_jobs_release(&jobs);
    kb_journal_close(journal);
    return res;
}

/* ---- Showing */

static const char *device_at(const struct listing *listing, int64_t location) {
    for (int i = 0; i < listing->attached_count; i++)
        if (listing->attached[i].location == location) return listing->attached[i].udid;
    return "";
}

static int64_t rate_of(const struct kb_slot_record *record) {
    return record->seconds ? record->bytes / record->seconds : -1;
}

static void put_slot(const struct listing *listing, int n) {
    int64_t location;
    const struct kb_slot_record *record = &listing->records[n];
    const char *name = kb_slots_at(listing->slots, n, &location);
    json_t *object = json_object();
    kb_json_set_text(object, "slot", name);
    kb_json_set_int(object, "location", location);
    kb_json_set_text(object, "device", device_at(listing, location));
    kb_json_set_int(object, "tries", record->tries);
    kb_json_set_int(object, "failures", record->failures);
    kb_json_set_int(object, "bytes_per_second", rate_of(record));
    kb_put_json(listing->cli, object);
    json_decref(object);
}

static void add_row(struct kb_table *table, const struct listing *listing, int n) {
    char port[24], tries[16], failures[16], rate[40];
    int64_t location;
    const struct kb_slot_record *record = &listing->records[n];
    const char *name = kb_slots_at(listing->slots, n, &location), *device = device_at(listing, location);
    bool bad = kb_slot_is_bad(record, &listing->all);
    snprintf(port, sizeof port, "0x%08llx", (unsigned long long)location);
    snprintf(tries, sizeof tries, "%d", record->tries);
    snprintf(failures, sizeof failures, "%d%s", record->failures, bad ? " !" : "");
    snprintf(rate, sizeof rate, rate_of(record) < 0 ? "-" : "%.1f MB/s", (double)rate_of(record) / 1e6);
    const char *cells[] = {name, port, *device ? device : "-", tries, failures, rate};
    kb_table_row(table, cells, bad ? kb_paint(listing->cli->out_colour, KB_PAINT_BAD) : "");
}

static void tell_bad(const struct listing *listing) {
    const struct kb_cli *cli = listing->cli;
    const struct kb_slot_record *all = &listing->all;
    for (int i = 0; i < kb_slots_count(listing->slots); i++) {
        int64_t location;
        const struct kb_slot_record *record = &listing->records[i];
        if (!kb_slot_is_bad(record, all)) continue;
        kb_tell(cli,
                _("%sSlot \"%s\" fails clearly more often than the others (%d of %d; the others %d of %d): try another "
                  "cable, then another port.%s"),
                kb_paint(cli->out_colour, KB_PAINT_BAD), kb_slots_at(listing->slots, i, &location), record->failures,
                record->tries, all->failures - record->failures, all->tries - record->tries,
                kb_paint(cli->out_colour, KB_PAINT_NONE));
    }
}

static void tell_table(const struct listing *listing) {
    const char *heads[] = {_("SLOT"), _("PORT"), _("DEVICE"), _("TRIES"), _("FAILED"), _("SPEED")};
    struct kb_table table;
    struct kb_buf text = {0};
    int columns, rows;
    kb_tty_size(1, &columns, &rows);
    kb_table_init(&table, KB_ARRAY_SIZE(heads), heads);
    for (size_t i = 0; i < KB_ARRAY_SIZE(heads); i++) table.keep[i] = i != 2;
    for (int i = 0; i < kb_slots_count(listing->slots); i++) add_row(&table, listing, i);
    kb_table_render(&table, columns, kb_paint(listing->cli->out_colour, KB_PAINT_NONE), &text);
    kb_tell(listing->cli, "%.*s", (int)text.size - 1, text.data);
    kb_buf_release(&text);
    kb_table_release(&table);
    tell_bad(listing);
}

int kb_slots_show(struct kb_cli *cli) {
    struct listing *listing = kb_xcalloc(1, sizeof *listing);
    listing->cli = cli;
    struct kb_result mux, res = kb_slots_load(cli->home, &listing->slots);
    int slots = kb_slots_count(listing->slots);
    listing->records = kb_xcalloc((size_t)slots + 1, sizeof *listing->records);
    if (!kb_failed(&res) && slots) res = read_journal(listing);
    if (kb_failed(&res)) goto out;
    mux = kb_mux_list(listing->attached, &listing->attached_count, kb_clock_ms() + MUX_WAIT_MS);
    for (int i = 0; i < slots; i++) put_slot(listing, i);
    if (!slots) kb_say(cli, _("No slot was taught yet: kitbench slots learn"));
    if (slots && !cli->options.json) tell_table(listing);
    res = mux; /* who is plugged in could not be told: the rest stands there all the same */
out:;
    int code = kb_say_result(cli, &res);
    kb_slots_free(listing->slots);
    free(listing->records);
    free(listing);
    return code;
}
