/* SPDX-License-Identifier: MIT */
/* recordform - see recordform.h. */
#include "recordform.h"

#include <string.h>

#include <bearssl.h>

#include "../../core/siphash.h"

enum {
    COUNT_AT = 4, /* offsets in a record: the head */
    KEY_AT = 8,
    OLD_KEYS_AT = 24,
    NO_UIDL_AT = 56,
    ONE_AT_A_TIME_AT = 57,
    TOLD_EXPIRE = 0x80, /* a bit of that byte */
    DELAY_AT = 58,
    DELAYED_AT = 60,
    HEAD = 64,
    ENTRY = 19,
    CHECK = 8,
    SIZE_AT = 8, /* offsets in an entry */
    DAY_AT = 14,
    STATE_AT = 16,
    FLAGS_AT = 17,
    TRIES_AT = 18,
    ABOUT_FLAGS = CMD_ENTRY_OLD_OTHER | CMD_ENTRY_MISSED | CMD_ENTRY_HEADER, /* account and clock */
    OLD_NOTE_AT = 24, /* offsets in one of version 0.1.0: its head begins so, with a note */
    OLD_HEAD = 32,
    OLD_ENTRY = 9,
    OLD_MARKS_AT = 8,
    OLD_MISSED = 0x20
};
#define SIZE_NONE ((UINT64_C(1) << 48) - 1) /* unknown; larger sizes are cut to the one below */

static const unsigned char version[4] = {'P', 'R', 'C', '2'};
static const unsigned char old_version[4] = {'P', 'S', 'N', '1'};

static uint64_t get_number(const unsigned char *p, unsigned octets) {
    uint64_t v = 0;
    while (octets--)
        v = v << 8 | *p++;
    return v;
}

static void form_put_number(unsigned char *p, unsigned octets, uint64_t v) {
    while (octets--) {
        p[octets] = (unsigned char)(v & 0xFF);
        v >>= 8;
    }
}

/* The same of fixed lengths: a run saves each entry several times. */
static void form_put16(unsigned char *p, unsigned v) {
    p[0] = (unsigned char)(v >> 8 & 0xFF);
    p[1] = (unsigned char)(v & 0xFF);
}

static void form_put32(unsigned char *p, uint32_t v) {
    form_put16(p, v >> 16);
    form_put16(p + 2, v & 0xFFFF);
}

static void form_begin_check(popcl_siphash *sip) {
    static const unsigned char no_key[POPCL_SIPHASH_KEY];
    popcl_siphash_begin(sip, no_key);
}

/* ---- saving ---- */

typedef struct writer {
    int (*put)(void *ctx, const void *p, size_t n);
    void *ctx;
    popcl_siphash sip;
} writer;

static int form_write_piece(writer *w, const void *p, size_t n) {
    popcl_siphash_add(&w->sip, p, n);
    return w->put(w->ctx, p, n);
}

/* Returns 1 if account or clock is known. */
static unsigned has_about(const cmd_record *r) {
    return r->account || r->seen_day || r->doubted_at;
}

static void form_head(unsigned char head[HEAD], const cmd_record *r) {
    memset(head, 0, HEAD);
    memcpy(head, version, sizeof version);
    form_put_number(head + COUNT_AT, 4, r->used + has_about(r));
    memcpy(head + KEY_AT, r->key, sizeof r->key);
    memcpy(head + OLD_KEYS_AT, r->old_keys, sizeof r->old_keys);
    head[NO_UIDL_AT] = r->no_uidl;
    head[ONE_AT_A_TIME_AT] = (unsigned char)(r->one_at_a_time | (r->told_expire ? TOLD_EXPIRE : 0));
    form_put16(head + DELAY_AT, r->delay_s);
    form_put32(head + DELAYED_AT, r->delayed_at);
}

static void form_entry(unsigned char out[ENTRY], const cmd_entry *e) {
    uint64_t size = e->size == CMD_SIZE_UNKNOWN ? SIZE_NONE : e->size;
    if (size >= SIZE_NONE && e->size != CMD_SIZE_UNKNOWN) size = SIZE_NONE - 1;
    form_put32(out, (uint32_t)(e->hash >> 32));
    form_put32(out + 4, (uint32_t)(e->hash & UINT32_MAX));
    form_put16(out + SIZE_AT, (unsigned)(size >> 32));
    form_put32(out + SIZE_AT + 2, (uint32_t)(size & UINT32_MAX));
    form_put16(out + DAY_AT, e->day);
    out[STATE_AT] = e->state;
    out[FLAGS_AT] = e->flags;
    out[TRIES_AT] = e->tries;
}

