/* SPDX-License-Identifier: MIT */
/* In which order a device fetches (examples/firmware/order.c): one message that always breaks the
 * session keeps no other from arriving, and one that broke it by chance arrives too [Q17]. A
 * session here does what a job of popcl.h does: it lists, asks before each RETR, and tells fates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "order.h"

#define MOST 40u

static unsigned char memory[POPCL_SEEN_SIZE(MOST)];
static popcl_seen seen;
static order of;
static char uids[MOST][8]; /* of the messages in the maildrop, in order */
static char
    kind[MOST + 1]; /* '.' good, 'P' poison, 'B' breaks once, 'R' RETR is refused, 'E' empty */
static unsigned messages;
static char fetched[512]; /* what RETR was sent for, "3,4!,": ! is where the session broke */
static int remembers;     /* stored messages are in the set, and not wanted again */

static popcl_msg message(unsigned i) {
    popcl_msg m = {POPCL_SIZE_UNKNOWN, i + 1, (uint8_t)strlen(uids[i]), POPCL_WHOLE, uids[i]};
    return m;
}

static void arrive(char what) {
    static unsigned serial;
    (void)snprintf(uids[messages], sizeof uids[0], "u%u", serial++);
    kind[messages++] = what;
}

static void maildrop(const char *kinds, int remember) {
    static const unsigned char key[16];
    messages = 0;
    remembers = remember;
    assert_int_equal(popcl_seen_init(&seen, memory, sizeof memory, key), POPCL_OK);
    of = (order){.seen = &seen};
    while (*kinds)
        arrive(*kinds++);
}

static int is_wanted(const popcl_msg *m) {
    return !(popcl_seen_get(&seen, m->uid, m->uid_len) & POPCL_SEEN_FETCHED);
}

static void list(void) {
    order_begin(&of);
    for (unsigned i = 0; i < messages; i++) {
        popcl_msg m = message(i);
        popcl_seen_listed(&seen, m.uid, m.uid_len);
        if (is_wanted(&m)) order_listed(&of, &m);
    }
    popcl_seen_listed(&seen, NULL, 0);
}

static void end(popcl_msg *m, popcl_fate what, popcl_err why, int over) {
    (void)order_fate(&of, m, what, why, over);
    if (what == POPCL_STORED && remembers)
        (void)popcl_seen_put(&seen, m->uid, m->uid_len, POPCL_SEEN_FETCHED);
}

/* RETR i; 0: the session broke. */
static int retr(unsigned i) {
    popcl_msg m = message(i);
    char *at = fetched + strlen(fetched);
    const int broke = kind[i] == 'P' || kind[i] == 'B';
    (void)snprintf(at, (size_t)(fetched + sizeof fetched - at), broke ? "%u!," : "%u,", i + 1);
    if (kind[i] == 'B') kind[i] = '.';
    if (broke)
        end(&m, POPCL_NOT_STORED, POPCL_ERR_NET, 1);
    else if (kind[i] == 'R')
        end(&m, POPCL_NOT_STORED, POPCL_ERR_RETR_REFUSED, 0);
    else
        end(&m, POPCL_STORED, POPCL_OK, 0);
    if (kind[i] == 'E') {
        order_empty(&of, &m);
        (void)popcl_seen_put(&seen, m.uid, m.uid_len, 0);
    }
    return !broke;
}

/* One poll; what it asked for. quit_failed: QUIT had no answer, and all comes again. */
static const char *session(int quit_failed) {
    *fetched = '\0';
    list();
    int over = 0;
    for (unsigned i = 0; i < messages; i++) {
        popcl_msg m = message(i);
        if (!is_wanted(&m)) continue;
        if (over)
            end(&m, POPCL_NOT_STORED, POPCL_ERR_NET, 1);
        else if (order_is_now(&of, &m))
            over = !retr(i);
    }
    order_end(&of, quit_failed || !remembers);
    return fetched;
}

#define asks(what) assert_string_equal(session(0), what)

static void a_poison_message_comes_last_and_alone(void **state) {
    (void)state;
    maildrop("..P..", 1);
    asks("1,2,3!,");
    asks("4,5,");
    for (int i = 0; i < 3; i++)
        asks("3!,");
    arrive('.'); /* new mail comes first, whenever it comes */
    asks("6,");
    asks("3!,");
}

static void where_nothing_is_remembered_too(void **state) {
    (void)state;
    maildrop("P..", 0);
    asks("1!,");
    for (int i = 0; i < 3; i++) {
        asks("2,3,");
        asks("1!,");
    }
    asks("2,3,");
    arrive('.');
    asks("2,3,4,");
    asks("1!,");
}

static void one_that_broke_by_chance_arrives(void **state) {
    (void)state;
    maildrop("B..", 1);
    asks("1!,");
    asks("2,3,");
    asks("1,");
    asks("");
    maildrop("B..", 0);
    asks("1!,");
    asks("2,3,");
    asks("1,");
    asks("1,2,3,"); /* its mark is gone */
}

/* Each has its turn: a poison one does not keep those out that broke by chance. */
/* [Q19] It is listed and wanted again, and is no new mail. */
static void an_empty_message_takes_turns_with_a_last_one(void **state) {
    (void)state;
    maildrop("EP", 1);
    asks("1,2!,");
    for (int i = 0; i < 3; i++) {
        asks("1,");
        asks("2!,");
    }
}

static void several_take_turns(void **state) {
    (void)state;
    maildrop("PBPB.", 1);
    asks("1!,");
    asks("2!,");
    asks("3!,");
    asks("4!,");
    asks("5,");
    asks("1!,");
    asks("2,3!,");
    asks("4,");
    asks("1!,");
    asks("3!,");
    asks("1!,");
}

