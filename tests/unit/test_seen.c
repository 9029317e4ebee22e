/* SPDX-License-Identifier: MIT */
/* Tests of popcl_seen: the set against a plain array that does the same, its saved form against
 * every damage, and its memory's edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_seen.h"

static const unsigned char key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const unsigned char other_key[16] = {0xFF, 2, 3};

/* ---- helpers ---- */

static uint32_t rng_state;

static uint32_t rng(uint32_t below) {
    rng_state = rng_state * 1664525u + 1013904223u;
    return (rng_state >> 8) % below;
}

static unsigned get(const popcl_seen *s, const char *uid) {
    return popcl_seen_get(s, uid, strlen(uid));
}

static popcl_err put(popcl_seen *s, const char *uid, unsigned marks) {
    return popcl_seen_put(s, uid, strlen(uid), marks);
}

static void named(popcl_seen *s, const char *uid) { popcl_seen_listed(s, uid, strlen(uid)); }

static void listing_ends(popcl_seen *s) { popcl_seen_listed(s, NULL, 0); }

/* A file in memory that may fail at its k-th call. */
typedef struct file {
    unsigned char *p;
    size_t len, at, cap;
    int calls, fail_at; /* 0: never */
    size_t largest;
} file;

static int file_put(void *ctx, const void *p, size_t n) {
    file *f = ctx;
    if (++f->calls == f->fail_at) return 7;
    assert_true(f->len + n <= f->cap);
    memcpy(f->p + f->len, p, n);
    f->len += n;
    if (n > f->largest) f->largest = n;
    return 0;
}

static int file_get(void *ctx, void *p, size_t n) {
    file *f = ctx;
    if (++f->calls == f->fail_at) return -1;
    if (n > f->len - f->at) return 1;
    memcpy(p, f->p + f->at, n);
    f->at += n;
    if (n > f->largest) f->largest = n;
    return 0;
}

/* A set of n UIDs u0, u1, ... with different marks. */
static void fill(popcl_seen *s, unsigned n) {
    char uid[24];
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(uid, sizeof uid, "u%u", i);
        assert_int_equal(put(s, uid, 1 + i % 15), POPCL_OK);
    }
}

static void assert_filled(const popcl_seen *s, unsigned n) {
    char uid[24];
    assert_int_equal(s->used, n);
    for (unsigned i = 0; i < n + 10; i++) {
        (void)snprintf(uid, sizeof uid, "u%u", i);
        assert_int_equal(get(s, uid), i < n ? 1 + i % 15 : 0);
    }
}

/* What a set must be after a load that failed: empty, with the key that it had, and in use again.
 */
static void assert_empty(popcl_seen *s, const unsigned char *with_key) {
    assert_int_equal(s->used, 0);
    assert_true(s->note == 0);
    assert_memory_equal(s->key, with_key, 16);
    for (size_t i = 0; i < s->slots; i++)
        assert_int_equal(s->memory[i * POPCL_SEEN_ENTRY + 8], 0);
    assert_int_equal(put(s, "again", 1), POPCL_OK);
    assert_int_equal(get(s, "again"), 1);
    assert_int_equal(put(s, "again", 0), POPCL_OK);
    assert_int_equal(s->used, 0);
}

/* ---- the set ---- */

static void marks_are_set_changed_and_taken_out(void **state) { /* [R33 R34] */
    unsigned char memory[POPCL_SEEN_SIZE(10)];
    char longest[70];
    popcl_seen s;
    (void)state;
    memset(&s, 0xA5, sizeof s);
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    assert_int_equal(get(&s, "a"), 0);
    assert_int_equal(put(&s, "a", POPCL_SEEN_FETCHED), POPCL_OK);
    assert_int_equal(get(&s, "a"), POPCL_SEEN_FETCHED);
    assert_int_equal(get(&s, "A"), 0); /* UIDs compare case-sensitively (RFC 1939, 7) */
    assert_int_equal(popcl_seen_get(&s, "ab", 1), POPCL_SEEN_FETCHED);
    assert_int_equal(get(&s, "ab"), 0);
    assert_int_equal(put(&s, "a", POPCL_SEEN_MARKS), POPCL_OK);
    assert_int_equal(get(&s, "a"), POPCL_SEEN_MARKS);
    assert_int_equal(s.used, 1);
    memset(longest, '~', sizeof longest);
    assert_int_equal(popcl_seen_put(&s, longest, 70, POPCL_SEEN_REFUSED), POPCL_OK);
    assert_int_equal(popcl_seen_get(&s, longest, 70), POPCL_SEEN_REFUSED);
    assert_int_equal(popcl_seen_get(&s, longest, 69), 0);
    assert_int_equal(put(&s, "a", 0), POPCL_OK);
    assert_int_equal(get(&s, "a"), 0);
    assert_int_equal(put(&s, "a", 0), POPCL_OK);
    assert_int_equal(s.used, 1);
}

