/* SPDX-License-Identifier: MIT */
/* test_record - the states of messages, their set against a plain array that does the same, and the
 * saved form against every damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bearssl.h>

#include "record.h"
#include "recordform.h"

static const unsigned char key[CMD_RECORD_KEY] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

static cmd_record r;

static int empty_record(void **state) {
    (void)state;
    cmd_record_init(&r, key);
    return 0;
}

static int free_record(void **state) {
    (void)state;
    cmd_record_free(&r);
    return 0;
}

static void note(const char *name, cmd_event event) {
    cmd_record_note(&r, name, strlen(name), event, 100, 20000);
}

static const cmd_entry *find(const char *name) { return cmd_record_find(&r, name, strlen(name)); }
static cmd_state now(const char *name) { return cmd_record_state(find(name)); }
static void named(const char *name) { cmd_record_listed(&r, name, strlen(name)); }
static void listing_ends(void) { cmd_record_listed(&r, NULL, 0); }

/* ---- states ---- */

static void an_event_counts_from_the_next_session_on(void **state) { /* [R34] */
    static const struct {
        cmd_event event;
        cmd_state becomes;
    } rows[] = {
        {CMD_ON_STORED, CMD_STORED},   {CMD_ON_STORED_DUE, CMD_DUE}, {CMD_ON_MARKED, CMD_NEW},
        {CMD_ON_REFUSED, CMD_REFUSED}, {CMD_ON_FAILED, CMD_FAILED},  {CMD_ON_BROKEN, CMD_LAST},
        {CMD_ON_LEFT, CMD_NEW},        {CMD_ON_TWICE, CMD_NEW},      {CMD_ON_PASSED, CMD_PASSED}};
    char name[16];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(name, sizeof name, "uid%u", (unsigned)i);
        note(name, rows[i].event);
        assert_int_equal(now(name), CMD_NEW); /* a second one in this listing is fetched too */
    }
    cmd_record_begin(&r);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(name, sizeof name, "uid%u", (unsigned)i);
        assert_int_equal(now(name), rows[i].becomes);
    }
    assert_int_equal(now("UID0"), CMD_NEW);
    assert_null(find(""));
}

/* Stored before, and the events of two messages of one name in a later session. */
static void one_failure_among_equal_names_has_all_fetched_again(void **state) { /* [R35 B50] */
    static const cmd_event good[] = {CMD_ON_STORED, CMD_ON_STORED_DUE};
    static const cmd_event bad[] = {CMD_ON_REFUSED, CMD_ON_FAILED, CMD_ON_BROKEN, CMD_ON_LEFT};
    char name[16];
    (void)state;
    for (size_t g = 0; g < 2; g++) {
        for (size_t b = 0; b < 4; b++) {
            (void)snprintf(name, sizeof name, "u%u%u", (unsigned)g, (unsigned)b);
            cmd_record_begin(&r);
            note(name, good[g]);
            if (good[g] == CMD_ON_STORED_DUE) note(name, CMD_ON_MARKED);
            note(name, bad[b]);
            cmd_record_confirm(&r, 1);
            cmd_record_begin(&r);
            assert_true(now(name) == CMD_FAILED || now(name) == CMD_LAST);
            /* the other order; an untried message came before nothing */
            if (bad[b] == CMD_ON_LEFT) continue;
            (void)snprintf(name, sizeof name, "v%u%u", (unsigned)g, (unsigned)b);
            note(name, bad[b]);
            note(name, good[g]);
            cmd_record_begin(&r);
            assert_true(now(name) == CMD_FAILED || now(name) == CMD_LAST);
        }
    }
    note("w", CMD_ON_STORED);
    note("w", CMD_ON_STORED);
    cmd_record_begin(&r);
    assert_int_equal(now("w"), CMD_STORED);
}

static void what_is_stored_stays_stored(void **state) {
    static const cmd_event events[] = {CMD_ON_REFUSED, CMD_ON_FAILED, CMD_ON_BROKEN, CMD_ON_LEFT};
    (void)state;
    note("s", CMD_ON_STORED);
    note("d", CMD_ON_STORED_DUE);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        cmd_record_begin(&r);
        note("s", events[i]);
        note("d", events[i]);
        cmd_record_begin(&r);
        assert_int_equal(now("s"), CMD_STORED);
        assert_int_equal(now("d"), CMD_DUE);
        assert_true(find("d")->size == 100);
    }
}

/* A message that was never fetched is never deleted unfetched. Every other event counts more. */
static void what_is_passed_over_is_not_stored(void **state) {
    static const struct {
        cmd_event event;
        cmd_state becomes;
    } rows[] = {
        {CMD_ON_STORED, CMD_STORED},   {CMD_ON_STORED_DUE, CMD_DUE}, {CMD_ON_MARKED, CMD_PASSED},
        {CMD_ON_REFUSED, CMD_REFUSED}, {CMD_ON_FAILED, CMD_FAILED},  {CMD_ON_BROKEN, CMD_LAST},
        {CMD_ON_LEFT, CMD_PASSED},     {CMD_ON_TWICE, CMD_PASSED},   {CMD_ON_PASSED, CMD_PASSED}};
    static const struct {
        cmd_event event;
        cmd_state stays;
    } before[] = {{CMD_ON_STORED, CMD_STORED},
                  {CMD_ON_STORED_DUE, CMD_DUE},
                  {CMD_ON_REFUSED, CMD_PASSED},
                  {CMD_ON_FAILED, CMD_PASSED},
                  {CMD_ON_BROKEN, CMD_PASSED}};
    char name[16];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(name, sizeof name, "uid%u", (unsigned)i);
        note(name, CMD_ON_PASSED);
        cmd_record_begin(&r);
        assert_false(cmd_record_may_go(find(name), 100));
        note(name, rows[i].event);
        cmd_record_begin(&r);
        assert_int_equal(now(name), rows[i].becomes);
    }
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        (void)snprintf(name, sizeof name, "was%u", (unsigned)i);
        note(name, before[i].event);
        cmd_record_begin(&r);
        note(name, CMD_ON_PASSED);
        cmd_record_begin(&r);
        assert_int_equal(now(name), before[i].stays);
    }
}

/* ---- sessions that are unsure ---- */

static void note_unsure(const char *name, cmd_event event) {
    r.unsure = 1;
    note(name, event);
    r.unsure = 0;
}

static void what_an_unsure_session_stored_is_new(void **state) {
    (void)state;
    note("before", CMD_ON_STORED);
    cmd_record_begin(&r);
    note_unsure("kept", CMD_ON_STORED);
    note_unsure("due", CMD_ON_STORED_DUE);
    note_unsure("marked", CMD_ON_STORED_DUE), note("marked", CMD_ON_MARKED);
    note_unsure("before", CMD_ON_STORED);
    cmd_record_confirm(&r, 0);
    cmd_record_begin(&r);
    assert_int_equal(now("kept"), CMD_NEW);
    assert_int_equal(now("due"), CMD_NEW);
    assert_int_equal(now("marked"), CMD_NEW); /* so it is not deleted unfetched */
    assert_int_equal(now("before"), CMD_NEW);
    note("kept", CMD_ON_STORED), note("due", CMD_ON_STORED_DUE);
    cmd_record_begin(&r);
    assert_int_equal(now("kept"), CMD_STORED);
    assert_int_equal(now("due"), CMD_DUE);
    assert_int_equal(now("marked"), CMD_NEW);
}

