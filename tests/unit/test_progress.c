/* SPDX-License-Identifier: MIT */
/* test_progress - the bar at every width, with totals and without, and the rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "progress.h"

static char text[CMD_PROGRESS_TEXT];

static const char *bar(cmd_progress p, unsigned columns) {
    size_t n = cmd_progress_bar(text, &p, columns, 0);
    assert_int_equal(n, strlen(text));
    return text;
}

/* Columns of UTF-8 without wide or combining characters. */
static unsigned columns_in(const char *p) {
    unsigned n = 0;
    for (; *p; p++)
        n += ((unsigned char)*p & 0xC0) != 0x80;
    return n;
}

static void every_width(void **state) {
    const cmd_progress states[] = {
        {0, 0, 0, 0, 0},
        {3, 0, 4096, 0, 100},
        {3, 8, 4096, 0, 100},
        {3, 8, 4096, 8192, 100},
        {UINT32_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
        {UINT32_MAX, UINT32_MAX, 0, UINT64_MAX, 1},
        {9, 8, 9000, 8192, 1}, /* more came than STAT counted */
    };
    (void)state;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        unsigned before = 0;
        for (unsigned columns = 0; columns <= 300; columns++) {
            for (int utf8 = 0; utf8 < 2; utf8++) {
                memset(text, 'x', sizeof text);
                size_t n = cmd_progress_bar(text, &states[i], columns, utf8);
                assert_true(n < sizeof text && n == strlen(text));
                assert_true(columns_in(text) <= (columns ? columns - 1 : 0));
                assert_null(strchr(text, '\033')); /* NO_COLOR */
            }
            assert_true(columns_in(text) >= before); /* a wider one never shows less */
            before = columns_in(text) > 60 ? 60 : 0;
        }
        assert_true(cmd_progress_plain(text, &states[i]) < sizeof text);
    }
}

static void parts_by_width(void **state) {
    const cmd_progress p = {12, 30, UINT64_C(1572864), UINT64_C(20971520), 1258291};
    (void)state;
    assert_string_equal(bar(p, 2), "");
    assert_string_equal(bar(p, 12), "7%");
    assert_string_equal(bar(p, 20), "[#             ] 7%");
    assert_string_equal(bar(p, 22), "7%  12 of 30 messages");
    assert_string_equal(bar(p, 40), "7%  12 of 30 messages  1.5 of 20.0 MB");
    assert_string_equal(bar(p, 50), "7%  12 of 30 messages  1.5 of 20.0 MB  0:16 left");
    assert_string_equal(bar(p, 60), "7%  12 of 30 messages  1.5 of 20.0 MB  0:16 left  1.2 MB/s");
    assert_string_equal(
        bar(p, 80), "[#                 ] 7%  12 of 30 messages  1.5 of 20.0 MB  0:16 left  1.2 "
                    "MB/s");
    assert_string_equal(bar(p, 200),
                        "[##                            ] 7%  12 of 30 messages  1.5 of 20.0 MB  "
                        "0:16 left  1.2 MB/s");
}

static void unknown_totals(void **state) {
    (void)state;
    assert_string_equal(bar((cmd_progress){3, 0, 2048, 0, 0}, 80), "3 messages  2.0 KB");
    /* messages alone make the bar if their octets are not known */
    assert_string_equal(bar((cmd_progress){3, 6, 2048, 0, 1024}, 80),
                        "[###############               ] 50%  3 of 6 messages  2.0 KB  1.0 KB/s");
    uint64_t seconds = 0;
    assert_false(cmd_progress_left(&(cmd_progress){3, 6, 2048, 0, 1024}, &seconds));
    assert_false(cmd_progress_left(&(cmd_progress){3, 6, 2048, 4096, 0}, &seconds));
    assert_true(cmd_progress_left(&(cmd_progress){3, 6, 2048, 4096, 1000}, &seconds));
    assert_int_equal(seconds, 3);
    assert_true(cmd_progress_left(&(cmd_progress){3, 6, 5000, 4096, 1000}, &seconds));
    assert_int_equal(seconds, 0);
}