static void wrong_arguments_change_nothing(void **state) { /* [I-3] */
    unsigned char memory[POPCL_SEEN_SIZE(4)];
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, NULL, sizeof memory, key), POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, NULL), POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_seen_init(&s, memory, 2 * POPCL_SEEN_ENTRY - 1, key),
                     POPCL_ERR_ARGUMENT);
    assert_int_equal(get(&s, "a"), 0); /* what a refused init leaves is a set without room */
    assert_int_equal(put(&s, "a", 1), POPCL_ERR_SEEN_FULL);
    assert_int_equal(put(&s, "a", 0), POPCL_OK);
    named(&s, "a");
    listing_ends(&s);
    assert_int_equal(popcl_seen_init(&s, memory, 2 * POPCL_SEEN_ENTRY, key), POPCL_OK);
    assert_int_equal(put(&s, "a", 1), POPCL_OK);
    assert_int_equal(put(&s, "b", 1), POPCL_ERR_SEEN_FULL);
    assert_int_equal(put(&s, "a", 16), POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_seen_put(&s, "a", 0, 1), POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_seen_put(&s, NULL, 1, 1), POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_seen_get(&s, "", 0), 0);
    assert_int_equal(popcl_seen_get(&s, NULL, 0), 0);
    assert_int_equal(get(&s, "a"), 1);
}

/* [I-3 I-8] with canaries, at every alignment */
static void stated_memory_holds_the_stated_number(void **state) {
    (void)state;
    for (unsigned n = 0; n <= 300; n++) {
        size_t len = POPCL_SEEN_SIZE(n), shift = n % 8;
        unsigned char *block = malloc(len + 16);
        char uid[24];
        popcl_seen s;
        assert_non_null(block);
        memset(block, 0xC5, len + 16);
        assert_int_equal(popcl_seen_init(&s, block + shift, len, key), POPCL_OK);
        fill(&s, n);
        for (popcl_err e = POPCL_OK; e == POPCL_OK;) {
            assert_true(s.used < s.slots); /* a slot stays free, or searches would not end */
            (void)snprintf(uid, sizeof uid, "more%u", (unsigned)s.used);
            e = put(&s, uid, 1);
        }
        size_t full = s.used;
        assert_true(full >= n);
        assert_int_equal(put(&s, "one more", 1), POPCL_ERR_SEEN_FULL);
        assert_int_equal(s.used, full);
        assert_int_equal(get(&s, "one more"), 0);
        if (n) {
            /* what is there can be changed in a full set */
            assert_int_equal(put(&s, "u0", 8), POPCL_OK);
            assert_int_equal(put(&s, "u0", 0), POPCL_OK);
            assert_int_equal(put(&s, "one more", 1), POPCL_OK);
        }
        for (size_t i = 0; i < shift; i++)
            assert_int_equal(block[i], 0xC5);
        for (size_t i = shift + len; i < len + 16; i++)
            assert_int_equal(block[i], 0xC5);
        free(block);
    }
}

