/* SPDX-License-Identifier: MIT */
/* seen - a set of UIDs in the caller's memory, as keyed hashes (popcl_seen.h). It knows nothing of
 * sessions, of files, or of the meaning of UIDs.
 *
 * The table has slots of 9 bytes, with open addressing and linear probing: 8 bytes of hash and one
 * of flags. The flags are 0 if the slot is free. The home of an entry depends on its hash alone, so
 * that a saved entry can be put back without its UID. When an entry is taken out, the entries that
 * it pushed aside are shifted back. So there are no tombstones. At least one slot stays free, at
 * which every search ends.
 *
 * An entry ages at the end of each complete listing:
 *     fresh --not named--> MISSED --not named--> gone;    named or put: fresh again
 */
#include "popcl_seen.h"

#include <string.h>

#include "siphash.h"

enum {
    HASH = 8,      /* bytes of an entry's hash; its flags follow */
    NAMED = 0x10,  /* flag: the listing that is being read named it, or it was put meanwhile; never
                      saved */
    MISSED = 0x20, /* flag: the last complete listing did not name it */
    KEY_AT = 8,    /* of a saved set: 4 bytes of version, 4 of count, */
    NOTE_AT = 24,  /* the key, the note, */
    HEAD = 32,     /* the entries, */
    CHECK = 8,     /* and SipHash over all before, with a key of zeros; numbers big-endian */
    PIECE_ENTRIES = 7 /* entries that are saved and loaded at once: 63 bytes */
};

static const unsigned char version[4] = {'P', 'S', 'N', '2'};

/* ---- the table ---- */

static unsigned char *slot(const popcl_seen *s, size_t i) {
    return s->memory + i * POPCL_SEEN_ENTRY;
}

static size_t next(const popcl_seen *s, size_t i) { return i + 1 == s->slots ? 0 : i + 1; }

/* Returns how many entries the table may hold. Above 7/8, searches become long, and one slot must
 * stay free. */
static size_t room(const popcl_seen *s) { return s->slots < 2 ? 0 : s->slots - s->slots / 8 - 1; }

static uint32_t get32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(unsigned char *p, uint32_t v) {
    for (int i = 3; i >= 0; i--, v >>= 8)
        p[i] = (unsigned char)(v & 0xFF);
}

static void put64(unsigned char *p, uint64_t v) {
    put32(p, (uint32_t)(v >> 32));
    put32(p + 4, (uint32_t)(v & UINT32_MAX));
}

/* Returns the slot at which a search for this hash begins: the hash as a fraction of the table,
 * which needs no division. */
static size_t home(const popcl_seen *s, const unsigned char *hash) {
    return (size_t)((uint64_t)get32(hash) * s->slots >> 32);
}

/* Returns the slot of this hash, or the free slot to which it belongs. */
static unsigned char *find(const popcl_seen *s, const unsigned char *hash) {
    size_t i = home(s, hash);
    while (slot(s, i)[HASH] && memcmp(slot(s, i), hash, HASH) != 0)
        i = next(s, i);
    return slot(s, i);
}

/* Returns the steps from slot `from` to slot `to`, round the end of the table. */
static size_t steps(const popcl_seen *s, size_t from, size_t to) {
    return to >= from ? to - from : to + s->slots - from;
}

/* Frees slot i. An entry that would no longer be found from its home moves into the free slot. The
 * slot that it leaves is filled in the same way. Only slots between i and the next free one change.
 */
static void take_out(popcl_seen *s, size_t i) {
    for (size_t j = next(s, i); slot(s, j)[HASH]; j = next(s, j)) {
        /* its home is after i */
        if (steps(s, home(s, slot(s, j)), j) < steps(s, i, j)) continue;
        memcpy(slot(s, i), slot(s, j), POPCL_SEEN_ENTRY);
        i = j;
    }
    slot(s, i)[HASH] = 0;
    s->used--;
}

