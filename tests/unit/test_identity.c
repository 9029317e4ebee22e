/* SPDX-License-Identifier: MIT */
/* test_identity - what a message is told by where the server gives no UID. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "identity.h"

/* Of a message, given in pieces of n octets. */
static int identity_of(const char *text, size_t len, size_t n,
                       unsigned char out[CMD_IDENTITY_OCTETS]) {
    cmd_identity i;
    cmd_identity_begin(&i);
    for (size_t at = 0; at < len; at += n)
        cmd_identity_data(&i, text + at, len - at < n ? len - at : n);
    return cmd_identity_end(&i, out);
}

static int same(const char *a, const char *b) {
    unsigned char first[CMD_IDENTITY_OCTETS], second[CMD_IDENTITY_OCTETS],
        piece[CMD_IDENTITY_OCTETS];
    assert_int_equal(identity_of(a, strlen(a), 4096, first), 1);
    assert_int_equal(identity_of(b, strlen(b), 4096, second), 1);
    for (size_t n = 1; n < 7; n++) {
        assert_int_equal(identity_of(a, strlen(a), n, piece), 1);
        assert_memory_equal(piece, first, sizeof piece);
    }
    return memcmp(first, second, sizeof first) == 0;
}

static void identity_by_message_id(void **state) { /* [F10] */
    (void)state;
    assert_true(same("Message-ID: <1@x>\r\nSubject: a\r\n\r\nbody",
                     "message-id:\t<1@x> \r\nSubject: b\r\nStatus: RO\r\n\r\nother"));
    assert_false(same("Message-ID: <1@x>\r\n\r\n", "Message-ID: <2@x>\r\n\r\n"));
    assert_false(same("Message-ID: <1@x>\r\n\r\n", "Message-ID: <1@x\r\n\r\n"));
    /* folded */
    assert_true(same("Message-ID:\r\n <1@x>\r\n\r\n", "Message-ID: <1@x>\r\n\r\n"));
    assert_true(same("Message-ID: <1@x>\r\n \r\n\r\n", "Message-ID: <1@x>\r\n\r\n"));
    /* repeated: the first that is not empty */
    assert_true(same("Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\n",
                     "Message-ID: <1@x>\r\nMessage-ID: <3@x>\r\n\r\n"));
    assert_false(same("Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\n",
                      "Message-ID: <2@x>\r\nMessage-ID: <1@x>\r\n\r\n"));
    assert_false(same("Message-ID:\r\nMessage-ID: <1@x>\r\n\r\n",
                      "Message-ID:\r\nMessage-ID: <2@x>\r\n\r\n"));
    /* the same mail on two ways */
    assert_false(same("Received: by a\r\nMessage-ID: <1@x>\r\n\r\n",
                      "Received: by b\r\nMessage-ID: <1@x>\r\n\r\n"));
    assert_true(same("Received: by\r\n\ta\r\nMessage-ID: <1@x>\r\n\r\n",
                     "Received: by a\r\nMessage-ID: <1@x>\r\n\r\n"));
    /* only in the body */
    assert_false(same("Date: 1\r\n\r\nMessage-ID: <1@x>\r\n", "Message-ID: <1@x>\r\n\r\n"));
    assert_false(same("Message-ID: <1@x>\r\n\r\n", "Date: 1\r\nX-Message-ID: <1@x>\r\n\r\n"));
}

static void identity_without_message_id(void **state) { /* [F10] */
    (void)state;
    assert_true(same("Date: 1\r\nSubject: a\r\n\r\nbody",
                     "Status: O\r\nDate: 1\r\nSubject: a\r\nX-UID: 7\r\n more\r\n\r\nother"));
    assert_false(same("Date: 1\r\n\r\n", "Date: 2\r\n\r\n"));
    assert_false(same("Date: 1\r\nSubject: a\r\n\r\n", "Date: 1\r\nSubject: b\r\n\r\n"));
    assert_false(
        same("Date: 1\r\nSubject: a\r\nTo: b\r\n\r\n", "Date: 1\r\nSubject: a\r\n\r\nTo: b\r\n"));
    assert_false(
        same("Date: 1\r\nSubject: a\r\nTo: b\r\n\r\n", "Date: 1\r\nSubject: a To: b\r\n\r\n"));
    assert_false(same("Received: by a\r\nTo: x\r\n\r\n", "Received: by a\r\nTo: y\r\n\r\n"));
    assert_true(same("date: 1\r\ngarbage without colon\r\n\r\n",
                     "date: 1\r\ngarbage without colon\r\n\r\nx"));
}

static void in_doubt_there_is_no_identity(void **state) { /* [Q6 G14] */
    static const char *const headers[] = {
        "", "\r\nbody\r\n",
        /* nothing in it tells one message from the next */
        "From: sensor@x\r\nSubject: state\r\n\r\n20.5 C\r\n", "Message-ID:\r\n\r\n",
        "X-Date: 1\r\n\r\n", "Dates: 1\r\n\r\n", "Subject: Date: 1\r\n\r\n",
        ("Status: RO\r\nX-UID: 5\r\n folded\r\nLines: 9\r\nContent-Length: 8\r\nX-Keywords: k\r\n"
         "X-Status: A\r\n\r\nbody"),
        /* a header without its blank line */
        "Message-ID: <1@x>\r\n", "Message-ID: <1@x>", "Message-ID", "Received: by a\r\nDate: 1\r\n",
        "Message-ID: <1@x>\r\n\r", "Message-ID: <1@x>\r\n \r\n"};
    unsigned char out[CMD_IDENTITY_OCTETS];
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        for (size_t n = 1; n < 9; n++)
            assert_int_equal(identity_of(headers[i], strlen(headers[i]), n, out), 0);
    }
}

static void identity_of_a_long_header(void **state) { /* [F11] */
    unsigned char first[CMD_IDENTITY_OCTETS], second[CMD_IDENTITY_OCTETS];
    char line[1024];
    cmd_identity i;
    (void)state;
    cmd_identity_begin(&i);
    memset(line, 'x', sizeof line);
    cmd_identity_data(&i, "X-Long: ", 8);
    for (int n = 0; n <= 10 * 1024; n++) {
        line[sizeof line - 2] = n % 3 ? 'x' : '\r';
        line[sizeof line - 1] = n % 3 ? 'x' : '\n';
        cmd_identity_data(&i, line, sizeof line);
    }
    cmd_identity_data(&i, "\r\nMessage-ID: <1@x>\r\n\r\n", 23);
    assert_int_equal(cmd_identity_end(&i, first), 1);
    assert_int_equal(identity_of("Message-ID: <1@x>\r\n\r\n", 21, 99, second), 1);
    assert_memory_equal(first, second, sizeof first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_by_message_id),
        cmocka_unit_test(identity_without_message_id),
        cmocka_unit_test(in_doubt_there_is_no_identity),
        cmocka_unit_test(identity_of_a_long_header),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
