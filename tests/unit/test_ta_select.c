/* SPDX-License-Identifier: MIT */
/* test_ta_select - popcl-ta's selection and families, over certificates that are rows of a list and
 * nothing else. The sources are compiled in here, so that their comparisons are counted. The work
 * must not grow with the square of the number of certificates. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static size_t work, most;

/* Counts a comparison. More than `most` of them end the test, which could take hours. */
static void count(void) {
    if (++work > most) fail_msg("over %zu comparisons", most);
}

static int counted_memcmp(const void *l, const void *r, size_t n) {
    count();
    return memcmp(l, r, n);
}

static int counted_strcasecmp(const char *l, const char *r) {
    count();
    return strcasecmp(l, r);
}

#define memcmp     counted_memcmp
#define strcasecmp counted_strcasecmp
#include "../../src/tools/popcl-ta/family.c"
#include "../../src/tools/popcl-ta/select.c"
#undef memcmp
#undef strcasecmp

enum { MANY = 30000, LOG = 15 }; /* 2 to the power of LOG is above MANY */

static pop_anchors a;
static ta_selection s;
static char no_text[] = "", group[] = "group";

static void mark(unsigned char hash[32], size_t number) {
    memset(hash, 0, 32);
    for (size_t i = 0; i < 8; i++, number >>= 8)
        hash[i] = (unsigned char)number;
}

/* Adds a certificate. The numbers are in the place of hashes of its names and its key. */
static pop_anchor *add(size_t subject, size_t issuer, size_t key, char *organization) {
    pop_anchor *one = &a.list[a.len++];
    one->finding = POP_ANCHOR_USABLE;
    one->organization = organization;
    one->common_name = no_text;
    mark(one->sha256, a.len);
    mark(one->subject_hash, subject);
    mark(one->issuer_hash, issuer);
    mark(one->pin, key);
    return one;
}

static void select_print(const pop_anchor *one) {
    ta_pattern p = {.field = TA_SHA256, .text = no_text};
    memcpy(p.sha256, one->sha256, sizeof p.sha256);
    assert_int_equal(ta_selection_add(&s, &p), 0);
}

static size_t selected(void) {
    size_t n = 0;
    for (size_t i = 0; i < a.len; i++)
        n += a.list[i].finding == POP_ANCHOR_USABLE;
    return n;
}

/* Selects. The work of each certificate may be `each` times the logarithm. */
static void run(size_t each) {
    work = 0;
    most = each * LOG * (a.len + 10);
    assert_int_equal(ta_select(&s, &a), 0);
}

static int begin(void **state) {
    (void)state;
    memset(&s, 0, sizeof s);
    memset(&a, 0, sizeof a);
    a.list = calloc(MANY + 10, sizeof *a.list);
    s.siblings = 1;
    return a.list ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    free(a.list);
    ta_selection_free(&s);
    return 0;
}

/* [H19] */
static void many_fingerprints(void **state) {
    (void)state;
    s.siblings = 0;
    for (size_t i = 1; i <= MANY; i++)
        add(i, i, i, no_text);
    for (size_t i = 0; i < MANY; i += 2)
        select_print(&a.list[MANY - 2 - i]);
    run(4);
    assert_int_equal(selected(), MANY / 2);
    assert_int_equal(a.list[0].rank, MANY / 2 - 1);
    assert_int_equal(a.list[MANY - 2].rank, 0);
    assert_int_equal(s.patterns[7].matched, 1);
}

/* [H19] */
static void many_of_one_organization(void **state) {
    (void)state;
    for (size_t i = 1; i <= MANY; i++)
        add(i, i, i, i % 2 ? group : no_text);
    select_print(&a.list[2]);
    run(8);
    assert_int_equal(selected(), MANY / 2);
}

/* [H19] */
static void many_of_one_name_and_key(void **state) {
    (void)state;
    for (size_t i = 1; i <= MANY; i++)
        add(1, 1, 1, no_text);
    select_print(&a.list[77]);
    run(8);
    assert_int_equal(selected(), MANY);
}

/* Half of them have one name, and any of these may have issued any of the other half. [H19] */
static void many_issuers_of_one_name(void **state) {
    (void)state;
    for (size_t i = 1; i <= MANY / 4; i++) {
        add(1, 1, i, no_text);
        add(1, 1, MANY + i, no_text);
        add(2 * MANY + i, 2 * MANY + i, 2 * MANY + i, no_text);
        add(2 * MANY + i, 1, 2 * MANY + i, no_text);
    }
    for (size_t i = 0; i < MANY; i += 4)
        select_print(&a.list[i]);
    run(12);
    assert_int_equal(selected(), MANY - MANY / 4);
}

/* Each root certifies the next one. [H19] */
static void a_long_line_of_roots(void **state) {
    (void)state;
    for (size_t i = 1; i <= MANY / 2; i++) {
        add(i, i, i, no_text);
        add(i, i - 1, i, no_text);
    }
    select_print(&a.list[MANY / 2]);
    run(12);
    assert_int_equal(selected(), MANY / 2); /* and none before it */
    assert_int_equal(a.list[MANY - 1].rank, 0);
}

/* [H19] */
static void one_family_of_many(void **state) {
    (void)state;
    char *text = malloc((size_t)MANY * 65 + 16), *to = text;
    assert_non_null(text);
    to += sprintf(to, "family=");
    for (size_t i = 1; i <= MANY; i++) {
        const unsigned char *hash = add(i, i, i, no_text)->sha256;
        for (size_t octet = 0; octet < 32; octet++)
            to += sprintf(to, "%02x", hash[octet]);
        *to++ = i < MANY ? ',' : '\0';
    }
    assert_int_equal(ta_selection_add_lines(&s, text), 0);
    assert_int_equal(s.kin_len, MANY);
    select_print(&a.list[5]);
    run(10);
    assert_int_equal(selected(), MANY);
    free(text);
}