/* A doubt may end in the middle of a session. Messages that come later are sure at once. */
static void a_session_is_sure_for_what_it_stored_itself(void **state) {
    (void)state;
    note_unsure("earlier", CMD_ON_STORED);
    note_unsure("again", CMD_ON_STORED_DUE);
    cmd_record_begin(&r);
    note_unsure("again", CMD_ON_STORED_DUE);
    note_unsure("now", CMD_ON_STORED);
    note("later", CMD_ON_STORED);
    r.changed = 0;
    cmd_record_is_sure(&r);
    assert_int_equal(r.changed, 1);
    cmd_record_begin(&r);
    assert_int_equal(now("earlier"), CMD_NEW);
    assert_int_equal(now("again"), CMD_DUE);
    assert_int_equal(now("now"), CMD_STORED);
    assert_int_equal(now("later"), CMD_STORED);
    r.changed = 0;
    cmd_record_is_sure(&r);
    assert_int_equal(r.changed, 0);
    assert_int_equal(now("earlier"), CMD_NEW);
}

/* It does not stay stored if it fails, and a session that is sure of its own makes it no better. */
static void what_is_unsure_fails_as_new_messages_do(void **state) {
    static const struct {
        cmd_event event;
        cmd_state becomes;
    } rows[] = {{CMD_ON_REFUSED, CMD_REFUSED}, {CMD_ON_FAILED, CMD_FAILED},
                {CMD_ON_BROKEN, CMD_LAST},     {CMD_ON_LEFT, CMD_NEW},
                {CMD_ON_TWICE, CMD_NEW},       {CMD_ON_MARKED, CMD_NEW}};
    (void)state;
    for (int due = 0; due < 2; due++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            cmd_record_begin(&r);
            note_unsure("a", due ? CMD_ON_STORED_DUE : CMD_ON_STORED);
            cmd_record_begin(&r);
            note("a", rows[i].event);
            cmd_record_is_sure(&r);
            cmd_record_confirm(&r, 1);
            cmd_record_begin(&r);
            assert_int_equal(now("a"), rows[i].becomes);
        }
    }
}

static void a_deletion_is_due_until_it_is_confirmed(void **state) { /* [G2 G3 G11] */
    (void)state;
    note("marked", CMD_ON_STORED_DUE), note("marked", CMD_ON_MARKED);
    note("refused", CMD_ON_STORED_DUE);
    for (int run = 0; run < 7; run++) { /* no word of QUIT, or void */
        if (run % 2) cmd_record_confirm(&r, 0);
        cmd_record_begin(&r);
        assert_int_equal(now("marked"), CMD_DUE);
        assert_int_equal(now("refused"), CMD_DUE);
        named("marked"), named("refused");
        listing_ends();
        note("marked", CMD_ON_MARKED);
    }
    cmd_record_confirm(&r, 1);
    cmd_record_begin(&r);
    assert_int_equal(now("marked"), CMD_STORED);
    assert_int_equal(now("refused"), CMD_DUE);
    note("refused", CMD_ON_STORED); /* a run without -d fetches it again: still due */
    cmd_record_begin(&r);
    assert_int_equal(now("refused"), CMD_DUE);
}

/* Marked by an earlier session, without a word since: its confirmation is not this session's. */
static void a_confirmation_is_of_its_own_session(void **state) {
    (void)state;
    note("a", CMD_ON_STORED_DUE), note("a", CMD_ON_MARKED);
    cmd_record_begin(&r);
    note("b", CMD_ON_STORED_DUE), note("b", CMD_ON_MARKED);
    cmd_record_confirm(&r, 1);
    cmd_record_begin(&r);
    assert_int_equal(now("a"), CMD_DUE);
    assert_int_equal(now("b"), CMD_STORED);
}

/* RFC 1939, 7: a UID is not used again as long as its message exists, and no longer. */
static void what_was_deleted_is_new_to_later_runs(void **state) { /* [R34 G14] */
    static const struct {
        cmd_event event;
        cmd_state becomes;
    } rows[] = {{CMD_ON_STORED, CMD_STORED},   {CMD_ON_STORED_DUE, CMD_DUE},
                {CMD_ON_REFUSED, CMD_REFUSED}, {CMD_ON_FAILED, CMD_FAILED},
                {CMD_ON_BROKEN, CMD_LAST},     {CMD_ON_LEFT, CMD_NEW},
                {CMD_ON_TWICE, CMD_NEW}};
    char name[16];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(name, sizeof name, "uid%u", (unsigned)i);
        note(name, CMD_ON_STORED_DUE), note(name, CMD_ON_MARKED);
    }
    cmd_record_confirm(&r, 1);
    cmd_record_begin(&r);
    assert_int_equal(now("uid0"), CMD_STORED); /* in this run the server may still list it */
    for (size_t i = 0; i < r.room; i++)
        r.slots[i].live = 0; /* the next run */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(name, sizeof name, "uid%u", (unsigned)i);
        named(name);
        assert_int_equal(now(name), CMD_NEW);
        cmd_record_note(&r, name, strlen(name), rows[i].event, CMD_SIZE_UNKNOWN, 20000);
    }
    cmd_record_begin(&r);
    for (size_t i = 0; i < r.room; i++)
        r.slots[i].live = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(name, sizeof name, "uid%u", (unsigned)i);
        assert_int_equal(now(name), rows[i].becomes);
    }
    assert_true(find("uid1")->size == CMD_SIZE_UNKNOWN); /* not that of the one before it */
}

/* The server did delete it, and gave no answer: then the UID is another message's. */
static void what_was_due_and_away_is_not_deleted_unfetched(void **state) { /* [G14] */
    (void)state;
    note("due", CMD_ON_STORED_DUE), note("stored", CMD_ON_STORED);
    note("marked", CMD_ON_STORED_DUE), note("marked", CMD_ON_MARKED);
    for (int run = 0; run < 3; run++) {
        for (size_t i = 0; i < r.room; i++)
            r.slots[i].live = 0;
        if (run != 1) named("due"), named("marked"), named("stored");
        assert_int_equal(now("due"), run < 2 ? CMD_DUE : CMD_NEW);
        assert_int_equal(now("marked"), run < 2 ? CMD_DUE : CMD_NEW);
        assert_int_equal(now("stored"), CMD_STORED);
        listing_ends();
    }
}

