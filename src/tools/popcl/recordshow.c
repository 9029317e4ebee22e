/* SPDX-License-Identifier: MIT */
/* recordshow - see recordshow.h. */
#include "recordshow.h"

#include <stdio.h>

#include "utc.h"

/* The messages that a line counts: those of a state, except of messages that are gone or doubtful.
 */
enum kind { STORED, DUE, REFUSED, OLD, FAILED, LAST, PASSED, DELETED, UNSURE, KINDS };

static const char *const kinds[KINDS] = {[STORED] = "stored",
                                         [DUE] = "deletion due",
                                         [REFUSED] = "refused for size",
                                         [OLD] = "too old",
                                         [FAILED] = "failed",
                                         [LAST] = "broke its session",
                                         [PASSED] = "never fetched",
                                         [DELETED] = "deleted from the server",
                                         [UNSURE] = "unsure"};

static enum kind kind_of(const cmd_entry *e) {
    static const unsigned char of_state[CMD_STATES] = {
        [CMD_STORED] = STORED, [CMD_DUE] = DUE,   [CMD_MARKED] = DUE,   [CMD_REFUSED] = REFUSED,
        [CMD_FAILED] = FAILED, [CMD_LAST] = LAST, [CMD_PASSED] = PASSED};
    if (e->flags & CMD_ENTRY_GONE) return DELETED;
    if (cmd_record_old_day(e)) return OLD;
    return e->flags & CMD_ENTRY_UNSURE ? UNSURE : (enum kind)of_state[e->state];
}

/* Writes a day, or "-" if it is not known. */
static const char *day_text(uint16_t day, char text[POP_UTC_TEXT]) {
    pop_utc_text((int64_t)day * 86400, text);
    text[10] = '\0';
    return day ? text : "-";
}

static void show_entry(const cmd_entry *e, void (*put)(void *ctx, const char *text), void *ctx) {
    char line[128], size[24] = "-", day[POP_UTC_TEXT];
    if (e->size != CMD_SIZE_UNKNOWN)
        (void)snprintf(size, sizeof size, "%llu", (unsigned long long)e->size);
    (void)snprintf(line, sizeof line, "%016llx %s %s, %s\n", (unsigned long long)e->hash, size,
                   day_text(e->day, day), kinds[kind_of(e)]);
    put(ctx, line);
}

void cmd_record_show(const cmd_record_file *f, int entries,
                     void (*put)(void *ctx, const char *text), void *ctx) {
    unsigned long counts[KINDS] = {0};
    uint16_t newest = 0;
    char line[96], text[POP_UTC_TEXT] = "never";
    const cmd_entry *e;
    for (size_t at = 0; (e = cmd_record_next(&f->record, &at));) {
        counts[kind_of(e)]++;
        if (e->state != CMD_REFUSED && e->day > newest) newest = e->day;
    }
    for (unsigned k = 0; k < KINDS; k++) {
        (void)snprintf(line, sizeof line, "%s: %lu\n", kinds[k], counts[k]);
        put(ctx, line);
    }
    (void)snprintf(line, sizeof line, "newest day: %s\n", day_text(newest, text));
    put(ctx, line);
    if (f->saved_at) pop_utc_text((int64_t)f->saved_at, text);
    (void)snprintf(line, sizeof line, "last save: %s\n", f->saved_at ? text : "never");
    put(ctx, line);
    if (f->record.doubted_at) {
        pop_utc_text((int64_t)f->record.doubted_at, text);
        (void)snprintf(line, sizeof line, "clock in doubt since: %s\n", text);
        put(ctx, line);
    }
    for (size_t at = 0; entries && (e = cmd_record_next(&f->record, &at));)
        show_entry(e, put, ctx);
}