static void form_about(unsigned char out[ENTRY], const cmd_record *r) {
    const cmd_entry about = {.hash = r->account,
                             .size = r->doubted_at,
                             .day = r->seen_day,
                             .state = CMD_STORED,
                             .flags = ABOUT_FLAGS};
    form_entry(out, &about);
}

int cmd_record_save(const cmd_record *r, int (*put)(void *ctx, const void *p, size_t n),
                    void *ctx) {
    unsigned char piece[CMD_PIECE_MAX]; /* 64 entries: whole words of the checksum */
    writer w = {.put = put, .ctx = ctx};
    size_t fill = 0;
    form_begin_check(&w.sip);
    form_head(piece, r);
    int end = form_write_piece(&w, piece, HEAD);
    if (has_about(r)) {
        form_about(piece, r);
        fill = ENTRY;
    }
    for (size_t i = 0; !end && i < r->room; i++) {
        if (!r->slots[i].state) continue;
        form_entry(piece + fill, &r->slots[i]);
        fill += ENTRY;
        if (sizeof piece - fill >= ENTRY) continue;
        end = form_write_piece(&w, piece, fill);
        fill = 0;
    }
    if (!end && fill) end = form_write_piece(&w, piece, fill);
    if (end) return end;
    form_put_number(piece, CHECK, popcl_siphash_end(&w.sip));
    return put(ctx, piece, CHECK);
}

/* ---- loading ---- */

typedef struct reader {
    int (*get)(void *ctx, void *p, size_t n);
    void *ctx;
    popcl_siphash sip;
    br_sha256_context sha; /* the checksum of version 0.1.0 */
    int is_old;
} reader;

static int form_read_piece(reader *f, void *p, size_t n) {
    int end = f->get(f->ctx, p, n);
    if (end) return end;
    if (f->is_old)
        br_sha256_update(&f->sha, p, n);
    else
        popcl_siphash_add(&f->sip, p, n);
    return 0;
}

/* Returns whether save can have written such an entry. */
static int parse_entry(const unsigned char in[ENTRY], cmd_entry *e) {
    uint64_t size = get_number(in + SIZE_AT, 6);
    memset(e, 0, sizeof *e);
    e->hash = get_number(in, 8);
    e->size = size == SIZE_NONE ? CMD_SIZE_UNKNOWN : size;
    e->day = (uint16_t)get_number(in + DAY_AT, 2);
    e->state = in[STATE_AT];
    e->flags = in[FLAGS_AT];
    e->tries = in[TRIES_AT];
    return e->state > CMD_NEW && e->state < CMD_STATES;
}

/* The marks of version 0.1.0: 1 fetched, 2 refused, 4 deletion due, 8 of the run that was killed.
 * Other numbers give no state. A due one lacks LIST's size: it is fetched once more. */
static const unsigned char old_states[16] = {
    [1] = CMD_STORED, [2] = CMD_REFUSED,  [5] = CMD_DUE,  [7] = CMD_DUE,
    [9] = CMD_STORED, [10] = CMD_REFUSED, [12] = CMD_DUE, [13] = CMD_DUE};

static void parse_old_entry(const unsigned char in[OLD_ENTRY], uint64_t note, unsigned kind,
                            cmd_entry *e) {
    memset(e, 0, sizeof *e);
    e->hash = get_number(in, 8);
    e->state = old_states[in[OLD_MARKS_AT] & 15];
    e->size = e->state == CMD_REFUSED ? note : CMD_SIZE_UNKNOWN;
    e->flags = (uint8_t)(kind | (in[OLD_MARKS_AT] & OLD_MISSED ? CMD_ENTRY_MISSED : 0u));
}

/* Returns the place of an old key, or a free one for it; CMD_OLD_KEYS = there is no place. */
static size_t old_slot(const cmd_record *r, const unsigned char *key) {
    static const unsigned char none[CMD_RECORD_KEY];
    size_t k = 0;
    while (k < CMD_OLD_KEYS && memcmp(r->old_keys[k], key, CMD_RECORD_KEY) != 0)
        k++;
    if (k < CMD_OLD_KEYS) return k;
    for (k = 0; k < CMD_OLD_KEYS && memcmp(r->old_keys[k], none, sizeof none) != 0; k++) {}
    return k;
}

/* Reads `count` entries after a head into a record of their own. */
static cmd_loaded form_read_entries(cmd_record *into, reader *f, uint64_t count, uint64_t note,
                                    unsigned kind) {
    unsigned char piece[ENTRY];
    cmd_entry e;
    for (; count; count--) {
        if (form_read_piece(f, piece, f->is_old ? OLD_ENTRY : ENTRY)) return CMD_DAMAGED;
        if (f->is_old)
            parse_old_entry(piece, note, kind, &e);
        else if (!parse_entry(piece, &e))
            return CMD_DAMAGED;
        if (!f->is_old && e.flags == ABOUT_FLAGS) {
            into->account = e.hash;
            into->doubted_at = e.size;
            into->seen_day = e.day;
        } else if (e.state && !cmd_record_put(into, &e)) {
            return CMD_LOAD_NO_ROOM;
        }
    }
    return CMD_LOADED;
}

