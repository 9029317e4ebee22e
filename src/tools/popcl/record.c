/* SPDX-License-Identifier: MIT */
/* record - see record.h. A table of entries with open addressing. It has a power of two of slots,
 * of which at most three quarters are used. A search begins at the slot of the hash. An entry is
 * taken out by shifting back the entries that it pushed aside.
 *
 * Entries of version 0.1.0 have hashes of another kind under another key. They are in the same
 * table until their message is named; then they are taken over. If no listing names them, they age
 * as all entries do. */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include <bearssl.h>

#include "../../core/siphash.h"

#define OLD_BITS (CMD_ENTRY_OLD | CMD_ENTRY_OLD_OTHER)

/* The next state of each state, in the order of cmd_event: stored, stored and due, marked, refused,
 * failed, broken, left, twice, passed. `first` is for the first event that a session has for a
 * name. `again` is for further ones, which are of another message of that name: there one failure
 * outweighs every success. */
enum {
    NEW = CMD_NEW,
    STORED = CMD_STORED,
    DUE = CMD_DUE,
    MARKED = CMD_MARKED,
    REFUSED = CMD_REFUSED,
    FAILED = CMD_FAILED,
    LAST = CMD_LAST,
    PASSED = CMD_PASSED
};

static const unsigned char first[CMD_STATES][CMD_EVENTS] = {
    [CMD_NEW] = {STORED, DUE, NEW, REFUSED, FAILED, LAST, NEW, NEW, PASSED},
    [CMD_STORED] = {STORED, DUE, MARKED, STORED, STORED, STORED, STORED, STORED, STORED},
    [CMD_DUE] = {DUE, DUE, MARKED, DUE, DUE, DUE, DUE, FAILED, DUE},
    [CMD_MARKED] = {DUE, DUE, MARKED, DUE, DUE, DUE, MARKED, FAILED, DUE},
    [CMD_REFUSED] = {STORED, DUE, REFUSED, REFUSED, FAILED, LAST, REFUSED, REFUSED, PASSED},
    [CMD_FAILED] = {STORED, DUE, FAILED, REFUSED, FAILED, LAST, FAILED, FAILED, PASSED},
    [CMD_LAST] = {STORED, DUE, LAST, REFUSED, FAILED, LAST, LAST, LAST, PASSED},
    [CMD_PASSED] = {STORED, DUE, PASSED, REFUSED, FAILED, LAST, PASSED, PASSED, PASSED},
};

static const unsigned char again[CMD_STATES][CMD_EVENTS] = {
    [CMD_NEW] = {STORED, DUE, NEW, REFUSED, FAILED, LAST, NEW, NEW, PASSED},
    [CMD_STORED] = {STORED, DUE, STORED, FAILED, FAILED, LAST, FAILED, STORED, STORED},
    [CMD_DUE] = {DUE, DUE, MARKED, FAILED, FAILED, LAST, FAILED, DUE, DUE},
    [CMD_MARKED] = {DUE, DUE, MARKED, FAILED, FAILED, LAST, FAILED, MARKED, MARKED},
    [CMD_REFUSED] = {FAILED, FAILED, REFUSED, REFUSED, FAILED, LAST, FAILED, REFUSED, REFUSED},
    [CMD_FAILED] = {FAILED, FAILED, FAILED, FAILED, FAILED, LAST, FAILED, FAILED, FAILED},
    [CMD_LAST] = {LAST, LAST, LAST, LAST, LAST, LAST, LAST, LAST, LAST},
    [CMD_PASSED] = {STORED, DUE, PASSED, REFUSED, FAILED, LAST, PASSED, PASSED, PASSED},
};

/* ---- the table ---- */

enum {
    FIRST_ROOM = 128,
    DELAY_MAX = 3600, /* seconds: in clear text anybody on the way can name a delay */
    DAY_S = 86400,
    CLOCK_MAX_DAYS = 30 /* a clock that runs on so far between two runs is in doubt */
};

static size_t after(const cmd_record *r, size_t i) { return (i + 1) & (r->room - 1); }

static int is_same(const cmd_entry *e, uint64_t hash, unsigned old) {
    return e->hash == hash && (e->flags & OLD_BITS) == old;
}