static void what_one_listing_names_twice_is_not_deleted_unfetched(void **state) { /* [B50 G14] */
    (void)state;
    note("d", CMD_ON_STORED_DUE), note("s", CMD_ON_STORED);
    cmd_record_begin(&r);
    named("d"), named("s");
    assert_int_equal(now("d"), CMD_DUE);
    named("d"), named("s");
    assert_int_equal(now("d"), CMD_FAILED);
    assert_int_equal(now("s"), CMD_STORED);
    assert_true(find("s")->live & CMD_LIVE_TWICE);
    cmd_record_begin(&r);
    assert_false(find("s")->live & CMD_LIVE_TWICE);
}

static void sizes_are_those_of_the_listing_that_stored(void **state) { /* [G14] */
    (void)state;
    cmd_record_note(&r, "a", 1, CMD_ON_STORED_DUE, 1234, 7);
    assert_true(find("a")->size == 1234 && find("a")->day == 7);
    cmd_record_begin(&r);
    cmd_record_note(&r, "a", 1, CMD_ON_FAILED, 99, 8);
    cmd_record_note(&r, "a", 1, CMD_ON_MARKED, 98, 9);
    assert_true(find("a")->size == 1234 && find("a")->day == 7);
    cmd_record_begin(&r);
    cmd_record_note(&r, "big", 3, CMD_ON_REFUSED, 5000, 0); /* the limit */
    assert_true(find("big")->size == 5000);
}

/* ---- last ---- */

static void the_message_that_broke_comes_last(void **state) { /* [Q17] */
    (void)state;
    note("poison", CMD_ON_BROKEN);
    note("other", CMD_ON_STORED);
    note("left", CMD_ON_LEFT);
    assert_false(cmd_record_is_deferred(find("other")));
    cmd_record_begin(&r);
    named("other"), named("poison"), named("left");
    assert_true(cmd_record_is_deferred(find("poison")));
    assert_null(find("left"));
    assert_int_equal(cmd_record_left(&r), 1);
    note("poison", CMD_ON_LEFT);
    cmd_record_begin(&r);
    assert_true(cmd_record_is_deferred(find("poison")));
    assert_int_equal(cmd_record_left(&r), 0); /* no listing has named it yet */
    note("poison", CMD_ON_STORED);
    cmd_record_begin(&r);
    named("poison");
    assert_false(cmd_record_is_deferred(find("poison")));
    assert_int_equal(now("poison"), CMD_STORED);
    assert_int_equal(cmd_record_left(&r), 0);
}

/* A run without -n fetches stored messages again. If the session breaks inside one, all others come
 * first in this run, and it stays stored. */
static void what_is_stored_comes_last_in_its_run_only(void **state) {
    (void)state;
    note("s", CMD_ON_STORED);
    cmd_record_begin(&r);
    note("s", CMD_ON_BROKEN);
    cmd_record_begin(&r);
    assert_true(cmd_record_is_deferred(find("s")));
    assert_int_equal(now("s"), CMD_STORED);
}

/* Refused for its size, and its rest never ended: still refused, and not left for this run. */
static void what_is_refused_stays_refused(void **state) { /* [Q17 B42] */
    (void)state;
    cmd_record_note(&r, "big", 3, CMD_ON_REFUSED, 5000, 0);
    assert_true(cmd_record_defer(&r, "big", 3));
    assert_int_equal(find("big")->tries, 1); /* which is saved */
    assert_false(cmd_record_defer(&r, "unknown", 7));
    note("failed", CMD_ON_FAILED);
    assert_false(cmd_record_defer(&r, "failed", 6));
    cmd_record_begin(&r);
    named("big");
    assert_true(cmd_record_is_deferred(find("big")));
    assert_int_equal(now("big"), CMD_REFUSED);
    assert_null(cmd_record_pick(&r));
    assert_int_equal(cmd_record_left(&r), 0);
}

/* Too old for --since: its day is kept, and a later event makes it a message like any other. */
static void what_is_too_old_has_its_day(void **state) {
    (void)state;
    cmd_record_note_old(&r, "a", 1, 12345);
    cmd_record_note_old(&r, "b", 1, 12345);
    note("stored", CMD_ON_STORED);
    cmd_record_begin(&r);
    cmd_record_note_old(&r, "stored", 6, 12345);
    note("large", CMD_ON_REFUSED);
    cmd_record_begin(&r);
    assert_int_equal(cmd_record_old_day(find("a")), 12345);
    assert_int_equal(now("a"), CMD_REFUSED);
    assert_int_equal(find("a")->size, 0); /* an earlier version sees a limit that no one gives */
    assert_int_equal(cmd_record_old_day(find("stored")), 0);
    assert_int_equal(now("stored"), CMD_STORED);
    assert_int_equal(cmd_record_old_day(find("large")), 0);
    assert_int_equal(cmd_record_old_day(NULL), 0);
    note("a", CMD_ON_STORED);
    note("b", CMD_ON_REFUSED);
    cmd_record_begin(&r);
    assert_int_equal(now("a"), CMD_STORED);
    assert_int_equal(cmd_record_old_day(find("a")), 0);
    assert_int_equal(cmd_record_old_day(find("b")), 0);
}

/* A message that the command line does not select is not tried, and keeps no run from success. */
static void what_is_left_out_is_not_picked(void **state) {
    (void)state;
    note("a", CMD_ON_BROKEN), note("b", CMD_ON_BROKEN);
    cmd_record_begin(&r);
    named("a"), named("b");
    cmd_record_leave_out(&r, "a", 1);
    cmd_record_leave_out(&r, "unknown", 7);
    assert_int_equal(cmd_record_left(&r), 1);
    assert_true(cmd_record_pick(&r) == find("b"));
    cmd_record_begin(&r); /* only for its session */
    named("a"), named("b");
    assert_int_equal(cmd_record_left(&r), 2);
}

static void the_fewest_tries_come_first(void **state) { /* [Q17] */
    (void)state;
    for (int i = 0; i < 3; i++) {
        cmd_record_begin(&r);
        note("often", CMD_ON_BROKEN);
        if (i == 1) note("once", CMD_ON_BROKEN);
    }
    cmd_record_begin(&r);
    assert_null(cmd_record_pick(&r));
    named("often"), named("once");
    assert_ptr_equal(cmd_record_pick(&r), find("once"));
    cmd_record_trying(&r, find("once")->hash);
    assert_ptr_equal(cmd_record_pick(&r), find("often"));
    cmd_record_trying(&r, find("often")->hash);
    assert_null(cmd_record_pick(&r)); /* each once a run */
    note("often", CMD_ON_BROKEN);
    cmd_record_begin(&r);
    named("often"), named("once");
    assert_null(cmd_record_pick(&r));
    assert_int_equal(cmd_record_left(&r), 2);
}