static void forgets_after_exactly_two_listings(void **state) { /* [B51] */
    unsigned char memory[POPCL_SEEN_SIZE(10)];
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    named(&s, "old");
    listing_ends(&s);
    assert_int_equal(put(&s, "old", 1), POPCL_OK); /* fetched after the listing that named it */
    listing_ends(&s);                              /* a maildrop without it */
    assert_int_equal(get(&s, "old"), 1);
    listing_ends(&s);
    assert_int_equal(get(&s, "old"), 0);

    assert_int_equal(put(&s, "kept", 1), POPCL_OK);
    for (int i = 0; i < 5; i++) { /* every second listing names it */
        listing_ends(&s);
        named(&s, "kept");
        named(&s, "kept");
        named(&s, "unknown");
        listing_ends(&s);
    }
    assert_int_equal(get(&s, "kept"), 1);
    assert_int_equal(get(&s, "unknown"), 0);

    /* put while the listing is read: named by it, though it was not in the set when its line came
     */
    named(&s, "a");
    assert_int_equal(put(&s, "a", 2), POPCL_OK);
    listing_ends(&s);
    listing_ends(&s);
    assert_int_equal(get(&s, "a"), 2);
    assert_int_equal(get(&s, "kept"), 0);
    /* a put between listings counts as named by the last one */
    assert_int_equal(put(&s, "a", 3), POPCL_OK);
    listing_ends(&s);
    assert_int_equal(get(&s, "a"), 3);
    listing_ends(&s);
    assert_int_equal(get(&s, "a"), 0);
    assert_int_equal(s.used, 0);
}

/* [B51] popcl_config.listed gives uid_len 0 and "" where a server has no UIDL */
static void a_line_without_uid_is_no_end(void **state) {
    unsigned char memory[POPCL_SEEN_SIZE(10)];
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    assert_int_equal(put(&s, "a", 1), POPCL_OK);
    for (int i = 0; i < 5; i++)
        popcl_seen_listed(&s, "", 0);
    assert_int_equal(get(&s, "a"), 1);
}

static void a_cut_listing_forgets_nothing(void **state) { /* [B51] */
    unsigned char memory[POPCL_SEEN_SIZE(10)], saved[POPCL_SEEN_SAVED(10)];
    file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    assert_int_equal(put(&s, "a", 1), POPCL_OK);
    assert_int_equal(put(&s, "b", 1), POPCL_OK);
    /* five sessions that broke before their listing's end */
    for (int i = 0; i < 5; i++)
        named(&s, "a");
    assert_int_equal(get(&s, "b"), 1);
    assert_int_equal(popcl_seen_save(&s, file_put, &f), POPCL_OK);
    assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_OK);
    listing_ends(&s); /* the saved set no longer knows what the cut listing named */
    listing_ends(&s);
    assert_int_equal(get(&s, "a"), 0);
    assert_int_equal(s.used, 0);
}

/* ---- against a model ---- */

#define MODEL_UIDS 400u

typedef struct model {
    unsigned char marks[MODEL_UIDS], named[MODEL_UIDS], missed[MODEL_UIDS];
    unsigned listing;
} model;

static void model_ends(model *m) {
    for (unsigned i = 0; i < MODEL_UIDS; i++) {
        m->missed[i] = m->named[i] ? 0 : (unsigned char)(m->missed[i] + 1);
        if (m->missed[i] == 2) m->marks[i] = 0;
        m->named[i] = 0;
    }
    m->listing = 0;
}

static unsigned model_count(const model *m) {
    unsigned n = 0;
    for (unsigned i = 0; i < MODEL_UIDS; i++)
        n += m->marks[i] != 0;
    return n;
}

static void same_as_model(const popcl_seen *s, const model *m) {
    char uid[24];
    assert_int_equal(s->used, model_count(m));
    for (unsigned i = 0; i < MODEL_UIDS; i++) {
        (void)snprintf(uid, sizeof uid, "<%u@model>", i);
        assert_int_equal(get(s, uid), m->marks[i]);
    }
}

static void one_random_step(popcl_seen *s, model *m, unsigned room) {
    unsigned i = rng(MODEL_UIDS), marks = rng(4) ? 1 + rng(15) : 0, what = rng(100);
    char uid[24];
    (void)snprintf(uid, sizeof uid, "<%u@model>", i);
    if (what == 0) {
        listing_ends(s);
        model_ends(m);
    } else if (what < 50) {
        named(s, uid);
        m->listing = 1;
        if (m->marks[i]) m->named[i] = 1;
    } else if (marks && !m->marks[i] && model_count(m) == room) {
        assert_int_equal(put(s, uid, marks), POPCL_ERR_SEEN_FULL);
    } else {
        assert_int_equal(put(s, uid, marks), POPCL_OK);
        m->marks[i] = (unsigned char)marks;
        m->missed[i] = 0;
        m->named[i] = (unsigned char)m->listing;
    }
}