static int check_is_right(reader *f) {
    unsigned char is[br_sha256_SIZE], should[br_sha256_SIZE];
    size_t n = f->is_old ? sizeof is : CHECK;
    if (f->is_old)
        br_sha256_out(&f->sha, is);
    else
        form_put_number(is, CHECK, popcl_siphash_end(&f->sip));
    return f->get(f->ctx, should, n) == 0 && memcmp(is, should, n) == 0;
}

static cmd_loaded load_new(cmd_record *r, uint64_t len, reader *f, unsigned char head[HEAD]) {
    uint64_t count = get_number(head + COUNT_AT, 4);
    cmd_record loaded;
    if (r->used || len != CMD_SAVED_LEN(count) ||
        form_read_piece(f, head + OLD_HEAD, HEAD - OLD_HEAD))
        return CMD_DAMAGED;
    cmd_record_init(&loaded, head + KEY_AT);
    memcpy(loaded.old_keys, head + OLD_KEYS_AT, sizeof loaded.old_keys);
    loaded.no_uidl = head[NO_UIDL_AT];
    loaded.one_at_a_time = head[ONE_AT_A_TIME_AT] & (TOLD_EXPIRE - 1);
    loaded.told_expire = (head[ONE_AT_A_TIME_AT] & TOLD_EXPIRE) != 0;
    loaded.delay_s = (uint16_t)get_number(head + DELAY_AT, 2);
    loaded.delayed_at = (uint32_t)get_number(head + DELAYED_AT, 4);
    cmd_loaded e = form_read_entries(&loaded, f, count, 0, 0);
    if (e == CMD_LOADED && !check_is_right(f)) e = CMD_DAMAGED;
    if (e == CMD_LOADED) {
        cmd_record_free(r);
        *r = loaded;
    } else {
        cmd_record_free(&loaded);
    }
    return e;
}

static cmd_loaded load_old(cmd_record *r, uint64_t len, reader *f, const unsigned char *head) {
    static const unsigned kinds[CMD_OLD_KEYS] = {CMD_ENTRY_OLD,
                                                 CMD_ENTRY_OLD | CMD_ENTRY_OLD_OTHER};
    uint64_t count = get_number(head + COUNT_AT, 4), note = get_number(head + OLD_NOTE_AT, 8);
    size_t k = old_slot(r, head + KEY_AT);
    cmd_record loaded;
    if (k == CMD_OLD_KEYS || len != OLD_HEAD + count * OLD_ENTRY + br_sha256_SIZE)
        return CMD_DAMAGED;
    cmd_record_init(&loaded, r->key);
    cmd_loaded e = form_read_entries(&loaded, f, count, note, kinds[k]);
    if (e == CMD_LOADED && !check_is_right(f)) e = CMD_DAMAGED;
    for (size_t i = 0; e == CMD_LOADED && i < loaded.room; i++) {
        if (loaded.slots[i].state && !cmd_record_put(r, &loaded.slots[i])) e = CMD_LOAD_NO_ROOM;
    }
    cmd_record_free(&loaded);
    if (e != CMD_LOADED) return e;
    memcpy(r->old_keys[k], head + KEY_AT, CMD_RECORD_KEY);
    r->changed = 1;
    return CMD_LOADED_OLD;
}

cmd_loaded cmd_record_load(cmd_record *r, uint64_t len, int (*get)(void *ctx, void *p, size_t n),
                           void *ctx) {
    unsigned char head[HEAD];
    reader f = {.get = get, .ctx = ctx};
    form_begin_check(&f.sip);
    br_sha256_init(&f.sha);
    size_t n = len < OLD_HEAD ? (size_t)len : OLD_HEAD;
    if (n == 0 || f.get(ctx, head, n)) return CMD_DAMAGED;
    size_t known = n < sizeof version ? n : sizeof version; /* octets that show what file it is */
    f.is_old = memcmp(head, old_version, known) == 0;
    if (!f.is_old && memcmp(head, version, known) != 0) return CMD_NO_RECORD;
    if (n < OLD_HEAD) return CMD_DAMAGED;
    if (f.is_old)
        br_sha256_update(&f.sha, head, OLD_HEAD);
    else
        popcl_siphash_add(&f.sip, head, OLD_HEAD);
    if (f.is_old) return load_old(r, len, &f, head);
    return load_new(r, len, &f, head);
}
