/* SPDX-License-Identifier: MIT */
/* test_letter - the firmware finds signed trust in a message: in any part, cut anywhere, and in
 * nothing that only resembles it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../examples/firmware/letter.h"

static struct {
    unsigned char octets[256];
    size_t n;
} got;

static void put(unsigned char octet) {
    assert_true(got.n < sizeof got.octets);
    got.octets[got.n++] = octet;
}

/* Feeds a message in two pieces, or octet by octet; returns whether it had a blob. */
static int found_in(const char *message, size_t cut) {
    letter l = {0};
    size_t n = strlen(message);
    got.n = 0;
    letter_feed(&l, message, cut, put);
    letter_feed(&l, message + cut, n - cut, put);
    return letter_has_blob(&l);
}

static int found_by_octets(const char *message) {
    letter l = {0};
    got.n = 0;
    for (; *message; message++)
        letter_feed(&l, message, 1, put);
    return letter_has_blob(&l);
}

static void assert_found(const char *message, const char *octets, size_t n) {
    for (size_t cut = 0; cut <= strlen(message); cut++) {
        assert_true(found_in(message, cut));
        assert_int_equal(got.n, n);
        assert_memory_equal(got.octets, octets, n);
    }
    assert_true(found_by_octets(message));
    assert_int_equal(got.n, n);
    assert_memory_equal(got.octets, octets, n);
}

#define BLOB "PTB1\0\0\1\xff+/\x80 blob"
#define HEAD "From: ops@example\r\nContent-Type: multipart/mixed; boundary=b\r\n"

static void an_attachment_is_found(void **state) {
    (void)state;
    assert_found(HEAD "\r\n--b\r\n\r\nYour new trust.\r\n--b\r\n"
                      "Content-Transfer-Encoding: base64\r\n\r\n"
                      "UFRCMQAAAf8r\r\nL4AgYmxvYg==\r\n--b--\r\n",
                 BLOB, 16);
    /* the whole message; lines that end with LF alone; no padding; the end of the message */
    assert_found("Subject: x\r\n\r\nUFRCMQAAAf8rL4AgYmxvYg==\r\n", BLOB, 16);
    assert_found("Subject: x\n\nUFRCMQAAAf8rL4Ag\nYmxvYg\n", BLOB, 16);
    assert_found("Subject: x\n\nUFRCMQAAAf8rL4AgYmxv", BLOB, 15);
    /* lines of any length, the first of its own begin alone */
    assert_found("\nUFRCMQ\nAAAf8r\nL4AgYmxvYg==", BLOB, 16);
}

static void the_first_one_counts(void **state) {
    (void)state;
    assert_found("a: b\n\nUFRCMQAAAf8r\n--b\n\nUFRCMQAAAAAA\n", BLOB, 9);
}

static void the_begin_of_one_is_one(void **state) { /* and is judged as cut off */
    (void)state;
    assert_found("a: b\n\nUFRCMQ", BLOB, 4);
}

static void what_only_resembles_it_is_none(void **state) {
    static const char *const texts[] = {
        "",
        "\r\n",
        "UFRCMQAAAf8r\r\n",                     /* a header */
        "a: b\r\nUFRCMQAAAf8r\r\n",             /* a header */
        "a: b\r\n\r\ntext\r\nUFRCMQAAAf8r\r\n", /* in a text */
        "a: b\r\n\r\n UFRCMQAAAf8r\r\n",        /* not at the begin of the line */
        "a: b\r\n\r\nUFRCMRAAAf8r\r\n",         /* another begin */
        "a: b\r\n\r\nUFRC\r\nMQAAAf8r\r\n",     /* over two lines */
        "a: b\r\n\r\nufrcmqAAAf8r\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t cut = 0; cut <= strlen(texts[i]); cut++)
            assert_false(found_in(texts[i], cut));
        assert_false(found_by_octets(texts[i]));
        assert_int_equal(got.n, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attachment_is_found),
        cmocka_unit_test(the_first_one_counts),
        cmocka_unit_test(the_begin_of_one_is_one),
        cmocka_unit_test(what_only_resembles_it_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