/* [R34 I-8] small and large tables, nearly always full */
static void behaves_as_a_plain_array(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        unsigned slots = 2 + seed * 7 % 450, room = slots - slots / 8 - 1;
        unsigned char *memory = malloc(slots * POPCL_SEEN_ENTRY);
        unsigned char saved[POPCL_SEEN_SAVED(450)];
        model m;
        popcl_seen s;
        assert_non_null(memory);
        rng_state = seed;
        memset(&m, 0, sizeof m);
        memset(memory, (int)seed, slots * POPCL_SEEN_ENTRY);
        assert_int_equal(popcl_seen_init(&s, memory, slots * POPCL_SEEN_ENTRY, key), POPCL_OK);
        for (unsigned round = 0; round < 12; round++) {
            for (unsigned i = 0; i < 400; i++)
                one_random_step(&s, &m, room);
            same_as_model(&s, &m);
            /* a restart keeps marks and ages, and forgets what a listing under way named */
            if (round % 4 == 3) {
                file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
                assert_int_equal(popcl_seen_save(&s, file_put, &f), POPCL_OK);
                assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_OK);
                memset(m.named, 0, sizeof m.named);
                m.listing = 0;
            }
        }
        free(memory);
    }
}

/* all sizes, all fills: runs that cross the table's end too */
static void forgetting_sees_every_entry_once(void **state) {
    char uid[24];
    (void)state;
    for (unsigned slots = 2; slots <= 120; slots++) {
        unsigned char memory[120 * POPCL_SEEN_ENTRY];
        unsigned room = slots - slots / 8 - 1;
        popcl_seen s;
        assert_int_equal(popcl_seen_init(&s, memory, slots * POPCL_SEEN_ENTRY, key), POPCL_OK);
        fill(&s, room);
        listing_ends(&s); /* none was named: missed once */
        for (unsigned i = 0; i < room; i += 3) {
            (void)snprintf(uid, sizeof uid, "u%u", i);
            named(&s, uid);
        }
        listing_ends(&s); /* two thirds go */
        assert_int_equal(s.used, (room + 2) / 3);
        for (unsigned i = 0; i < room; i++) {
            (void)snprintf(uid, sizeof uid, "u%u", i);
            assert_int_equal(get(&s, uid), i % 3 ? 0 : 1 + i % 15);
        }
        listing_ends(&s); /* the rest is missed once, not twice */
        assert_int_equal(s.used, (room + 2) / 3);
        listing_ends(&s);
        assert_int_equal(s.used, 0);
    }
}

/* a session's deletions were confirmed: those UIDs go, the others stay */
static unsigned confirm(void *ctx, unsigned marks) {
    ++*(unsigned *)ctx;
    return marks & POPCL_SEEN_DELETE_DUE ? 0 : marks | POPCL_SEEN_OTHER;
}

static void each_uid_is_asked_for_once(void **state) {
    char uid[24];
    (void)state;
    for (unsigned slots = 2; slots <= 120; slots++) {
        unsigned char memory[120 * POPCL_SEEN_ENTRY];
        unsigned room = slots - slots / 8 - 1, asked = 0, left = 0;
        popcl_seen s;
        assert_int_equal(popcl_seen_init(&s, memory, slots * POPCL_SEEN_ENTRY, key), POPCL_OK);
        popcl_seen_each(&s, confirm, &asked);
        assert_int_equal(asked, 0);
        fill(&s, room);
        s.note = 9;
        listing_ends(&s);
        popcl_seen_each(&s, confirm, &asked);
        assert_int_equal(asked, room);
        assert_true(s.note == 9);
        for (unsigned i = 0; i < room; i++) {
            unsigned marks = 1 + i % 15, stays = !(marks & POPCL_SEEN_DELETE_DUE);
            (void)snprintf(uid, sizeof uid, "u%u", i);
            assert_int_equal(get(&s, uid), stays ? marks | POPCL_SEEN_OTHER : 0);
            left += stays;
        }
        assert_int_equal(s.used, left);
        listing_ends(&s); /* ages went on: this is the second listing that names none */
        assert_int_equal(s.used, 0);
    }
}