static void done_in_thousandths(void **state) {
    (void)state;
    assert_int_equal(cmd_progress_done(&(cmd_progress){0, 0, 0, 0, 0}), -1);
    assert_int_equal(cmd_progress_done(&(cmd_progress){0, 3, 0, 0, 0}), 0);
    assert_int_equal(cmd_progress_done(&(cmd_progress){1, 3, 0, 0, 0}), 333);
    assert_int_equal(cmd_progress_done(&(cmd_progress){4, 3, 0, 0, 0}), 1000);
    assert_int_equal(cmd_progress_done(&(cmd_progress){1, 3, 999, 1000, 0}), 999);
    assert_int_equal(cmd_progress_done(&(cmd_progress){1, 3, UINT64_MAX / 2, UINT64_MAX, 0}), 499);
}

static void block_characters(void **state) {
    (void)state;
    for (int done = 0; done <= 1000; done++) {
        (void)cmd_progress_bar(text, &(cmd_progress){0, 0, (uint64_t)done, 1000, 0}, 200, 1);
        size_t eighths = 0;
        for (const char *p = text; (p = strstr(p, "\xE2\x96")) != NULL; p += 3)
            eighths += 0x90u - (unsigned char)p[2];
        assert_int_equal(eighths, CMD_BAR_COLUMNS * 8 * (unsigned)done / 1000);
    }
}

static void rate_of_the_last_seconds(void **state) {
    cmd_rate r = {0};
    (void)state;
    assert_int_equal(cmd_rate_now(&r, 1000, 50000), 0);
    assert_int_equal(cmd_rate_now(&r, 1400, 50400), 0); /* too early */
    assert_int_equal(cmd_rate_now(&r, 3000, 51000), 2000);
    for (unsigned s = 2; s <= 60; s++)
        assert_int_equal(cmd_rate_now(&r, 1000 + s * 2000, 50000 + s * 1000), 2000);
    /* the server stalls: after two spans nothing is left of the old rate */
    for (unsigned s = 61; s <= 60 + 3 * CMD_RATE_SPAN_MS / 1000; s++)
        (void)cmd_rate_now(&r, 121000, 50000 + s * 1000);
    assert_int_equal(cmd_rate_now(&r, 121000, 50000 + 73 * 1000), 0);
    /* a dropped message takes its octets with it */
    assert_int_equal(cmd_rate_now(&r, 500, 124000), 0);
    memset(&r, 0, sizeof r);
    (void)cmd_rate_now(&r, 0, 1);
    assert_true(cmd_rate_now(&r, UINT64_MAX, 1001) > UINT64_MAX / 1001);
}

static void plain_lines(void **state) {
    (void)state;
    (void)cmd_progress_plain(text, &(cmd_progress){12, 30, 1572864, 20971520, 1258291});
    assert_string_equal(text, "12 of 30 messages, 1.5 of 20.0 MB, 0:16 left, 1.2 MB/s");
    (void)cmd_progress_plain(text, &(cmd_progress){1, 2, 0, UINT64_C(5) << 30, 1048576});
    assert_string_equal(text, "1 of 2 messages, 0.0 of 5.0 GB, 1:25:20 left, 1.0 MB/s");
    (void)cmd_progress_plain(text, &(cmd_progress){1, 2, 0, UINT64_C(5) << 30, 1024});
    assert_string_equal(text, "1 of 2 messages, 0.0 of 5.0 GB, 60 days left, 1.0 KB/s");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width),      cmocka_unit_test(parts_by_width),
        cmocka_unit_test(unknown_totals),   cmocka_unit_test(done_in_thousandths),
        cmocka_unit_test(block_characters), cmocka_unit_test(rate_of_the_last_seconds),
        cmocka_unit_test(plain_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