static void names_of_headers_are_told_from_uids(void **state) {
    (void)state;
    assert_false(cmd_record_has_uids(&r));
    note(CMD_HEADER_NAME "00", CMD_ON_BROKEN);
    assert_false(cmd_record_has_uids(&r));
    assert_true(cmd_record_has_deferred_headers(&r));
    assert_true(cmd_record_has_headers(&r));
    note("uid", CMD_ON_BROKEN);
    assert_true(cmd_record_has_uids(&r));
    note(CMD_HEADER_NAME "00", CMD_ON_STORED);
    cmd_record_begin(&r);
    note(CMD_HEADER_NAME "00", CMD_ON_STORED);
    assert_false(cmd_record_has_deferred_headers(&r) && now("uid") == CMD_STORED);
}

/* ---- forgetting ---- */

static void forgotten_after_two_whole_listings(void **state) { /* [B51] */
    (void)state;
    note("stays", CMD_ON_STORED), note("goes", CMD_ON_STORED_DUE);
    for (int session = 0; session < 2; session++) {
        cmd_record_begin(&r);
        named("stays");
        assert_int_equal(now("goes"), CMD_DUE);
        listing_ends();
    }
    assert_int_equal(now("stays"), CMD_STORED);
    assert_null(find("goes"));
    for (int session = 0; session < 5; session++) { /* cut listings forget nothing */
        cmd_record_begin(&r);
        named("other");
    }
    for (int session = 0; session < 5; session++) { /* every second one names it */
        cmd_record_begin(&r);
        if (session % 2) named("stays");
        listing_ends();
    }
    assert_int_equal(now("stays"), CMD_STORED);
    assert_int_equal(r.used, 1);
}

static void what_came_after_the_listing_is_no_older_for_it(void **state) { /* [B51] */
    (void)state;
    listing_ends();
    note("a", CMD_ON_STORED);
    cmd_record_begin(&r);
    listing_ends();
    assert_int_equal(now("a"), CMD_STORED);
    cmd_record_begin(&r);
    listing_ends();
    assert_int_equal(now("a"), CMD_NEW);
}

/* ---- against a model ---- */

static uint32_t rng_state;

static uint32_t rng(uint32_t below) {
    rng_state = rng_state * 1664525u + 1013904223u;
    return (rng_state >> 8) % below;
}

#define MODEL_NAMES 300u

static void behaves_as_a_plain_array(void **state) { /* [R34] */
    static unsigned char there[MODEL_NAMES], listed[MODEL_NAMES], missed[MODEL_NAMES];
    char name[24];
    (void)state;
    rng_state = 1;
    for (unsigned step = 0; step < 60000; step++) {
        unsigned i = rng(MODEL_NAMES), what = rng(400);
        (void)snprintf(name, sizeof name, "<%u@model>", i);
        if (what == 0) {
            listing_ends();
            for (i = 0; i < MODEL_NAMES; i++) {
                missed[i] = listed[i] ? 0 : (unsigned char)(missed[i] + 1);
                if (missed[i] == 2) there[i] = 0;
            }
        } else if (what == 1) {
            cmd_record_begin(&r);
            memset(listed, 0, sizeof listed);
        } else if (what < 300) {
            named(name);
            if (there[i]) listed[i] = 1, missed[i] = 0;
        } else {
            note(name, CMD_ON_STORED);
            there[i] = listed[i] = 1;
            missed[i] = 0;
        }
        if (step % 500) continue;
        size_t count = 0;
        for (i = 0; i < MODEL_NAMES; i++) {
            (void)snprintf(name, sizeof name, "<%u@model>", i);
            assert_int_equal(find(name) != NULL, there[i]);
            count += there[i];
        }
        assert_int_equal(r.used, count);
    }
}

/* ---- the saved form ---- */

typedef struct file {
    unsigned char *p;
    size_t len, at, cap, largest;
    int fail_at, calls;
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
    if (++f->calls == f->fail_at || n > f->len - f->at) return -1;
    memcpy(p, f->p + f->at, n);
    f->at += n;
    return 0;
}

static unsigned char saved[CMD_SAVED_LEN(200)];

static cmd_loaded load(cmd_record *into, size_t len) {
    file f = {saved, len, 0, sizeof saved, 0, 0, 0};
    return cmd_record_load(into, len, file_get, &f);
}

/* [R47] A refused login delays the next one, but never for longer than the server wants. A clock
 * that was set back, or far forward, makes no run wait. */
static void a_delay_between_logins_is_bounded(void **state) {
    const uint64_t at = 1800000000;
    (void)state;
    assert_int_equal(cmd_record_delay_left(&r, at), 0);
    cmd_record_delay(&r, 300, at);
    assert_true(r.changed);
    assert_int_equal(cmd_record_delay_left(&r, at), 300);
    assert_int_equal(cmd_record_delay_left(&r, at + 299), 1);
    assert_int_equal(cmd_record_delay_left(&r, at + 300), 0);
    assert_int_equal(cmd_record_delay_left(&r, at - 1), 0);
    assert_int_equal(cmd_record_delay_left(&r, 0), 0);
    assert_int_equal(cmd_record_delay_left(&r, UINT64_MAX), 0);
    cmd_record_delay(&r, UINT32_MAX, at);
    assert_int_equal(cmd_record_delay_left(&r, at), 3600); /* and no more than an hour */
    cmd_record_delay(&r, 0, at);
    assert_int_equal(cmd_record_delay_left(&r, at), 0);
}

/* One entry of each kind, and more. */
static size_t save_filled(unsigned n) {
    file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
    char name[24];
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, i % 5 ? "u%u" : CMD_HEADER_NAME "%u", i);
        cmd_record_note(&r, name, strlen(name), (cmd_event)(i % CMD_ON_LEFT),
                        i % 7 ? i : CMD_SIZE_UNKNOWN, (uint16_t)(i * 300));
        if (i % 2) note(name, CMD_ON_MARKED);
        r.unsure = i % 3 == 0; /* the next one */
    }
    listing_ends();
    cmd_record_begin(&r);
    listing_ends();
    r.no_uidl = 2;
    r.one_at_a_time = 64;
    r.told_expire = 1;
    cmd_record_delay(&r, 300, 1800000000);
    assert_int_equal(cmd_record_save(&r, file_put, &f), 0);
    assert_true(f.len == CMD_SAVED_LEN(r.used) && f.largest <= CMD_PIECE_MAX);
    return f.len;
}

static void assert_equal_records(const cmd_record *a, const cmd_record *b) {
    assert_int_equal(a->used, b->used);
    assert_memory_equal(a->key, b->key, sizeof a->key);
    assert_memory_equal(a->old_keys, b->old_keys, sizeof a->old_keys);
    assert_int_equal(a->no_uidl, b->no_uidl);
    assert_int_equal(a->one_at_a_time, b->one_at_a_time);
    assert_int_equal(a->told_expire, b->told_expire);
    assert_int_equal(a->delay_s, b->delay_s);
    assert_int_equal(a->delayed_at, b->delayed_at);
    assert_int_equal(a->old, b->old);
    for (size_t i = 0; i < a->room; i++) {
        const cmd_entry *e = &a->slots[i];
        size_t k = 0;
        if (!e->state) continue;
        while (k < b->room && (b->slots[k].hash != e->hash || !b->slots[k].state))
            k++;
        assert_true(k < b->room);
        cmd_entry other = b->slots[k];
        assert_true(other.size == e->size && other.day == e->day && other.state == e->state &&
                    other.flags == e->flags && other.tries == e->tries);
    }
}