/* Returns the slot of a hash, or its free slot. */
static size_t seek(const cmd_record *r, uint64_t hash, unsigned old) {
    size_t i = (size_t)hash & (r->room - 1);
    while (r->slots[i].state && !is_same(&r->slots[i], hash, old))
        i = after(r, i);
    return i;
}

/* Doubles the table. Returns 0 if there is no memory. */
static int record_grow(cmd_record *r) {
    cmd_record larger = *r;
    larger.room = r->room ? 2 * r->room : FIRST_ROOM;
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (!larger.slots) return 0;
    for (size_t i = 0; r->slots && i < r->room; i++) {
        const cmd_entry *e = &r->slots[i];
        if (e->state) larger.slots[seek(&larger, e->hash, e->flags & OLD_BITS)] = *e;
    }
    free(r->slots);
    *r = larger;
    return 1;
}

/* Returns the slot for a hash, free or not, with room for one entry more; NULL = there is no
 * memory. */
static cmd_entry *record_place(cmd_record *r, uint64_t hash, unsigned old) {
    if (r->used + 1 > r->room / 4 * 3 && !record_grow(r)) return NULL;
    return &r->slots[seek(r, hash, old)];
}

/* Frees slot i, and moves back entries that would no longer be found after it. */
static void record_take_out(cmd_record *r, size_t i) {
    if (r->slots[i].flags & CMD_ENTRY_OLD) r->old--;
    for (size_t j = after(r, i); r->slots[j].state; j = after(r, j)) {
        size_t home = (size_t)r->slots[j].hash & (r->room - 1);
        if (((j - home) & (r->room - 1)) < ((j - i) & (r->room - 1))) continue;
        r->slots[i] = r->slots[j];
        i = j;
    }
    memset(&r->slots[i], 0, sizeof r->slots[i]);
    r->used--;
    r->changed = 1;
}

void cmd_record_init(cmd_record *r, const unsigned char key[CMD_RECORD_KEY]) {
    memset(r, 0, sizeof *r);
    memcpy(r->key, key, sizeof r->key);
}

void cmd_record_free(cmd_record *r) {
    free(r->slots);
    memset(r, 0, sizeof *r);
}

/* Two records of one account know one message. */
static void record_join(cmd_entry *into, const cmd_entry *e) {
    /* The higher state fetches more, or deletes less. */
    static const unsigned char rank[CMD_STATES] = {
        [CMD_MARKED] = 1,  [CMD_DUE] = 1,    [CMD_STORED] = 2, [CMD_PASSED] = 3,
        [CMD_REFUSED] = 4, [CMD_FAILED] = 5, [CMD_LAST] = 6};
    cmd_entry kept = *into, other = *e;
    if (rank[other.state] > rank[kept.state]) kept = *e, other = *into;
    /* the lower limit is the one that is raised first */
    if (other.state == CMD_REFUSED && kept.state == CMD_REFUSED && other.size < kept.size)
        kept.size = other.size;
    if (!(other.flags & CMD_ENTRY_MISSED)) kept.flags &= (uint8_t)~CMD_ENTRY_MISSED;
    if (other.day > kept.day) kept.day = other.day;
    *into = kept;
}

int cmd_record_put(cmd_record *r, const cmd_entry *e) {
    cmd_entry *slot = record_place(r, e->hash, e->flags & OLD_BITS);
    if (!slot) return 0;
    if (slot->state) {
        record_join(slot, e);
        return 1;
    }
    *slot = *e;
    r->used++;
    if (e->flags & CMD_ENTRY_OLD) r->old++;
    return 1;
}

/* ---- names ---- */

static int is_header_name(const char *name, size_t len) {
    size_t n = sizeof CMD_HEADER_NAME - 1;
    return len > n && memcmp(name, CMD_HEADER_NAME, n) == 0;
}

/* One line of a listing is listed, looked up and decided on: its name is hashed once. */
static uint64_t hash_of(cmd_record *r, const char *name, size_t len) {
    popcl_siphash h;
    if (len && len == r->last_len && memcmp(name, r->last_name, len) == 0) return r->last_hash;
    popcl_siphash_begin(&h, r->key);
    popcl_siphash_add(&h, name, len);
    uint64_t hash = popcl_siphash_end(&h);
    if (len > sizeof r->last_name) return hash;
    memcpy(r->last_name, name, len);
    r->last_len = (uint8_t)len;
    r->last_hash = hash;
    return hash;
}