static void clear(popcl_seen *s) {
    for (size_t i = 0; i < s->slots; i++)
        slot(s, i)[HASH] = 0;
    s->used = 0;
    s->note = 0;
    s->listing = 0;
}

/* Puts back an entry as it was in another table. Returns 0 if its hash is already in this one. */
static int put_back(popcl_seen *s, const unsigned char *entry) {
    unsigned char *e = find(s, entry);
    if (e[HASH]) return 0;
    memcpy(e, entry, POPCL_SEEN_ENTRY);
    s->used++;
    return 1;
}

/* ---- the set ---- */

popcl_err popcl_seen_init(popcl_seen *s, void *memory, size_t len, const unsigned char key[16]) {
    memset(s, 0, sizeof *s);
    if (!memory || !key || len / POPCL_SEEN_ENTRY < 2) return POPCL_ERR_ARGUMENT;
    s->memory = memory;
    s->slots = len / POPCL_SEEN_ENTRY;
    if (s->slots > UINT32_MAX) s->slots = UINT32_MAX; /* home and the saved form count in 32 bits */
    memcpy(s->key, key, sizeof s->key);
    clear(s);
    return POPCL_OK;
}

/* Returns the slot of a UID, or the free slot to which it belongs. */
static unsigned char *find_uid(const popcl_seen *s, const char *uid, size_t uid_len,
                               unsigned char hash[HASH]) {
    popcl_siphash sip;
    popcl_siphash_begin(&sip, s->key);
    popcl_siphash_add(&sip, uid, uid_len);
    put64(hash, popcl_siphash_end(&sip));
    return find(s, hash);
}

unsigned popcl_seen_get(const popcl_seen *s, const char *uid, size_t uid_len) {
    unsigned char hash[HASH];
    if (s->used == 0 || !uid || uid_len == 0) return 0;
    return find_uid(s, uid, uid_len, hash)[HASH] & POPCL_SEEN_MARKS;
}

popcl_err popcl_seen_put(popcl_seen *s, const char *uid, size_t uid_len, unsigned marks) {
    unsigned char hash[HASH];
    if (!uid || uid_len == 0 || (marks & ~POPCL_SEEN_MARKS)) return POPCL_ERR_ARGUMENT;
    if (s->slots == 0) return marks ? POPCL_ERR_SEEN_FULL : POPCL_OK;
    unsigned char *e = find_uid(s, uid, uid_len, hash);
    if (marks == 0) {
        if (e[HASH]) take_out(s, (size_t)(e - s->memory) / POPCL_SEEN_ENTRY);
        return POPCL_OK;
    }
    if (e[HASH] == 0) {
        if (s->used >= room(s)) return POPCL_ERR_SEEN_FULL;
        memcpy(e, hash, HASH);
        s->used++;
    }
    /* After the end of a listing, it is enough that the entry is not MISSED: NAMED would count for
     * the next listing. */
    e[HASH] = (unsigned char)(marks | (s->listing ? (unsigned)NAMED : 0u));
    return POPCL_OK;
}

/* Ages entry i at the end of a complete listing. Returns 0 if this took the entry out; another
 * entry may then be in its slot. */
static int grow_older(popcl_seen *s, size_t i) {
    unsigned char *flags = slot(s, i) + HASH;
    unsigned marks = *flags & POPCL_SEEN_MARKS;
    if ((*flags & (NAMED | MISSED)) == MISSED) {
        take_out(s, i);
        return 0;
    }
    *flags = (unsigned char)(*flags & NAMED ? marks : marks | MISSED);
    return 1;
}

/* Gives entry i the marks that f returns. Returns as grow_older. */
static int mark_anew(popcl_seen *s, size_t i, unsigned (*f)(void *ctx, unsigned marks), void *ctx) {
    unsigned char *flags = slot(s, i) + HASH;
    unsigned marks = f(ctx, *flags & POPCL_SEEN_MARKS) & POPCL_SEEN_MARKS;
    if (marks == 0) {
        take_out(s, i);
        return 0;
    }
    *flags = (unsigned char)((*flags & ~POPCL_SEEN_MARKS) | marks);
    return 1;
}