static void what_was_saved_comes_back(void **state) {
    (void)state;
    for (unsigned n = 0; n <= 150; n += 15) {
        cmd_record t;
        cmd_record_free(&r);
        cmd_record_init(&r, key);
        size_t len = save_filled(n);
        cmd_record_init(&t, (const unsigned char *)"another key here");
        assert_int_equal(load(&t, len), CMD_LOADED);
        assert_equal_records(&r, &t);
        cmd_record_free(&t);
    }
}

static void large_sizes_are_cut(void **state) {
    cmd_record t;
    file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
    (void)state;
    cmd_record_note(&r, "a", 1, CMD_ON_STORED, UINT64_MAX - 1, 0);
    cmd_record_note(&r, "b", 1, CMD_ON_STORED, CMD_SIZE_UNKNOWN, 0);
    assert_int_equal(cmd_record_save(&r, file_put, &f), 0);
    cmd_record_init(&t, key);
    assert_int_equal(load(&t, f.len), CMD_LOADED);
    assert_true(cmd_record_find(&t, "a", 1)->size < UINT64_C(1) << 48);
    assert_true(cmd_record_find(&t, "b", 1)->size == CMD_SIZE_UNKNOWN);
    cmd_record_free(&t);
}

static void assert_unchanged_by(size_t len) {
    int is_record = len < 32 || memcmp(saved, "PRC2", 4) == 0 || memcmp(saved, "PSN1", 4) == 0;
    cmd_record t;
    cmd_record_init(&t, key);
    assert_int_equal(load(&t, len), is_record ? CMD_DAMAGED : CMD_NO_RECORD);
    assert_int_equal(t.used, 0);
    assert_memory_equal(t.key, key, sizeof key);
    cmd_record_free(&t);
}