uint64_t cmd_record_old_hash(const unsigned char key[CMD_RECORD_KEY], const char *name,
                             size_t len) {
    unsigned char digest[br_sha256_SIZE];
    uint64_t hash = 0;
    br_sha256_context sha;
    br_sha256_init(&sha);
    br_sha256_update(&sha, key, CMD_RECORD_KEY);
    br_sha256_update(&sha, name, len);
    br_sha256_out(&sha, digest);
    for (unsigned i = 0; i < 8; i++)
        hash = hash << 8 | digest[i];
    return hash;
}

/* Gives an entry of version 0.1.0, if there is one for this name, the hash of this version. If both
 * old records have one, the two become one. */
static cmd_entry *take_over(cmd_record *r, const char *name, size_t len, uint64_t hash) {
    static const unsigned kinds[CMD_OLD_KEYS] = {CMD_ENTRY_OLD, OLD_BITS};
    int is_known = 0;
    for (size_t k = 0; r->old && k < CMD_OLD_KEYS; k++) {
        size_t i = seek(r, cmd_record_old_hash(r->old_keys[k], name, len), kinds[k]);
        cmd_entry e = r->slots[i];
        if (!e.state) continue;
        record_take_out(r, i);
        e.hash = hash;
        e.flags = (uint8_t)((e.flags & CMD_ENTRY_MISSED) | CMD_ENTRY_TAKEN |
                            (is_header_name(name, len) ? CMD_ENTRY_HEADER : 0));
        e.day = r->today;
        (void)cmd_record_put(r, &e); /* there is room: one entry was taken out */
        is_known = 1;
    }
    return is_known ? &r->slots[seek(r, hash, 0)] : NULL;
}

static cmd_entry *record_find(cmd_record *r, const char *name, size_t len, uint64_t hash) {
    if (r->used == 0 || len == 0) return NULL;
    cmd_entry *e = &r->slots[seek(r, hash, 0)];
    if (!e->state) e = take_over(r, name, len, hash);
    return e;
}

const cmd_entry *cmd_record_find(cmd_record *r, const char *name, size_t len) {
    return record_find(r, name, len, hash_of(r, name, len));
}

/* ---- states ---- */

/* The only writer of e->state, except for entries that come from outside. */
static void record_enter(cmd_record *r, cmd_entry *e, cmd_state next) {
    if (e->state != next) r->changed = 1;
    e->state = (uint8_t)next;
}

static int is_stored_state(unsigned state) {
    return state == CMD_STORED || state == CMD_DUE || state == CMD_MARKED;
}

/* Returns whether an earlier run deleted the message: then another message has its name now. A
 * server may take some time to delete, so that a further session of the same run still sees the old
 * one. */
static int is_gone(const cmd_entry *e) {
    return e->flags & CMD_ENTRY_GONE && !(e->live & CMD_LIVE_RUN);
}

cmd_state cmd_record_state(const cmd_entry *e) {
    if (!e || e->live & CMD_LIVE_TOLD || e->flags & CMD_ENTRY_UNSURE || is_gone(e)) return CMD_NEW;
    return e->state == CMD_MARKED ? CMD_DUE : (cmd_state)e->state;
}

int cmd_record_is_deferred(const cmd_entry *e) {
    if (!e || e->live & CMD_LIVE_TOLD) return 0;
    return e->state == CMD_LAST || e->live & CMD_LIVE_BROKE;
}

/* Returns whether an event finds an entry as if it was new. The message that an earlier session
 * stored is then gone, or may be another one. */
static int is_as_new(const cmd_entry *e) {
    return is_gone(e) || (e->flags & CMD_ENTRY_UNSURE && !(e->live & CMD_LIVE_TOLD));
}