/* Visits every entry once: the entry ages, or f marks it anew. The walk starts after a free slot
 * and goes round the table once. take_out moves an entry only towards the beginning of its run of
 * used slots, and no run crosses the start. So an entry that moves was not visited yet, and the
 * walk still comes to its new slot. */
static void go_round(popcl_seen *s, unsigned (*f)(void *ctx, unsigned marks), void *ctx) {
    size_t i = 0;
    if (s->used == 0) return;
    while (slot(s, i)[HASH])
        i = next(s, i);
    for (size_t left = s->slots - 1; left > 0; left--) {
        i = next(s, i);
        while (slot(s, i)[HASH] && !(f ? mark_anew(s, i, f, ctx) : grow_older(s, i))) {}
    }
}

void popcl_seen_each(popcl_seen *s, unsigned (*f)(void *ctx, unsigned marks), void *ctx) {
    if (f) go_round(s, f, ctx);
}

typedef struct settling {
    size_t settled;
    int sure;
} settling;

static unsigned settle(void *ctx, unsigned marks) {
    settling *of = ctx;
    if (!(marks & POPCL_SEEN_UNSURE)) return marks;
    of->settled++;
    return of->sure ? marks & ~POPCL_SEEN_UNSURE : 0;
}

size_t popcl_seen_settle(popcl_seen *s, int sure) {
    settling of = {.sure = sure};
    go_round(s, settle, &of);
    return of.settled;
}

void popcl_seen_listed(popcl_seen *s, const char *uid, size_t uid_len) {
    unsigned char hash[HASH];
    s->listing = uid != NULL;
    if (!uid) {
        go_round(s, NULL, NULL);
    } else if (s->used && uid_len) {
        unsigned char *e = find_uid(s, uid, uid_len, hash);
        if (e[HASH]) e[HASH] |= NAMED;
    }
}

popcl_err popcl_seen_move(popcl_seen *to, const popcl_seen *from) {
    if (to->used || to->slots == 0 || to->memory == from->memory) return POPCL_ERR_ARGUMENT;
    /* with another key the hashes would have no meaning */
    if (memcmp(to->key, from->key, sizeof to->key) != 0) return POPCL_ERR_ARGUMENT;
    if (from->used > room(to)) return POPCL_ERR_SEEN_FULL;
    for (size_t i = 0; i < from->slots; i++) {
        if (slot(from, i)[HASH]) (void)put_back(to, slot(from, i));
    }
    to->note = from->note;
    to->listing = from->listing;
    return POPCL_OK;
}

/* ---- saving and loading ---- */

static void begin_check(popcl_siphash *sip) {
    static const unsigned char no_key[POPCL_SIPHASH_KEY];
    popcl_siphash_begin(sip, no_key);
}

typedef struct writer {
    int (*put)(void *ctx, const void *p, size_t n);
    void *ctx;
    popcl_siphash sip;
} writer;

/* Returns 0, or the result of put. */
static int write_piece(writer *w, const void *p, size_t n) {
    popcl_siphash_add(&w->sip, p, n);
    return w->put(w->ctx, p, n);
}