/* [I-8] each bit, each cut, each length beyond the end, each read that fails */
static void every_damage_is_refused(size_t len) {
    for (size_t bit = 0; bit < len * 8; bit++) {
        saved[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_unchanged_by(len);
        saved[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < len; cut++)
        assert_unchanged_by(cut);
    memset(saved + len, 0, sizeof saved - len);
    for (size_t more = len + 1; more < len + 70; more++)
        assert_unchanged_by(more);
    for (int k = 1;; k++) {
        file f = {saved, len, 0, sizeof saved, 0, k, 0};
        cmd_record t;
        cmd_record_init(&t, key);
        cmd_loaded e = cmd_record_load(&t, len, file_get, &f);
        if (e == CMD_DAMAGED) assert_int_equal(t.used, 0);
        cmd_record_free(&t);
        if (e != CMD_DAMAGED) break;
        assert_true(k < 1000);
    }
}

static void every_damage_of_a_record_is_refused(void **state) {
    (void)state;
    every_damage_is_refused(save_filled(0));
    every_damage_is_refused(save_filled(40));
}

static void a_full_medium_is_told(void **state) {
    (void)state;
    (void)save_filled(200);
    for (int k = 1; k <= 5; k++) {
        file f = {saved, 0, 0, sizeof saved, 0, k, 0};
        assert_int_equal(cmd_record_save(&r, file_put, &f), 7);
        assert_int_equal(f.calls, k);
    }
}

/* ---- what version 0.1.0 wrote ---- */

static const unsigned char old_key[CMD_RECORD_KEY] = {0x0A, 0x1D, 3};

/* Writes such a file of these names and marks. */
static size_t save_old(const unsigned char *with_key, const char *const *names,
                       const unsigned char *marks, unsigned n, uint64_t limit) {
    unsigned char *p = saved;
    br_sha256_context sha;
    memcpy(p, "PSN1\0\0\0", 7);
    p[7] = (unsigned char)n;
    memcpy(p + 8, with_key, CMD_RECORD_KEY);
    for (int i = 7; i >= 0; i--, limit >>= 8)
        p[24 + i] = (unsigned char)limit;
    p += 32;
    for (unsigned i = 0; i < n; i++, p += 9) {
        uint64_t hash = cmd_record_old_hash(with_key, names[i], strlen(names[i]));
        for (int k = 7; k >= 0; k--, hash >>= 8)
            p[k] = (unsigned char)hash;
        p[8] = marks[i];
    }
    br_sha256_init(&sha);
    br_sha256_update(&sha, saved, (size_t)(p - saved));
    br_sha256_out(&sha, p);
    return (size_t)(p - saved) + br_sha256_SIZE;
}

static const char *const old_names[] = {"fetched",        "refused",        "due",
                                        "due named",      "fetched 1000",   "killed: stored",
                                        "killed: marked", "killed: failed", CMD_HEADER_NAME "00",
                                        "missed"};
static const unsigned char old_marks[] = {1, 2, 5, 7, 4, 9, 12, 8, 1, 1 | 0x20};

static size_t save_old_example(const unsigned char *with_key) {
    return save_old(with_key, old_names, old_marks, sizeof old_marks, 5000);
}

static void an_old_record_is_taken_over_as_its_messages_are_named(void **state) {
    (void)state;
    note("fetched", CMD_ON_FAILED); /* the knowledge of this version counts */
    cmd_record_begin(&r);
    assert_int_equal(load(&r, save_old_example(old_key)), CMD_LOADED_OLD);
    assert_false(cmd_record_has_uids(&r) && r.used == 0);
    assert_int_equal(now("fetched"), CMD_FAILED);
    assert_int_equal(now("refused"), CMD_REFUSED);
    assert_true(find("refused")->size == 5000);
    assert_int_equal(now("due"), CMD_DUE);
    assert_true(find("due")->size == CMD_SIZE_UNKNOWN); /* so it is fetched once more */
    assert_int_equal(now("due named"), CMD_DUE);
    assert_int_equal(now("killed: stored"), CMD_STORED);
    assert_int_equal(now("killed: marked"), CMD_DUE);
    assert_int_equal(now("killed: failed"), CMD_NEW);
    assert_int_equal(now("fetched 1000"), CMD_NEW);
    assert_int_equal(now("never seen"), CMD_NEW);
    assert_int_equal(now(CMD_HEADER_NAME "00"), CMD_STORED);
    assert_true(find(CMD_HEADER_NAME "00")->flags & CMD_ENTRY_HEADER);
    assert_true(cmd_record_has_uids(&r));
    assert_int_equal(r.old, 2); /* "fetched" and "missed": the one is known, the other not named */
    cmd_record_see_size(&r, CMD_HEADER_NAME "00", 9, 77);
    cmd_record_see_size(&r, CMD_HEADER_NAME "00", 9, 78);
    assert_true(find(CMD_HEADER_NAME "00")->size == 77);
}

static void what_no_listing_names_goes_with_the_old_record(void **state) {
    (void)state;
    assert_int_equal(load(&r, save_old_example(old_key)), CMD_LOADED_OLD);
    named("fetched"), named("due");
    listing_ends();
    assert_int_equal(now("missed"), CMD_NEW); /* its second listing in a row */
    assert_int_equal(now("fetched"), CMD_STORED);
    cmd_record_begin(&r);
    named("fetched"), named("refused");
    listing_ends();
    assert_int_equal(r.used, 3); /* refused came back; "due" was missed once */
    assert_int_equal(r.old, 0);
}

/* An old record that is saved again before its messages were named loses nothing. */
static void an_old_record_survives_being_saved(void **state) {
    cmd_record t;
    file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
    (void)state;
    assert_int_equal(load(&r, save_old_example(old_key)), CMD_LOADED_OLD);
    assert_int_equal(now("refused"), CMD_REFUSED);
    assert_int_equal(cmd_record_save(&r, file_put, &f), 0);
    cmd_record_init(&t, key);
    assert_int_equal(load(&t, f.len), CMD_LOADED);
    assert_equal_records(&r, &t);
    cmd_record_free(&r);
    r = t;
    assert_int_equal(now("fetched"), CMD_STORED);
    assert_int_equal(now("refused"), CMD_REFUSED);
    every_damage_is_refused(f.len);
}

/* Ports 110 and 995 were two accounts. */
static void two_old_records_become_one(void **state) {
    static const unsigned char third_key[CMD_RECORD_KEY] = {9};
    static const char *const names[] = {"other", "due"};
    static const unsigned char marks[] = {1, 1};
    (void)state;
    assert_int_equal(load(&r, save_old_example(old_key)), CMD_LOADED_OLD);
    assert_int_equal(load(&r, save_old(key, names, marks, 2, 0)), CMD_LOADED_OLD);
    assert_int_equal(load(&r, save_old(key, names, marks, 2, 0)), CMD_LOADED_OLD); /* harmless */
    assert_int_equal(load(&r, save_old(third_key, names, marks, 2, 0)), CMD_DAMAGED);
    assert_int_equal(now("fetched"), CMD_STORED);
    assert_int_equal(now("other"), CMD_STORED);
    assert_int_equal(now("due"), CMD_STORED); /* the other record deletes less */
    assert_int_equal(now("refused"), CMD_REFUSED);
}

/* The state that fetches more and deletes less wins, whichever record comes first. */
static void of_two_old_records_the_careful_one_counts(void **state) {
    static const char *const names[] = {"a", "b", "c", "d"};
    static const unsigned char stored_due[] = {1, 5, 2, 2 | 0x20}, others[] = {2, 1, 1, 2};
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        cmd_record_free(&r);
        cmd_record_init(&r, key);
        r.today = 77;
        for (int k = 0; k < 2; k++) {
            size_t len = k == turn ? save_old(old_key, names, stored_due, 4, 500)
                                   : save_old(key, names, others, 4, 300);
            assert_int_equal(load(&r, len), CMD_LOADED_OLD);
        }
        assert_int_equal(r.used, 8);
        assert_int_equal(now("a"), CMD_REFUSED);
        assert_int_equal(now("b"), CMD_STORED);
        assert_int_equal(now("c"), CMD_REFUSED);
        assert_int_equal(now("d"), CMD_REFUSED);
        assert_true(find("d")->size == 300); /* the limit that is raised first */
        assert_int_equal(find("d")->flags & CMD_ENTRY_MISSED, 0);
        assert_int_equal(find("b")->day, 77); /* its age counts from the upgrade */
        assert_int_equal(r.used, 4);
        assert_int_equal(r.old, 0);
    }
}

static void every_damage_of_an_old_record_is_refused(void **state) {
    (void)state;
    every_damage_is_refused(save_old_example(old_key));
}

/* ---- age and place ---- */

enum { DAY = 86400 };

/* A run at noon of a day that saves, and whether it deletes what is `days` old. */
static int deletes_on(unsigned day, const char *name, unsigned days) {
    cmd_record_see_clock(&r, (uint64_t)day * DAY + DAY / 2);
    cmd_record_begin(&r);
    return cmd_record_is_old(&r, find(name), days);
}

static void store_on(unsigned day, const char *name) {
    cmd_record_see_clock(&r, (uint64_t)day * DAY);
    cmd_record_begin(&r);
    cmd_record_note(&r, name, strlen(name), CMD_ON_STORED, 100, r.today);
    cmd_record_begin(&r);
}

static void a_message_grows_old_by_days(void **state) {
    (void)state;
    store_on(20000, "u");
    for (unsigned day = 20000; day <= 20010; day++)
        assert_int_equal(deletes_on(day, "u", 10), day == 20010);
    assert_true(deletes_on(20010, "u", 1));
    assert_false(cmd_record_is_old(&r, find("u"), 11));
}

/* Each day of a run that fetches everything is not the first day of the message. */
static void to_store_it_again_makes_no_message_younger(void **state) {
    (void)state;
    for (unsigned day = 20000; day < 20010; day++)
        store_on(day, "u");
    assert_int_equal(find("u")->day, 20000);
    cmd_record_note(&r, "u", 1, CMD_ON_STORED, 101, r.today); /* another message */
    assert_int_equal(find("u")->day, 20009);
}

static void a_clock_that_went_back_deletes_nothing(void **state) {
    (void)state;
    store_on(20000, "u");
    assert_true(deletes_on(20025, "u", 10));
    store_on(20025, "late");
    r.changed = 0;
    assert_false(deletes_on(20024, "u", 10));
    assert_true(r.changed && r.doubted_at); /* the next run must know of it */
    assert_int_equal(r.seen_day, 20025);
    cmd_record_see_clock(&r, (uint64_t)20025 * DAY + DAY / 2 - 1); /* not yet a day later */
    assert_true(r.today == 20025 && !r.doubted_at); /* and no doubt any more: it is not before */
    assert_false(deletes_on(20023, "u", 10));
    assert_false(deletes_on(20022, "u", 10));   /* further back: it begins anew */
    assert_true(deletes_on(20023, "u", 10));    /* a day later, a second run agrees */
    assert_int_equal(find("late")->day, 20023); /* no day is still to come */
    assert_true(deletes_on(20024, "u", 10));
}

static void a_clock_that_jumped_ahead_deletes_nothing(void **state) {
    (void)state;
    store_on(20000, "u");
    assert_true(deletes_on(20030, "u", 30)); /* 30 days are no jump */
    assert_false(deletes_on(20061, "u", 10));
    cmd_record_see_clock(&r, (uint64_t)20061 * DAY + DAY / 2 + DAY - 1);
    assert_int_equal(r.today, 0); /* a second less than a day later */
    cmd_record_note(&r, "new", 3, CMD_ON_STORED, 5, r.today);
    cmd_record_see_clock(&r, (uint64_t)20061 * DAY + DAY / 2 + DAY);
    assert_int_equal(r.today, 20062);
    assert_true(cmd_record_is_old(&r, find("u"), 10));
    assert_int_equal(find("new")->day, 20062); /* stored in doubt: it counts from now */
    assert_true(deletes_on(20063, "u", 10));
}

/* Wrong once, then right again: the wrong day leaves no trace. */
static void a_doubt_ends_with_a_clock_that_is_right(void **state) {
    (void)state;
    store_on(20000, "u");
    assert_false(deletes_on(40000, "u", 10));
    assert_false(deletes_on(20001, "u", 10));
    assert_int_equal(r.today, 20001);
    assert_int_equal(r.doubted_at, 0);
    assert_false(deletes_on(40000, "u", 10)); /* it is a first time again */
    assert_int_equal(r.seen_day, 20001);
}

/* Wrong to one side, and then to the other: neither run agrees with the one before. */
static void a_clock_that_is_wrong_both_ways_deletes_nothing(void **state) {
    (void)state;
    store_on(20000, "u");
    assert_false(deletes_on(19000, "u", 10));
    assert_false(deletes_on(20040, "u", 10));
    assert_true(r.doubted_at / DAY == 20040 && r.seen_day == 20000);
    assert_false(deletes_on(19001, "u", 10));
    assert_false(deletes_on(20050, "u", 10));
    assert_true(deletes_on(20051, "u", 10)); /* the same side twice */
}

static void a_clock_that_knows_no_day_deletes_nothing(void **state) {
    (void)state;
    store_on(20000, "u");
    cmd_record_see_clock(&r, 0);
    assert_int_equal(r.today, 0);
    cmd_record_see_clock(&r, UINT64_MAX);
    assert_int_equal(r.today, 0);
    assert_false(cmd_record_is_old(&r, find("u"), 1));
}

/* A record that was saved without days, or without the clock. */
static void an_earlier_record_counts_from_the_upgrade(void **state) {
    (void)state;
    cmd_record_note(&r, "none", 4, CMD_ON_STORED, 5, 0);
    assert_false(deletes_on(20000, "none", 1));
    assert_true(deletes_on(20001, "none", 1));
    r.seen_day = 0; /* its newest message is the last save that is known */
    assert_false(deletes_on(20031, "none", 1));
    assert_true(r.doubted_at > 0);
}

/* The days of messages that are not stored are no days of the clock. */
static void only_stored_messages_have_days_of_the_clock(void **state) {
    const cmd_entry *other;
    size_t at = 0;
    (void)state;
    store_on(20000, "u");
    note("failed", CMD_ON_FAILED), note("refused", CMD_ON_REFUSED);
    cmd_entry e = *find("refused");
    e.hash++, e.day = 30000;
    assert_int_equal(cmd_record_put(&r, &e), 1);
    cmd_record_see_clock(&r, (uint64_t)20001 * DAY);
    assert_int_equal(r.today, 20001);
    assert_true(find("failed")->day == 0 && find("refused")->day == 0);
    do
        other = cmd_record_next(&r, &at);
    while (other && other->hash != e.hash);
    assert_true(other && other->day == 30000);
}

static void only_the_same_message_may_go(void **state) { /* [G14] */
    static const cmd_event events[] = {CMD_ON_REFUSED, CMD_ON_FAILED, CMD_ON_BROKEN};
    (void)state;
    note("a", CMD_ON_STORED);
    note("due", CMD_ON_STORED_DUE);
    note(CMD_HEADER_NAME "h", CMD_ON_STORED);
    note_unsure("doubt", CMD_ON_STORED);
    assert_false(cmd_record_may_go(find("a"), 100)); /* of this session */
    cmd_record_begin(&r);
    assert_true(cmd_record_may_go(find("a"), 100));
    assert_true(cmd_record_may_go(find("due"), 100));
    assert_false(cmd_record_may_go(find("a"), 101));
    assert_false(cmd_record_may_go(find("a"), CMD_SIZE_UNKNOWN));
    assert_false(cmd_record_may_go(NULL, 100));
    assert_false(cmd_record_may_go(find(CMD_HEADER_NAME "h"), 100));
    assert_false(cmd_record_may_go(find("doubt"), 100));
    named("a"), named("a");
    assert_false(cmd_record_may_go(find("a"), 100));
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        note("x", events[i]);
        cmd_record_begin(&r);
        assert_false(cmd_record_may_go(find("x"), 100));
    }
}