static void note_entry(cmd_record *r, cmd_entry *e, cmd_event event, uint64_t number,
                       uint16_t day) {
    int is_nothing = event == CMD_ON_LEFT || event == CMD_ON_TWICE; /* the message was not tried */
    int as_new = is_as_new(e);
    if (as_new && first[CMD_NEW][event] == CMD_NEW) return;
    unsigned state = as_new ? CMD_NEW : e->state;
    int is_again = is_stored_state(state) && e->day && e->size == number;
    if (as_new) e->size = CMD_SIZE_UNKNOWN;
    if (as_new) e->flags &= (uint8_t)~CMD_ENTRY_UNSURE;
    record_enter(r, e, (cmd_state)(e->live & CMD_LIVE_TOLD ? again : first)[state][event]);
    r->changed = 1;
    switch (event) {
    case CMD_ON_STORED:
    case CMD_ON_STORED_DUE:
        if (number != CMD_SIZE_UNKNOWN || e->state == CMD_STORED) e->size = number;
        if (!is_again) e->day = day;
        e->tries = 0;
        e->live = (uint8_t)((e->live | CMD_LIVE_RUN) & ~CMD_LIVE_BROKE);
        e->flags &= (uint8_t) ~(CMD_ENTRY_TAKEN | CMD_ENTRY_UNSURE | CMD_ENTRY_AWAY);
        if (r->unsure) e->flags |= CMD_ENTRY_UNSURE;
        r->unsaved++;
        break;
    case CMD_ON_REFUSED:
        if (e->state != CMD_REFUSED) break;
        e->size = number;
        if (number == 0) e->day = day;
        break;
    case CMD_ON_BROKEN:
        e->live |= CMD_LIVE_BROKE;
        if (e->tries < UINT8_MAX) e->tries++;
        break;
    default: break;
    }
    if (is_nothing) return;
    e->live |= CMD_LIVE_TOLD | CMD_LIVE_NAMED;
    e->flags &= (uint8_t) ~(CMD_ENTRY_MISSED | CMD_ENTRY_GONE);
}

void cmd_record_note(cmd_record *r, const char *name, size_t len, cmd_event event, uint64_t number,
                     uint16_t day) {
    uint64_t hash = hash_of(r, name, len);
    cmd_entry *e = record_find(r, name, len, hash);
    if (len == 0) return;
    if (!e) {
        cmd_entry fresh = {.hash = hash, .size = CMD_SIZE_UNKNOWN};
        fresh.state = first[CMD_NEW][event];
        if (fresh.state == CMD_NEW) return;
        if (is_header_name(name, len)) fresh.flags = CMD_ENTRY_HEADER;
        if (!cmd_record_put(r, &fresh)) {
            r->no_memory = 1;
            return;
        }
        r->changed = 1;
        e = &r->slots[seek(r, hash, 0)];
    }
    note_entry(r, e, event, number, day);
}

void cmd_record_note_old(cmd_record *r, const char *name, size_t len, uint16_t day) {
    cmd_record_note(r, name, len, CMD_ON_REFUSED, 0, day);
}

uint16_t cmd_record_old_day(const cmd_entry *e) {
    return cmd_record_state(e) == CMD_REFUSED && e->size == 0 ? e->day : 0;
}

void cmd_record_leave_out(cmd_record *r, const char *name, size_t len) {
    cmd_entry *e = record_find(r, name, len, hash_of(r, name, len));
    if (e) e->live |= CMD_LIVE_OTHER;
}

int cmd_record_defer(cmd_record *r, const char *name, size_t len) {
    cmd_entry *e = record_find(r, name, len, hash_of(r, name, len));
    if (!e || e->state != CMD_REFUSED) return 0;
    e->live |= CMD_LIVE_BROKE;
    if (e->tries < UINT8_MAX) e->tries++;
    r->changed = 1;
    return 1;
}

/* ---- age and place ---- */

static uint16_t newest_day(const cmd_record *r) {
    uint16_t newest = r->seen_day;
    const cmd_entry *e;
    for (size_t at = 0; (e = cmd_record_next(r, &at));)
        if (is_stored_state(e->state) && e->day > newest) newest = e->day;
    return newest;
}

void cmd_record_see_clock(cmd_record *r, uint64_t now) {
    uint64_t day = now / DAY_S;
    uint16_t newest = newest_day(r);
    r->today = 0;
    if (day == 0 || day > UINT16_MAX) return;
    if (newest && (day < newest || day > newest + (uint64_t)CLOCK_MAX_DAYS)) {
        /* a clock that went back and then jumped ahead was wrong twice: it does not agree */
        int is_same_side = (r->doubted_at / DAY_S < newest) == (day < newest);
        if (!r->doubted_at || now < r->doubted_at || !is_same_side) {
            r->doubted_at = now;
            r->changed = 1;
            return;
        }
        if (now - r->doubted_at < DAY_S) return;
    }
    if (r->used && (r->doubted_at || r->seen_day != day)) r->changed = 1;
    r->doubted_at = 0;
    r->seen_day = r->today = (uint16_t)day;
    for (size_t i = 0; i < r->room; i++) {
        cmd_entry *e = &r->slots[i];
        if (!is_stored_state(e->state) || (e->day && e->day <= day)) continue;
        e->day = (uint16_t)day;
        r->changed = 1;
    }
}