/* ---- sessions that are unsure ---- */

#define UNSURE POPCL_SEEN_UNSURE

/* Every second UID of the set becomes unsure. Returns how many. */
static unsigned make_unsure(popcl_seen *s, unsigned n) {
    char uid[24];
    for (unsigned i = 0; i < n; i += 2) {
        (void)snprintf(uid, sizeof uid, "u%u", i);
        assert_int_equal(put(s, uid, (1 + i % 15) | UNSURE), POPCL_OK);
        assert_int_equal(get(s, uid), (1 + i % 15) | UNSURE);
    }
    return (n + 1) / 2;
}

/* [R49] all sizes, all fills */
static void an_unsure_session_adds_nothing_and_a_sure_one_all(void **state) {
    char uid[24];
    (void)state;
    for (unsigned slots = 2; slots <= 120; slots++) {
        unsigned char memory[120 * POPCL_SEEN_ENTRY];
        unsigned room = slots - slots / 8 - 1;
        for (int sure = 0; sure <= 1; sure++) {
            popcl_seen s;
            assert_int_equal(popcl_seen_init(&s, memory, slots * POPCL_SEEN_ENTRY, key), POPCL_OK);
            assert_int_equal(popcl_seen_settle(&s, sure), 0);
            fill(&s, room);
            s.note = 9;
            assert_int_equal(popcl_seen_settle(&s, sure), 0);
            assert_filled(&s, room);
            unsigned unsure = make_unsure(&s, room);
            listing_ends(&s);
            assert_int_equal(popcl_seen_settle(&s, sure), unsure);
            assert_int_equal(popcl_seen_settle(&s, !sure), 0);
            assert_true(s.note == 9);
            for (unsigned i = 0; i < room; i++) {
                (void)snprintf(uid, sizeof uid, "u%u", i);
                assert_int_equal(get(&s, uid), i % 2 || sure ? 1 + i % 15 : 0);
            }
            assert_int_equal(s.used, sure ? room : room - unsure);
            listing_ends(&s); /* ages went on: this is the second listing that names none */
            assert_int_equal(s.used, 0);
        }
    }
}

/* [R49] The power fails inside the session, after its set was saved. */
static void what_is_unsure_is_still_so_after_a_reset(void **state) {
    unsigned char memory[POPCL_SEEN_SIZE(20)], saved[POPCL_SEEN_SAVED(20)];
    file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    fill(&s, 20);
    (void)make_unsure(&s, 20);
    assert_int_equal(popcl_seen_save(&s, file_put, &f), POPCL_OK);
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, other_key), POPCL_OK);
    assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_OK);
    assert_int_equal(s.used, 20);
    assert_int_equal(get(&s, "u0"), 1 | UNSURE);
    assert_int_equal(popcl_seen_settle(&s, 0), 10);
    assert_int_equal(s.used, 10);
    assert_int_equal(get(&s, "u0"), 0);
    assert_int_equal(get(&s, "u1"), 2);
}

static void a_message_that_comes_again_is_sure(void **state) { /* [R49] */
    unsigned char memory[POPCL_SEEN_SIZE(4)];
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    assert_int_equal(put(&s, "a", POPCL_SEEN_FETCHED | UNSURE), POPCL_OK);
    assert_int_equal(put(&s, "a", POPCL_SEEN_FETCHED), POPCL_OK);
    assert_int_equal(popcl_seen_settle(&s, 0), 0);
    assert_int_equal(get(&s, "a"), POPCL_SEEN_FETCHED);
    /* without another mark nothing is left of it */
    assert_int_equal(put(&s, "b", UNSURE), POPCL_OK);
    assert_int_equal(popcl_seen_settle(&s, 1), 1);
    assert_int_equal(s.used, 1);
}

/* ---- the saved form ---- */