/* Away from a complete listing, and there again: the UID may be another message's. */
static void what_was_away_does_not_go(void **state) { /* [G14] */
    (void)state;
    note("a", CMD_ON_STORED);
    cmd_record_begin(&r);
    listing_ends();
    cmd_record_begin(&r);
    named("a"), listing_ends();
    assert_int_equal(now("a"), CMD_STORED);
    assert_false(cmd_record_may_go(find("a"), 100));
    note("a", CMD_ON_STORED);
    cmd_record_begin(&r);
    assert_true(cmd_record_may_go(find("a"), 100));
}

static void what_went_for_its_age_is_new_once_it_is_confirmed(void **state) { /* [G14] */
    (void)state;
    note("a", CMD_ON_STORED), note("b", CMD_ON_STORED);
    cmd_record_begin(&r);
    note("a", CMD_ON_MARKED);
    cmd_record_confirm(&r, 0);
    cmd_record_begin(&r);
    assert_int_equal(now("a"), CMD_DUE);
    assert_true(cmd_record_may_go(find("a"), 100));
    note("a", CMD_ON_MARKED), note("b", CMD_ON_MARKED);
    cmd_record_confirm(&r, 1);
    for (size_t i = 0; i < r.room; i++)
        r.slots[i].live = 0; /* a later run */
    assert_int_equal(now("a"), CMD_NEW);
    assert_int_equal(now("b"), CMD_NEW);
    assert_false(cmd_record_may_go(find("b"), 100));
}

static void a_size_that_comes_later_begins_the_age(void **state) {
    (void)state;
    cmd_record_note(&r, "a", 1, CMD_ON_STORED, CMD_SIZE_UNKNOWN, 19000);
    cmd_record_note(&r, "f", 1, CMD_ON_FAILED, CMD_SIZE_UNKNOWN, 19000);
    cmd_record_see_clock(&r, (uint64_t)19010 * DAY);
    cmd_record_start_age(&r, "a", 1, 70); /* this session stored it */
    assert_true(find("a")->size == CMD_SIZE_UNKNOWN);
    cmd_record_begin(&r);
    cmd_record_start_age(&r, "a", 1, CMD_SIZE_UNKNOWN);
    cmd_record_start_age(&r, "f", 1, 70);
    cmd_record_start_age(&r, "a", 1, 70);
    cmd_record_start_age(&r, "a", 1, 71);
    assert_true(find("a")->size == 70 && find("a")->day == 19010);
    assert_true(find("f")->size == CMD_SIZE_UNKNOWN);
}