void cmd_record_start_age(cmd_record *r, const char *name, size_t len, uint64_t size) {
    cmd_entry *e = record_find(r, name, len, hash_of(r, name, len));
    if (cmd_record_state(e) != CMD_STORED || e->live & CMD_LIVE_TWICE ||
        e->size != CMD_SIZE_UNKNOWN || size == CMD_SIZE_UNKNOWN)
        return;
    e->size = size;
    e->day = r->today;
    r->changed = 1;
}

int cmd_record_may_go(const cmd_entry *e, uint64_t size) {
    cmd_state state = cmd_record_state(e);
    if (state != CMD_STORED && state != CMD_DUE) return 0;
    if (e->flags & (CMD_ENTRY_AWAY | CMD_ENTRY_HEADER) || e->live & CMD_LIVE_TWICE) return 0;
    return e->size == size && size != CMD_SIZE_UNKNOWN;
}

int cmd_record_is_old(const cmd_record *r, const cmd_entry *e, unsigned days) {
    return r->today && e->day && r->today >= e->day && (unsigned)(r->today - e->day) >= days;
}

/* ---- listings and sessions ---- */

void cmd_record_begin(cmd_record *r) {
    for (size_t i = 0; i < r->room; i++)
        r->slots[i].live &= CMD_LIVE_RUN | CMD_LIVE_BROKE | CMD_LIVE_TRIED;
}

/* A complete listing has ended for entry i. Returns 0 if the entry was taken out; its slot may then
 * have another one. */
static int record_grow_older(cmd_record *r, size_t i) {
    cmd_entry *e = &r->slots[i];
    if (e->live & CMD_LIVE_NAMED) return 1;
    if (e->flags & CMD_ENTRY_MISSED) {
        record_take_out(r, i);
        return 0;
    }
    e->flags |= CMD_ENTRY_MISSED;
    r->changed = 1;
    return 1;
}

/* Every entry grows older once. The walk begins after a free slot and goes once round. An entry
 * that take_out moves was not yet visited, and moves to a slot that the walk still reaches. */
static void listing_ends(cmd_record *r) {
    size_t i = 0;
    if (r->used == 0) return;
    while (r->slots[i].state)
        i = after(r, i);
    for (size_t left = r->room - 1; left > 0; left--) {
        i = after(r, i);
        while (r->slots[i].state && !record_grow_older(r, i)) {}
    }
}

void cmd_record_listed(cmd_record *r, const char *name, size_t len) {
    if (!name) {
        listing_ends(r);
        return;
    }
    cmd_entry *e = record_find(r, name, len, hash_of(r, name, len));
    if (!e) return;
    if (e->live & CMD_LIVE_NAMED) {
        e->live |= CMD_LIVE_TWICE;
        note_entry(r, e, CMD_ON_TWICE, 0, 0);
    }
    e->live |= CMD_LIVE_NAMED;
    if (!(e->flags & CMD_ENTRY_MISSED)) return;
    e->flags &= (uint8_t)~CMD_ENTRY_MISSED;
    /* the server may have deleted it after its DELE: it is not deleted unfetched any more */
    if (e->state == CMD_DUE || e->state == CMD_MARKED) e->flags |= CMD_ENTRY_GONE;
    if (e->state == CMD_STORED) e->flags |= CMD_ENTRY_AWAY;
    r->changed = 1;
}

void cmd_record_see_size(cmd_record *r, const char *name, size_t len, uint64_t size) {
    cmd_entry *e = record_find(r, name, len, hash_of(r, name, len));
    if (!e || !(e->flags & CMD_ENTRY_TAKEN) || e->size != CMD_SIZE_UNKNOWN) return;
    e->size = size;
    e->flags &= (uint8_t)~CMD_ENTRY_TAKEN;
    r->changed = 1;
}