static void what_was_saved_comes_back(void **state) { /* [R34] */
    (void)state;
    for (unsigned n = 0; n <= 40; n++) {
        unsigned char memory[POPCL_SEEN_SIZE(40)], second[POPCL_SEEN_SIZE(64)],
            saved[POPCL_SEEN_SAVED(40)], twice[POPCL_SEEN_SAVED(40)];
        file f = {saved, 0, 0, sizeof saved, 0, 0, 0}, g = {twice, 0, 0, sizeof twice, 0, 0, 0};
        popcl_seen s, t;
        memset(memory, 0xA5, sizeof memory);
        assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
        fill(&s, n);
        s.note = UINT64_C(0x0123456789ABCDEF);
        unsigned char before[sizeof memory];
        memcpy(before, memory, sizeof memory);
        assert_int_equal(popcl_seen_save(&s, file_put, &f), POPCL_OK);
        assert_memory_equal(before, memory, sizeof memory);
        assert_int_equal(f.len, POPCL_SEEN_SAVED(n));
        assert_int_equal(popcl_seen_init(&t, second, sizeof second, other_key), POPCL_OK);
        assert_int_equal(popcl_seen_load(&t, file_get, &f), POPCL_OK);
        assert_true(f.largest <= 64);
        assert_memory_equal(t.key, key, sizeof key);
        assert_true(t.note == s.note);
        assert_filled(&t, n);
        /* A table of the same size gives the same octets, but for the order within a run. */
        assert_int_equal(popcl_seen_init(&t, second, sizeof memory, other_key), POPCL_OK);
        f.at = 0;
        assert_int_equal(popcl_seen_load(&t, file_get, &f), POPCL_OK);
        assert_int_equal(popcl_seen_save(&t, file_put, &g), POPCL_OK);
        assert_int_equal(g.len, f.len);
        if (n < 2) assert_memory_equal(twice, saved, f.len);
    }
}

static void ages_are_saved(void **state) { /* [B51] a program that ends after each session */
    unsigned char memory[POPCL_SEEN_SIZE(10)], saved[POPCL_SEEN_SAVED(10)];
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    assert_int_equal(put(&s, "a", 1), POPCL_OK);
    assert_int_equal(put(&s, "b", 1), POPCL_OK);
    for (int session = 0; session < 2; session++) {
        file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
        assert_int_equal(popcl_seen_save(&s, file_put, &f), POPCL_OK);
        assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, other_key), POPCL_OK);
        assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_OK);
        assert_int_equal(get(&s, "a"), 1);
        named(&s, "b");
        listing_ends(&s);
    }
    assert_int_equal(get(&s, "a"), 0);
    assert_int_equal(get(&s, "b"), 1);
}

/* A saved set of n entries in f. */
static void save_filled(file *f, unsigned n) {
    unsigned char memory[POPCL_SEEN_SIZE(64)];
    popcl_seen s;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    fill(&s, n);
    s.note = 5;
    assert_int_equal(popcl_seen_save(&s, file_put, f), POPCL_OK);
}

/* [I-8] each bit flipped, each cut, each length beyond the end, each failing read */
static void every_damage_is_refused(void **state) {
    unsigned char memory[POPCL_SEEN_SIZE(64)], saved[POPCL_SEEN_SAVED(64) + 200];
    popcl_seen s;
    (void)state;
    for (unsigned n = 0; n <= 22; n += n < 8 ? 1 : 7) {
        file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
        save_filled(&f, n);
        size_t len = f.len;
        assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, other_key), POPCL_OK);
        for (size_t bit = 0; bit < len * 8; bit++) {
            saved[bit / 8] ^= (unsigned char)(1u << bit % 8);
            f.at = 0;
            assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_ERR_SEEN_DAMAGED);
            assert_empty(&s, other_key);
            saved[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        for (f.len = 0; f.len < len; f.len++) {
            f.at = 0;
            assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_ERR_SEEN_DAMAGED);
            assert_empty(&s, other_key);
        }
        memset(saved + len, 0, sizeof saved - len);
        for (f.len = len + 1; f.len < len + 100; f.len++) {
            f.at = 0;
            assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_ERR_SEEN_DAMAGED);
            assert_empty(&s, other_key);
        }
        f.len = len;
        for (f.fail_at = 1;; f.fail_at++) { /* the last read is the one that must fail */
            f.at = 0;
            f.calls = 0;
            if (popcl_seen_load(&s, file_get, &f) == POPCL_OK) break;
            assert_empty(&s, other_key);
        }
        assert_int_equal(f.fail_at, 2 + 1 + (n + 6) / 7);
        assert_filled(&s, n);
    }
}