/* What the server refuses is an answer: it neither breaks the session nor keeps a last one out. */
static void a_refused_message_keeps_none_out(void **state) {
    (void)state;
    maildrop("RB.", 1);
    asks("1,2!,");
    asks("1,3,");
    asks("2,");
    asks("1,");
}

static void a_last_one_that_is_refused_is_last_no_more(void **state) {
    (void)state;
    maildrop("P.", 1);
    asks("1!,");
    asks("2,");
    kind[0] = 'R';
    asks("1,");
    arrive('.');
    asks("1,3,");
}

static void quit_without_an_answer_keeps_none_out(void **state) {
    (void)state;
    maildrop("B..", 1);
    asks("1!,");
    (void)session(1);
    popcl_msg m = message(1);
    (void)popcl_seen_put(&seen, m.uid, m.uid_len, 0); /* the caller forgets what may be gone */
    m = message(2);
    (void)popcl_seen_put(&seen, m.uid, m.uid_len, 0);
    asks("1,");
}

static void a_full_set_gives_up_one_that_was_fetched(void **state) {
    (void)state;
    static const unsigned char key[16];
    static unsigned char little[POPCL_SEEN_SIZE(3)];
    maildrop("...", 1);
    assert_int_equal(popcl_seen_init(&seen, little, sizeof little, key), POPCL_OK);
    asks("1,2,3,");
    while (popcl_seen_put(&seen, "filler", 6, POPCL_SEEN_FETCHED) == POPCL_OK && seen.used < 3) {}
    arrive('P');
    arrive('.');
    (void)session(0);
    popcl_msg m = message(3);
    assert_int_equal(popcl_seen_get(&seen, m.uid, m.uid_len), ORDER_LAST);
}

/* Without a UID nothing can be marked, and nothing is left out for it. */
static void without_uids_all_is_as_it_was(void **state) {
    (void)state;
    maildrop("P..", 0);
    for (unsigned i = 0; i < messages; i++)
        *uids[i] = '\0';
    for (int i = 0; i < 3; i++)
        asks("1!,");
}

/* A break where no message was asked for marks none. */
static void only_the_message_under_way_is_marked(void **state) {
    (void)state;
    maildrop("...", 1);
    list();
    for (unsigned i = 0; i < messages; i++) {
        popcl_msg m = message(i);
        assert_int_equal(order_fate(&of, &m, POPCL_NOT_STORED, POPCL_ERR_NET, 1), 0);
        assert_int_equal(popcl_seen_get(&seen, m.uid, m.uid_len), 0);
    }
}

/* The session broke in the answer to DELE, or with several RETR under way: of these it is the first
 * that did not come whole. */
static void what_came_whole_or_was_behind_is_not_marked(void **state) {
    (void)state;
    for (int under_way = 1; under_way <= 3; under_way++) {
        maildrop("....", 1);
        list();
        for (unsigned i = 0; i < (unsigned)under_way; i++) {
            popcl_msg m = message(i);
            assert_int_equal(order_is_now(&of, &m), 1);
        }
        for (unsigned i = 0; i < messages; i++) {
            popcl_msg m = message(i);
            end(&m, i ? POPCL_NOT_STORED : POPCL_STORED, i ? POPCL_ERR_NET : POPCL_OK, i != 0);
            unsigned marks = i == 0 ? POPCL_SEEN_FETCHED : i == 1 && under_way > 1 ? ORDER_LAST : 0;
            assert_int_equal(popcl_seen_get(&seen, m.uid, m.uid_len), marks);
        }
    }
}

/* The overall limit cuts the message under way and lets the session end in order. */
static void the_overall_limit_counts_as_a_break(void **state) {
    (void)state;
    maildrop("..", 1);
    list();
    popcl_msg m = message(0), next = message(1);
    assert_int_equal(order_is_now(&of, &m), 1);
    assert_int_equal(order_fate(&of, &m, POPCL_NOT_STORED, POPCL_ERR_TIMEOUT_TOTAL, 0), 1);
    assert_int_equal(order_fate(&of, &next, POPCL_NOT_STORED, POPCL_ERR_TIMEOUT_TOTAL, 1), 0);
    order_end(&of, 0);
    asks("2,");
}

/* With one poison message the flash is not written at each poll. */
static void a_mark_that_stays_is_no_change(void **state) {
    (void)state;
    maildrop("P", 1);
    for (int i = 0; i < 4; i++) {
        popcl_msg m = message(0);
        list();
        assert_int_equal(order_is_now(&of, &m), 1);
        assert_int_equal(order_fate(&of, &m, POPCL_NOT_STORED, POPCL_ERR_NET, 1), i == 0);
        assert_int_equal(order_was_last(&of), i > 0);
        order_end(&of, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_poison_message_comes_last_and_alone),
        cmocka_unit_test(where_nothing_is_remembered_too),
        cmocka_unit_test(one_that_broke_by_chance_arrives),
        cmocka_unit_test(an_empty_message_takes_turns_with_a_last_one),
        cmocka_unit_test(several_take_turns),
        cmocka_unit_test(a_refused_message_keeps_none_out),
        cmocka_unit_test(a_last_one_that_is_refused_is_last_no_more),
        cmocka_unit_test(quit_without_an_answer_keeps_none_out),
        cmocka_unit_test(a_full_set_gives_up_one_that_was_fetched),
        cmocka_unit_test(without_uids_all_is_as_it_was),
        cmocka_unit_test(only_the_message_under_way_is_marked),
        cmocka_unit_test(what_came_whole_or_was_behind_is_not_marked),
        cmocka_unit_test(the_overall_limit_counts_as_a_break),
        cmocka_unit_test(a_mark_that_stays_is_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
