/* SPDX-License-Identifier: MIT */
/* test_headers - conditions on a header that comes in pieces of any size, and dates of RFC 5322. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "headers.h"
#include "select.h"

static cmd_headers h;

/* Whether the conditions hold, of a message in pieces of n octets. */
static int holds_in(const char *text, size_t len, size_t n, const cmd_match *m, size_t m_len) {
    cmd_headers_begin(&h, m, m_len);
    for (size_t at = 0; at < len; at += n)
        cmd_headers_data(&h, text + at, len - at < n ? len - at : n);
    return cmd_headers_end(&h);
}

/* In pieces of each size up to 7, and cut in two at each place. */
static int holds(const char *condition, const char *text) {
    cmd_match m;
    size_t len = strlen(text);
    assert_int_equal(cmd_match_read(&m, condition), 0);
    int whole = holds_in(text, len, len, &m, 1);
    for (size_t n = 1; n < 8; n++)
        assert_int_equal(holds_in(text, len, n, &m, 1), whole);
    for (size_t cut = 0; cut <= len; cut++) {
        cmd_headers_begin(&h, &m, 1);
        cmd_headers_data(&h, text, cut);
        cmd_headers_data(&h, text + cut, len - cut);
        assert_int_equal(cmd_headers_end(&h), whole);
    }
    return whole;
}

static void conditions(void **state) {
    static const char mail[] =
        "Received: from x\r\n by y\r\nFrom: Alice\r\n\t<alice@Example.org>\r\n"
        "Subject : caf\xc3\xa9 [x]\r\nsubject: again\r\nX-Empty:\r\n"
        "no field at all\r\n\r\nTo: body@example.org\r\n";
    (void)state;
    assert_true(holds("From: alice@example", mail));
    assert_true(holds("FROM:ALICE <", mail)); /* unfolded: the tab is a space */
    assert_true(holds("from:\t alice  ", mail));
    assert_false(holds("From: alice<", mail));
    assert_true(holds("Subject: [X]", mail)); /* a space before the colon: RFC 5322, 4.5 */
    assert_true(holds("Subject: AGAIN", mail));
    assert_true(holds("Subject: caf\xc3\xa9", mail));
    assert_false(holds("Subject: CAF\xc3\x89", mail)); /* octets, no letters beyond ASCII */
    assert_true(holds("X-Empty:", mail));
    assert_false(holds("X-Missing:", mail));
    assert_false(holds("X-Empty: x", mail));
    assert_false(holds("To: body", mail)); /* not in the header */
    assert_false(holds("Fro: alice", mail));
    assert_false(holds("Date: x", mail));
    assert_true(holds("From: a", "From: b\nFrom:\n a\n\nbody")); /* no CR at all */
    assert_false(holds("From: a", "\r\nFrom: a\r\n"));
    assert_true(holds("From: x\r", "From: x\ry\r\n\r\n"));
}

static void no_end_of_the_header(void **state) {
    (void)state;
    /* the server may keep back the field that decides */
    assert_true(holds("From: a", "To: b\r\n"));
    assert_true(holds("From: a", ""));
    assert_false(holds("From: a", "To: b\r\n\r\n"));
}

static void all_conditions(void **state) {
    static const char mail[] = "From: alice\r\nSubject: state\r\n\r\n";
    cmd_match m[CMD_MATCHES_MAX];
    (void)state;
    for (size_t n = 1; n <= CMD_MATCHES_MAX; n++) {
        for (size_t i = 0; i < n; i++)
            assert_int_equal(cmd_match_read(&m[i], i % 2 ? "From: ali" : "Subject: st"), 0);
        assert_true(holds_in(mail, sizeof mail - 1, 3, m, n));
        assert_int_equal(cmd_match_read(&m[n - 1], "From: bob"), 0);
        assert_false(holds_in(mail, sizeof mail - 1, 3, m, n));
    }
    assert_true(holds_in(mail, sizeof mail - 1, 3, NULL, 0));
}

/* Longer than the buffer: the octets that fit decide. Without a decision nothing is refused. */
static void long_fields(void **state) {
    static char mail[3 * CMD_FIELD_MAX];
    (void)state;
    for (size_t len = CMD_FIELD_MAX - 40; len < CMD_FIELD_MAX + 40; len++) {
        memset(mail, 'x', sizeof mail);
        memcpy(mail, "To: begin", 9);
        memcpy(mail + len, "END\r\nFrom: a\r\n\r\n", 17);
        cmd_match m;
        assert_int_equal(cmd_match_read(&m, "To: begin"), 0);
        assert_true(holds_in(mail, strlen(mail), 100, &m, 1));
        assert_int_equal(cmd_match_read(&m, "To: end"), 0);
        assert_true(holds_in(mail, strlen(mail), 100, &m, 1));
        assert_int_equal(cmd_match_read(&m, "To: absent"), 0);
        assert_int_equal(holds_in(mail, strlen(mail), 100, &m, 1), len + 3 >= CMD_FIELD_MAX);
        assert_int_equal(cmd_match_read(&m, "From: b"), 0); /* another field is judged as ever */
        assert_false(holds_in(mail, strlen(mail), 100, &m, 1));
    }
}