/* A set of two UIDs as version 0.1.0 saved it, its checksum right: its hashes are of another kind.
 */
static void what_version_0_1_0_saved_counts_as_none(void **state) {
    unsigned char memory[POPCL_SEEN_SIZE(64)];
    unsigned char old[] = {
        0x50, 0x53, 0x4e, 0x31, 0x00, 0x00, 0x00, 0x02, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
        0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0xe4, 0x9d, 0xa4, 0x87, 0x06, 0x20, 0x6c, 0x07, 0x01, 0x7b,
        0xc1, 0x0c, 0xcb, 0x49, 0x0b, 0x61, 0x0f, 0x01, 0x8a, 0xaf, 0xce, 0x3d, 0x20, 0xf8,
        0xeb, 0x43, 0xc8, 0x2b, 0xd8, 0x26, 0x5a, 0xba, 0x69, 0x2e, 0x71, 0x65, 0xd5, 0xe6,
        0x34, 0x30, 0xfc, 0x06, 0x3b, 0x98, 0x40, 0x54, 0x97, 0x91, 0x3f, 0x31,
    };
    file f = {old, sizeof old, 0, sizeof old, 0, 0, 0};
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, other_key), POPCL_OK);
    assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_ERR_SEEN_DAMAGED);
    assert_empty(&s, other_key);
}

static void a_full_medium_is_told(void **state) {
    unsigned char saved[POPCL_SEEN_SAVED(64)];
    unsigned char memory[POPCL_SEEN_SIZE(64)];
    popcl_seen s;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, key), POPCL_OK);
    fill(&s, 20);
    for (int k = 1; k <= 5; k++) {
        file f = {saved, 0, 0, sizeof saved, 0, k, 0};
        assert_int_equal(popcl_seen_save(&s, file_put, &f), POPCL_ERR_SINK);
        assert_int_equal(f.calls, k);
        assert_filled(&s, 20);
    }
}

static void a_set_too_large_is_told_from_a_damaged_one(void **state) { /* [I-3] */
    unsigned char memory[POPCL_SEEN_SIZE(64)], saved[POPCL_SEEN_SAVED(64)];
    file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
    popcl_seen s;
    (void)state;
    save_filled(&f, 50);
    for (unsigned slots = 2; slots < 64; slots++) {
        unsigned room = slots - slots / 8 - 1;
        assert_int_equal(popcl_seen_init(&s, memory, slots * POPCL_SEEN_ENTRY, other_key),
                         POPCL_OK);
        f.at = 0;
        assert_int_equal(popcl_seen_load(&s, file_get, &f),
                         room < 50 ? POPCL_ERR_SEEN_FULL : POPCL_OK);
        if (room < 50)
            assert_empty(&s, other_key);
        else
            assert_filled(&s, 50);
        saved[f.len - 1] ^= 1;
        f.at = 0;
        assert_int_equal(popcl_seen_init(&s, memory, slots * POPCL_SEEN_ENTRY, other_key),
                         POPCL_OK);
        assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_ERR_SEEN_DAMAGED);
        assert_empty(&s, other_key);
        saved[f.len - 1] ^= 1;
    }
}

static void a_load_replaces_what_was_there(void **state) {
    unsigned char memory[POPCL_SEEN_SIZE(64)], saved[POPCL_SEEN_SAVED(64)];
    file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
    popcl_seen s;
    (void)state;
    save_filled(&f, 10);
    assert_int_equal(popcl_seen_init(&s, memory, sizeof memory, other_key), POPCL_OK);
    assert_int_equal(put(&s, "before", 1), POPCL_OK);
    named(&s, "before");
    assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_OK);
    assert_filled(&s, 10);
    assert_int_equal(get(&s, "before"), 0);
    f.at = 1;
    assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_ERR_SEEN_DAMAGED);
    assert_empty(&s, key);
}

/* ---- size ---- */