/* Of two messages of one UID it is not known which one was stored: neither gives its size. */
static void a_uid_that_came_twice_begins_no_age(void **state) { /* [B50] */
    (void)state;
    cmd_record_note(&r, "a", 1, CMD_ON_STORED, CMD_SIZE_UNKNOWN, 19000);
    cmd_record_begin(&r);
    named("a"), named("a");
    cmd_record_start_age(&r, "a", 1, 70);
    assert_true(find("a")->size == CMD_SIZE_UNKNOWN);
    cmd_record_begin(&r);
    named("a");
    cmd_record_start_age(&r, "a", 1, 80);
    assert_true(find("a")->size == 80);
}

/* ---- to forget ---- */

static void what_is_forgotten_is_new(void **state) {
    static const char *const names[] = {"both", "first"};
    static const unsigned char marks[] = {1, 1};
    (void)state;
    note("a", CMD_ON_STORED), note("b", CMD_ON_STORED);
    r.account = 9;
    cmd_record_begin(&r);
    r.changed = 0;
    assert_int_equal(cmd_record_forget(&r, "c", 1), 0);
    assert_false(r.changed);
    assert_int_equal(cmd_record_forget(&r, "a", 1), 1);
    assert_true(r.changed);
    assert_int_equal(now("a"), CMD_NEW);
    assert_int_equal(now("b"), CMD_STORED);
    assert_int_equal(load(&r, save_old(old_key, names, marks, 2, 0)), CMD_LOADED_OLD);
    assert_int_equal(load(&r, save_old(key, names, marks, 1, 0)), CMD_LOADED_OLD);
    note("both", CMD_ON_STORED); /* known three times */
    assert_true(cmd_record_forget(&r, "both", 4) >= 1);
    assert_int_equal(now("both"), CMD_NEW);
    assert_int_equal(now("first"), CMD_STORED);
    assert_int_equal(cmd_record_forget(&r, NULL, 0), 2);
    assert_true(r.changed && r.used == 0 && r.old == 0 && r.account == 9);
    assert_int_equal(now("b"), CMD_NEW);
    note("b", CMD_ON_STORED);
    assert_int_equal(r.used, 1);
}

/* ---- account and clock in the saved form ---- */

static void account_and_clock_come_back(void **state) {
    (void)state;
    for (unsigned n = 0; n <= 200; n += 50) {
        cmd_record t;
        file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
        (void)save_filled(n);
        r.account = UINT64_MAX - 1;
        r.seen_day = 20001;
        r.doubted_at = 4102444800;
        assert_int_equal(cmd_record_save(&r, file_put, &f), 0);
        assert_true(f.len == CMD_SAVED_LEN(r.used + 1) && f.largest <= CMD_PIECE_MAX);
        cmd_record_init(&t, key);
        assert_int_equal(load(&t, f.len), CMD_LOADED);
        assert_equal_records(&r, &t);
        assert_true(t.account == r.account && t.seen_day == 20001 && t.doubted_at == 4102444800);
        cmd_record_free(&t);
        if (n == 50) every_damage_is_refused(f.len);
        cmd_record_free(&r);
        cmd_record_init(&r, key);
    }
}

/* An earlier program puts their entry among the messages, and no name finds it. */
static void an_earlier_program_forgets_account_and_clock(void **state) {
    enum { HEAD = 64 };
    file f = {saved, 0, 0, sizeof saved, 0, 0, 0};
    cmd_entry e = {.state = CMD_STORED, .size = 1};
    (void)state;
    r.account = 5;
    assert_int_equal(cmd_record_save(&r, file_put, &f), 0);
    assert_true(f.len == CMD_SAVED_LEN(1) && saved[7] == 1);
    assert_int_equal(saved[HEAD + 16], CMD_STORED);
    e.hash = saved[HEAD + 7];
    e.flags = saved[HEAD + 17];
    assert_int_equal(cmd_record_put(&r, &e), 1);
    assert_false(cmd_record_has_uids(&r));
    listing_ends(); /* its one complete listing */
    assert_int_equal(r.used, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, empty_record, free_record)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_delay_between_logins_is_bounded),
        TEST(an_event_counts_from_the_next_session_on),
        TEST(one_failure_among_equal_names_has_all_fetched_again),
        TEST(what_is_stored_stays_stored),
        TEST(what_is_passed_over_is_not_stored),
        TEST(what_an_unsure_session_stored_is_new),
        TEST(a_session_is_sure_for_what_it_stored_itself),
        TEST(what_is_unsure_fails_as_new_messages_do),
        TEST(a_deletion_is_due_until_it_is_confirmed),
        TEST(a_confirmation_is_of_its_own_session),
        TEST(what_was_deleted_is_new_to_later_runs),
        TEST(what_was_due_and_away_is_not_deleted_unfetched),
        TEST(what_one_listing_names_twice_is_not_deleted_unfetched),
        TEST(sizes_are_those_of_the_listing_that_stored),
        TEST(the_message_that_broke_comes_last),
        TEST(what_is_stored_comes_last_in_its_run_only),
        TEST(what_is_refused_stays_refused),
        TEST(what_is_too_old_has_its_day),
        TEST(what_is_left_out_is_not_picked),
        TEST(the_fewest_tries_come_first),
        TEST(names_of_headers_are_told_from_uids),
        TEST(forgotten_after_two_whole_listings),
        TEST(what_came_after_the_listing_is_no_older_for_it),
        TEST(behaves_as_a_plain_array),
        TEST(what_was_saved_comes_back),
        TEST(large_sizes_are_cut),
        TEST(every_damage_of_a_record_is_refused),
        TEST(a_full_medium_is_told),
        TEST(an_old_record_is_taken_over_as_its_messages_are_named),
        TEST(what_no_listing_names_goes_with_the_old_record),
        TEST(an_old_record_survives_being_saved),
        TEST(two_old_records_become_one),
        TEST(every_damage_of_an_old_record_is_refused),
        TEST(of_two_old_records_the_careful_one_counts),
        TEST(a_message_grows_old_by_days),
        TEST(to_store_it_again_makes_no_message_younger),
        TEST(a_clock_that_went_back_deletes_nothing),
        TEST(a_clock_that_jumped_ahead_deletes_nothing),
        TEST(a_doubt_ends_with_a_clock_that_is_right),
        TEST(a_clock_that_is_wrong_both_ways_deletes_nothing),
        TEST(a_clock_that_knows_no_day_deletes_nothing),
        TEST(an_earlier_record_counts_from_the_upgrade),
        TEST(only_stored_messages_have_days_of_the_clock),
        TEST(only_the_same_message_may_go),
        TEST(what_was_away_does_not_go),
        TEST(what_went_for_its_age_is_new_once_it_is_confirmed),
        TEST(a_size_that_comes_later_begins_the_age),
        TEST(a_uid_that_came_twice_begins_no_age),
        TEST(what_is_forgotten_is_new),
        TEST(account_and_clock_come_back),
        TEST(an_earlier_program_forgets_account_and_clock),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