static void conditions_that_are_none(void **state) {
    cmd_match m;
    (void)state;
    assert_int_equal(cmd_match_read(&m, "From"), -1);
    assert_int_equal(cmd_match_read(&m, ": a"), -1);
    assert_int_equal(cmd_match_read(&m, "From : a"), -1);
    assert_int_equal(cmd_match_read(&m, "Fr\xc3\xb6m: a"), -1);
    assert_int_equal(cmd_match_read(&m, ""), -1);
}

static void dates(void **state) {
    static const struct {
        const char *text;
        int64_t utc_s;
    } rows[] = {
        {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706}, /* RFC 5322, appendix A */
        {"21 Nov 97 09:55:06 GMT", 880106106},          /* A.6.2 */
        {" Thu,\t13\t  Feb  \t 1969\t23:32   \t -0330 (Newfoundland Time)", -27723480}, /* A.5 */
        {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706},                 /* A.6.3 */
        {"Fri (a (nested \\) one)) , 21 Nov 1997 09:55:06 -0600", 880127706},
        {"1 Jan 1970 00:00 +0000", 0},
        {"1 jan 70 0:00:00 UT", 0},
        {"1 Jan 1970 00:00:00 Z", 0},
        {"1 Jan 1970 00:00:00 A", 0}, /* no zone: RFC 5322, 4.3 */
        {"1 Jan 1970 00:00:00 EST", 18000},
        {"1 Jan 1970 00:00:00 pdt", 25200},
        {"1 Jan 1970 00:00:00 CEST", 0},
        {"31 Dec 1969 24:00:00 +0000", INT64_MIN},
        {"1 Jan 49 00:00 +0000", 2493072000},
        {"1 Jan 50 00:00 +0000", -631152000},
        {"1 Jan 126 00:00 +0000", 1767225600},
        {"29 Feb 2024 00:00:60 +0100", 1709161260},
        {"29 Feb 2023 00:00:00 +0000", INT64_MIN},
        {"", INT64_MIN},
        {"Mon Nov 30 13:50:47 2026", INT64_MIN}, /* as ctime writes it */
        {"2026-11-30T13:50:47Z", INT64_MIN},
        {"30 Nov 2026 13:50:47", INT64_MIN}, /* no zone */
        {"30 Nov 2026 13:50:47 +01", INT64_MIN},
        {"30 Nov 2026 13:50:47 +0160", INT64_MIN},
        {"30 Nov 2026 13:50:47 +0100 x", INT64_MIN},
        {"30 Nov 2026 13:50:47 +0100 (open", INT64_MIN},
        {"30 Nov 2026 13 +0100", INT64_MIN},
        {"30 Nov 20260 13:50 +0100", INT64_MIN},
        {"30 November 2026 13:50 +0100", INT64_MIN},
        {"Montag, 30 Nov 2026 13:50 +0100", INT64_MIN},
        {"Mon 30 Nov 2026 13:50 +0100", INT64_MIN},
        {"0 Nov 2026 13:50 +0100", INT64_MIN},
        {"300 Nov 2026 13:50 +0100", INT64_MIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t got = cmd_headers_read_date(rows[i].text);
        if (got != rows[i].utc_s)
            fail_msg("%s: %lld, should be %lld", rows[i].text, (long long)got,
                     (long long)rows[i].utc_s);
    }
}

static void date_of_a_header(void **state) {
    (void)state;
    (void)holds("X:", "Date: 1 Jan 1970\r\n 00:01 +0000\r\nDate: 2 Jan 1970 00:00 +0000\r\n\r\n");
    assert_int_equal(cmd_headers_date(&h), 60); /* the first one, unfolded */
    (void)holds("X:", "Date: odd\r\nDate: 2 Jan 1970 00:00 +0000\r\n\r\n");
    assert_true(cmd_headers_date(&h) == INT64_MIN);
    (void)holds("X:", "X-Date: 2 Jan 1970 00:00 +0000\r\n\r\nDate: 2 Jan 1970 00:00 +0000\r\n");
    assert_true(cmd_headers_date(&h) == INT64_MIN);
    (void)holds_in("Date: 2 Jan 1970 00:00 +0000\0 x\r\n\r\n", 35, 4, NULL, 0);
    assert_true(cmd_headers_date(&h) == INT64_MIN);
}

/* ---- selection by number and UID ---- */

static int selects(const cmd_selection *s, uint32_t number, const char *uid) {
    uint64_t found = 0;
    popcl_msg m = {.number = number, .uid = uid, .uid_len = (uint8_t)strlen(uid)};
    return cmd_select_has(s, &m, &found);
}

static void numbers(void **state) {
    cmd_selection s = {0};
    (void)state;
    assert_true(selects(&s, 1, "a") && !cmd_select_few(&s));
    assert_int_equal(cmd_select_numbers(&s, "1,3-5,8-"), 0);
    assert_true(cmd_select_few(&s));
    for (uint32_t n = 1; n < 20; n++)
        assert_int_equal(selects(&s, n, ""), n == 1 || (n >= 3 && n <= 5) || n >= 8);
    assert_true(selects(&s, UINT32_MAX, ""));
    static const char *const damaged[] = {"",      ",",   "1,",   "0",  "0-3",        "5-3",
                                          "a",     "1 2", "1, 2", "-3", "4294967296", "1--",
                                          "1-2-3", "1-a", "1;2",  "+1"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        cmd_selection t = {0};
        if (cmd_select_numbers(&t, damaged[i]) == 0) fail_msg("taken: %s", damaged[i]);
    }
    char many[4 * CMD_RANGES_MAX + 4] = "";
    cmd_selection t = {0};
    for (size_t i = 0; i < CMD_RANGES_MAX; i++)
        strcat(many, i ? ",7" : "7");
    assert_int_equal(cmd_select_numbers(&t, many), 0);
    assert_int_equal(cmd_select_numbers(&t, "1"), -1);
}

static void uids(void **state) {
    cmd_selection s = {0};
    uint64_t found = 0;
    char longest[POPCL_UID_MAX + 2];
    (void)state;
    assert_int_equal(cmd_select_uid(&s, "a"), 0);
    assert_int_equal(cmd_select_uid(&s, "\\x7fabc"), 0); /* a digest, as --list shows it */
    assert_true(selects(&s, 1, "a") && selects(&s, 9,
                                               "\x7f"
                                               "abc"));
    assert_false(selects(&s, 1, "A") || selects(&s, 1, "ab") || selects(&s, 1, "") ||
                 selects(&s, 1, "abc") || selects(&s, 1, "\\x7fabc"));
    (void)cmd_select_has(&s,
                         &(popcl_msg){.number = 1,
                                      .uid = "\x7f"
                                             "abc",
                                      .uid_len = 4},
                         &found);
    assert_int_equal(found, 2);
    assert_int_equal(cmd_select_numbers(&s, "2"), 0); /* both must hold */
    assert_true(selects(&s, 2, "a"));
    assert_false(selects(&s, 1, "a") || selects(&s, 2, "b"));
    memset(longest, 'x', sizeof longest);
    longest[POPCL_UID_MAX] = '\0';
    assert_int_equal(cmd_select_uid(&s, longest), 0);
    longest[POPCL_UID_MAX] = 'x';
    longest[POPCL_UID_MAX + 1] = '\0';
    assert_int_equal(cmd_select_uid(&s, longest), -1);
    assert_int_equal(cmd_select_uid(&s, "a b"), -1);
    assert_int_equal(cmd_select_uid(&s, "\xc3\xa9"), -1);
    while (s.uids_len < CMD_UIDS_MAX)
        assert_int_equal(cmd_select_uid(&s, "a"), 0);
    assert_int_equal(cmd_select_uid(&s, "a"), -1);
}

static void ages(void **state) {
    cmd_selection s = {0};
    (void)state;
    assert_false(cmd_select_is_old(&s, 1, 20000));
    s.since_days = 30;
    assert_false(cmd_select_is_old(&s, 19970, 20000));
    assert_true(cmd_select_is_old(&s, 19969, 20000));
    assert_false(cmd_select_is_old(&s, 20001, 20000)); /* from the future */
    assert_false(cmd_select_is_old(&s, 20000, 10));    /* the clock is not set */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions),
        cmocka_unit_test(no_end_of_the_header),
        cmocka_unit_test(all_conditions),
        cmocka_unit_test(long_fields),
        cmocka_unit_test(conditions_that_are_none),
        cmocka_unit_test(dates),
        cmocka_unit_test(date_of_a_header),
        cmocka_unit_test(numbers),
        cmocka_unit_test(uids),
        cmocka_unit_test(ages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