static void grows_by_moving(void **state) {
    unsigned char small[POPCL_SEEN_SIZE(20)], large[POPCL_SEEN_SIZE(50)];
    popcl_seen s, t;
    (void)state;
    assert_int_equal(popcl_seen_init(&s, small, sizeof small, key), POPCL_OK);
    fill(&s, 20);
    s.note = 77;
    listing_ends(&s);
    named(&s, "u3");
    assert_int_equal(popcl_seen_init(&t, large, sizeof large, other_key), POPCL_OK);
    /* another key: the hashes would mean nothing */
    assert_int_equal(popcl_seen_move(&t, &s), POPCL_ERR_ARGUMENT);
    assert_int_equal(popcl_seen_init(&t, large, POPCL_SEEN_SIZE(10), key), POPCL_OK);
    assert_int_equal(popcl_seen_move(&t, &s), POPCL_ERR_SEEN_FULL);
    assert_empty(&t, key);
    assert_int_equal(popcl_seen_init(&t, large, sizeof large, key), POPCL_OK);
    assert_int_equal(popcl_seen_move(&t, &s), POPCL_OK);
    assert_int_equal(popcl_seen_move(&t, &s), POPCL_ERR_ARGUMENT); /* no longer empty */
    assert_int_equal(popcl_seen_move(&s, &s), POPCL_ERR_ARGUMENT);
    assert_filled(&s, 20);
    assert_filled(&t, 20);
    assert_true(t.note == 77);
    listing_ends(&t); /* what was named and what was missed moved too */
    assert_int_equal(t.used, 1);
    assert_int_equal(get(&t, "u3"), 4);
}

static void holds_a_hundred_thousand(void **state) { /* in the memory that the header states */
    enum { N = 100000 };
    size_t len = POPCL_SEEN_SIZE((size_t)N);
    unsigned char *memory = malloc(len), *saved = malloc(POPCL_SEEN_SAVED((size_t)N));
    file f = {saved, 0, 0, POPCL_SEEN_SAVED((size_t)N), 0, 0, 0};
    char uid[24];
    popcl_seen s;
    (void)state;
    assert_non_null(memory);
    assert_non_null(saved);
    assert_int_equal(popcl_seen_init(&s, memory, len, key), POPCL_OK);
    fill(&s, N);
    assert_int_equal(popcl_seen_save(&s, file_put, &f), POPCL_OK);
    assert_int_equal(popcl_seen_load(&s, file_get, &f), POPCL_OK);
    assert_filled(&s, N);
    listing_ends(&s);
    for (unsigned i = 0; i < N; i += 10) {
        (void)snprintf(uid, sizeof uid, "u%u", i);
        named(&s, uid);
    }
    listing_ends(&s);
    assert_int_equal(s.used, N / 10);
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(uid, sizeof uid, "u%u", i);
        if (get(&s, uid) != (i % 10 ? 0 : 1 + i % 15)) fail_msg("%s", uid);
    }
    free(memory);
    free(saved);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_set_changed_and_taken_out),
        cmocka_unit_test(wrong_arguments_change_nothing),
        cmocka_unit_test(stated_memory_holds_the_stated_number),
        cmocka_unit_test(forgets_after_exactly_two_listings),
        cmocka_unit_test(a_line_without_uid_is_no_end),
        cmocka_unit_test(a_cut_listing_forgets_nothing),
        cmocka_unit_test(behaves_as_a_plain_array),
        cmocka_unit_test(forgetting_sees_every_entry_once),
        cmocka_unit_test(each_uid_is_asked_for_once),
        cmocka_unit_test(an_unsure_session_adds_nothing_and_a_sure_one_all),
        cmocka_unit_test(what_is_unsure_is_still_so_after_a_reset),
        cmocka_unit_test(a_message_that_comes_again_is_sure),
        cmocka_unit_test(what_was_saved_comes_back),
        cmocka_unit_test(ages_are_saved),
        cmocka_unit_test(every_damage_is_refused),
        cmocka_unit_test(what_version_0_1_0_saved_counts_as_none),
        cmocka_unit_test(a_full_medium_is_told),
        cmocka_unit_test(a_set_too_large_is_told_from_a_damaged_one),
        cmocka_unit_test(a_load_replaces_what_was_there),
        cmocka_unit_test(grows_by_moving),
        cmocka_unit_test(holds_a_hundred_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