size_t cmd_record_forget(cmd_record *r, const char *name, size_t len) {
    size_t n = r->used;
    if (!name) {
        cmd_record fresh;
        cmd_record_init(&fresh, r->key);
        fresh.account = r->account;
        fresh.changed = 1;
        cmd_record_free(r);
        *r = fresh;
        return n;
    }
    uint64_t hash = hash_of(r, name, len);
    while (record_find(r, name, len, hash)) /* old records may know it too */
        record_take_out(r, seek(r, hash, 0));
    return n - r->used;
}

static int record_is_left(const cmd_entry *e) {
    if (e->state == CMD_REFUSED || e->live & CMD_LIVE_OTHER) return 0;
    return (e->state == CMD_LAST || e->live & CMD_LIVE_BROKE) && e->live & CMD_LIVE_NAMED;
}

size_t cmd_record_left(const cmd_record *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->room; i++)
        n += (size_t)record_is_left(&r->slots[i]);
    return n;
}

const cmd_entry *cmd_record_pick(const cmd_record *r) {
    const cmd_entry *best = NULL;
    for (size_t i = 0; i < r->room; i++) {
        const cmd_entry *e = &r->slots[i];
        if (!record_is_left(e) || e->live & CMD_LIVE_TRIED) continue;
        if (!best || e->tries < best->tries) best = e;
    }
    return best;
}

void cmd_record_trying(cmd_record *r, uint64_t hash) {
    cmd_entry *e = r->room ? &r->slots[seek(r, hash, 0)] : NULL;
    if (e && e->state) e->live |= CMD_LIVE_TRIED;
}

void cmd_record_confirm(cmd_record *r, int confirmed) {
    for (size_t i = 0; i < r->room; i++) {
        cmd_entry *e = &r->slots[i];
        if (e->state != CMD_MARKED || !(e->live & CMD_LIVE_TOLD)) continue;
        record_enter(r, e, confirmed ? CMD_STORED : CMD_DUE);
        if (!confirmed) continue;
        e->flags |= CMD_ENTRY_GONE;
        e->live |= CMD_LIVE_RUN;
    }
}

void cmd_record_is_sure(cmd_record *r) {
    for (size_t i = 0; i < r->room; i++) {
        cmd_entry *e = &r->slots[i];
        if (!(e->flags & CMD_ENTRY_UNSURE) || !(e->live & CMD_LIVE_TOLD)) continue;
        e->flags &= (uint8_t)~CMD_ENTRY_UNSURE;
        r->changed = 1;
    }
    r->unsure = 0;
}

/* ---- questions ---- */

const cmd_entry *cmd_record_next(const cmd_record *r, size_t *at) {
    while (*at < r->room && !r->slots[*at].state)
        ++*at;
    return *at < r->room ? &r->slots[(*at)++] : NULL;
}

static int any(const cmd_record *r, int (*is)(const cmd_entry *e)) {
    const cmd_entry *e;
    for (size_t at = 0; (e = cmd_record_next(r, &at));) {
        if (is(e)) return 1;
    }
    return 0;
}

static int is_by_uid(const cmd_entry *e) {
    return !(e->flags & (CMD_ENTRY_HEADER | CMD_ENTRY_OLD));
}

static int is_by_header(const cmd_entry *e) { return (e->flags & CMD_ENTRY_HEADER) != 0; }

static int is_failed(const cmd_entry *e) { return e->state == CMD_FAILED; }

static int is_deferred_header(const cmd_entry *e) {
    return e->flags & CMD_ENTRY_HEADER && (e->state == CMD_LAST || e->live & CMD_LIVE_BROKE);
}

void cmd_record_delay(cmd_record *r, uint32_t delay_s, uint64_t now) {
    r->delay_s = (uint16_t)(delay_s < DELAY_MAX ? delay_s : DELAY_MAX);
    r->delayed_at = (uint32_t)now;
    r->changed = 1;
}

uint32_t cmd_record_delay_left(const cmd_record *r, uint64_t now) {
    uint64_t since = now - r->delayed_at;
    return now < r->delayed_at || since >= r->delay_s ? 0 : r->delay_s - (uint32_t)since;
}

int cmd_record_has_uids(const cmd_record *r) { return any(r, is_by_uid); }

int cmd_record_has_headers(const cmd_record *r) { return any(r, is_by_header); }

int cmd_record_has_failed(const cmd_record *r) { return any(r, is_failed); }

int cmd_record_has_deferred_headers(const cmd_record *r) { return any(r, is_deferred_header); }