popcl_err popcl_seen_save(const popcl_seen *s, int (*put)(void *ctx, const void *p, size_t n),
                          void *ctx) {
    unsigned char piece[PIECE_ENTRIES * POPCL_SEEN_ENTRY];
    size_t fill = 0;
    writer w;
    w.put = put;
    w.ctx = ctx;
    begin_check(&w.sip);
    memcpy(piece, version, sizeof version);
    put32(piece + sizeof version, (uint32_t)s->used);
    memcpy(piece + KEY_AT, s->key, sizeof s->key);
    put64(piece + NOTE_AT, s->note);
    if (write_piece(&w, piece, HEAD)) return POPCL_ERR_SINK;
    for (size_t i = 0; i < s->slots; i++) {
        if (slot(s, i)[HASH] == 0) continue;
        memcpy(piece + fill, slot(s, i), POPCL_SEEN_ENTRY);
        /* a listing that goes on after a restart is another one */
        piece[fill + HASH] &= (unsigned char)~NAMED;
        fill += POPCL_SEEN_ENTRY;
        if (fill < sizeof piece) continue;
        if (write_piece(&w, piece, fill)) return POPCL_ERR_SINK;
        fill = 0;
    }
    if (fill && write_piece(&w, piece, fill)) return POPCL_ERR_SINK;
    put64(piece, popcl_siphash_end(&w.sip));
    return put(ctx, piece, CHECK) ? POPCL_ERR_SINK : POPCL_OK;
}

typedef struct reader {
    int (*get)(void *ctx, void *p, size_t n);
    void *ctx;
    popcl_siphash sip;
} reader;

/* Returns 0, or the result of get. */
static int read_piece(reader *r, void *p, size_t n) {
    int end = r->get(r->ctx, p, n);
    if (end == 0) popcl_siphash_add(&r->sip, p, n);
    return end;
}

/* Returns whether save can have written this entry. */
static int sound(const unsigned char *entry) {
    unsigned flags = entry[HASH];
    return (flags & POPCL_SEEN_MARKS) && !(flags & ~(POPCL_SEEN_MARKS | (unsigned)MISSED));
}

/* Reads `count` entries, and keeps them if there is room for all. Without room the entries are
 * still read, since damage may have changed the count. The checksum then shows whether the set is
 * damaged, or only too large. */
static popcl_err read_entries(popcl_seen *s, reader *r, uint32_t count) {
    unsigned char piece[PIECE_ENTRIES * POPCL_SEEN_ENTRY];
    int fits = count <= room(s);
    while (count) {
        size_t n = count < PIECE_ENTRIES ? count : PIECE_ENTRIES;
        if (read_piece(r, piece, n * POPCL_SEEN_ENTRY)) return POPCL_ERR_SEEN_DAMAGED;
        for (const unsigned char *e = piece; e < piece + n * POPCL_SEEN_ENTRY;
             e += POPCL_SEEN_ENTRY) {
            if (!sound(e)) return POPCL_ERR_SEEN_DAMAGED;
            if (fits && !put_back(s, e)) return POPCL_ERR_SEEN_DAMAGED;
        }
        count -= (uint32_t)n;
    }
    return fits ? POPCL_OK : POPCL_ERR_SEEN_FULL;
}

/* Reads the checksum. Returns whether it is right and nothing follows it. */
static int read_end(reader *r) {
    unsigned char is[CHECK], should[CHECK];
    put64(is, popcl_siphash_end(&r->sip));
    return r->get(r->ctx, should, CHECK) == 0 && memcmp(is, should, CHECK) == 0 &&
           r->get(r->ctx, should, 1) != 0;
}

popcl_err popcl_seen_load(popcl_seen *s, int (*get)(void *ctx, void *p, size_t n), void *ctx) {
    unsigned char head[HEAD];
    popcl_err e = POPCL_ERR_SEEN_DAMAGED;
    reader r;
    r.get = get;
    r.ctx = ctx;
    begin_check(&r.sip);
    clear(s);
    if (read_piece(&r, head, HEAD) == 0 && memcmp(head, version, sizeof version) == 0) {
        e = read_entries(s, &r, get32(head + sizeof version));
    }
    if (e != POPCL_ERR_SEEN_DAMAGED && !read_end(&r)) e = POPCL_ERR_SEEN_DAMAGED;
    if (e != POPCL_OK) {
        clear(s);
        return e;
    }
    memcpy(s->key, head + KEY_AT, sizeof s->key);
    s->note = (uint64_t)get32(head + NOTE_AT) << 32 | get32(head + NOTE_AT + 4);
    return POPCL_OK;
}