/* ---- families ---- */

static void lines(const char *given) {
    char text[1024];
    (void)snprintf(text, sizeof text, "%s", given);
    assert_int_equal(ta_selection_add_lines(&s, text), 0);
}

static void a_certified_root_joins_and_not_the_certifying_one(void **state) { /* [H28] */
    (void)state;
    add(1, 1, 1, no_text);
    add(2, 2, 2, no_text);
    add(2, 1, 2, no_text); /* root 2, certified by root 1 */
    select_print(&a.list[0]);
    run(100);
    assert_int_equal(selected(), 3);
    s.len = 0;
    for (size_t i = 0; i < 3; i++)
        a.list[i].finding = POP_ANCHOR_USABLE;
    select_print(&a.list[1]);
    run(100);
    assert_int_equal(a.list[0].finding, POP_ANCHOR_UNWANTED);
    assert_int_equal(selected(), 2);
}

/* An authority below a root is no root: it does not join. Neither does a root of that name with
 * another key. */
static void an_authority_below_does_not_join(void **state) {
    (void)state;
    add(1, 1, 1, no_text);
    add(2, 1, 2, no_text);
    add(2, 2, 3, no_text);
    select_print(&a.list[0]);
    run(100);
    assert_int_equal(selected(), 1);
}

/* The least rank of all ways wins, and a selected one keeps its own. */
static void ranks(void **state) {
    (void)state;
    char other[] = "GROUP";
    add(1, 1, 1, group);
    add(2, 2, 2, other);
    add(3, 3, 3, no_text);
    add(3, 2, 3, no_text);
    add(4, 4, 4, no_text);
    select_print(&a.list[4]);
    select_print(&a.list[2]);
    select_print(&a.list[0]);
    run(100);
    assert_int_equal(a.list[1].rank, 2);
    assert_int_equal(a.list[2].rank, 1);
    assert_int_equal(a.list[3].rank, 1); /* of the same key as one of rank 1, before the way of 2 */
    assert_int_equal(a.list[4].rank, 0);
}

static void family_lines(void **state) {
    (void)state;
    /* the fingerprints of the first, second and fourth certificate, and one that is not there */
    lines("family=0100000000000000000000000000000000000000000000000000000000000000,"
          " 02:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
          "00:"
          "00:00\n"
          "FAMILY=0200000000000000000000000000000000000000000000000000000000000000,"
          "ff00000000000000000000000000000000000000000000000000000000000000,"
          "0400000000000000000000000000000000000000000000000000000000000000\n");
    for (size_t i = 1; i <= 5; i++)
        add(i, i, i, no_text);
    select_print(&a.list[0]);
    run(100);
    assert_int_equal(selected(), 3);
    assert_int_equal(a.list[2].finding, POP_ANCHOR_UNWANTED);
    assert_int_equal(a.list[4].finding, POP_ANCHOR_UNWANTED);
}

/* Without --siblings a family line does nothing. */
static void family_lines_alone(void **state) {
    (void)state;
    s.siblings = 0;
    lines("family=0100000000000000000000000000000000000000000000000000000000000000,"
          "0200000000000000000000000000000000000000000000000000000000000000\n");
    add(1, 1, 1, no_text);
    add(2, 2, 2, no_text);
    select_print(&a.list[0]);
    run(100);
    assert_int_equal(selected(), 1);
}

static void bad_family_lines(void **state) {
    (void)state;
    static const char *const bad[] = {
        "#\nfamily=", "\nfamily=01", "\nfamily=x,y",
        "\nfamily=0100000000000000000000000000000000000000000000000000000000000000",
        "\nfamily=0100000000000000000000000000000000000000000000000000000000000000,"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "%s", bad[i]);
        assert_int_equal(ta_selection_add_lines(&s, text), 2);
    }
}

/* An excluded one is excluded, whatever family it is of. */
static void excluded(void **state) {
    (void)state;
    add(1, 1, 1, group);
    add(2, 2, 2, group);
    select_print(&a.list[0]);
    select_print(&a.list[1]);
    s.patterns[1].exclude = 1;
    run(100);
    assert_int_equal(selected(), 1);
    assert_int_equal(s.patterns[1].matched, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_fingerprints, begin, end),
        cmocka_unit_test_setup_teardown(many_of_one_organization, begin, end),
        cmocka_unit_test_setup_teardown(many_of_one_name_and_key, begin, end),
        cmocka_unit_test_setup_teardown(many_issuers_of_one_name, begin, end),
        cmocka_unit_test_setup_teardown(a_long_line_of_roots, begin, end),
        cmocka_unit_test_setup_teardown(one_family_of_many, begin, end),
        cmocka_unit_test_setup_teardown(a_certified_root_joins_and_not_the_certifying_one, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_authority_below_does_not_join, begin, end),
        cmocka_unit_test_setup_teardown(ranks, begin, end),
        cmocka_unit_test_setup_teardown(family_lines, begin, end),
        cmocka_unit_test_setup_teardown(family_lines_alone, begin, end),
        cmocka_unit_test_setup_teardown(bad_family_lines, begin, end),
        cmocka_unit_test_setup_teardown(excluded, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
