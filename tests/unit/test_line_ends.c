/* SPDX-License-Identifier: MIT */
/* test_line_ends - CRLF becomes LF, and nothing else changes. Every text of a few octets is cut at
 * every place. The sink takes everything, one octet at a time, or nothing now and then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_posix_line_ends.h"
#include "results.h"

/* A sink that keeps what it takes. */
typedef struct kept {
    char text[64];
    size_t n;
    size_t most;     /* octets that it takes at a time; 0 = all */
    int naps, awake; /* 1 = every other call takes nothing */
    int commits, aborts, syncs;
    int fail_at; /* the call of data that fails; 0 = none */
    int calls;
    int lies; /* octets that it reports beyond those that it took */
} kept;

static int kept_begin(void *ctx, const popcl_msg *m) {
    (void)m;
    return ctx ? 0 : -1;
}

static int kept_data(void *ctx, const void *p, size_t n) {
    kept *k = ctx;
    assert_true(n > 0);
    if (++k->calls == k->fail_at) return -5;
    if (k->naps && (k->awake ^= 1)) return 0;
    if (k->most && n > k->most) n = k->most;
    assert_true(k->n + n <= sizeof k->text);
    memcpy(k->text + k->n, p, n);
    k->n += n;
    return (int)n + k->lies;
}

static int kept_commit(void *ctx) {
    kept *k = ctx;
    k->commits++;
    return POPCL_STAGED;
}

static int kept_sync(void *ctx) {
    kept *k = ctx;
    k->syncs++;
    return 7;
}

static void kept_abort(void *ctx, popcl_err why) {
    kept *k = ctx;
    (void)why;
    k->aborts++;
}

static const popcl_sink kept_sink = {.begin = kept_begin,
                                     .data = kept_data,
                                     .commit = kept_commit,
                                     .sync = kept_sync,
                                     .abort = kept_abort};

/* Gives a span until all of it is taken. */
static void give(popcl_line_ends *e, const char *p, size_t n) {
    for (size_t at = 0, still = 0; at < n;) {
        int taken = popcl_line_ends_sink.data(e, p + at, n - at);
        assert_true(taken >= 0 && (size_t)taken <= n - at);
        still = taken ? 0 : still + 1;
        assert_true(still < 3);
        at += (size_t)taken;
    }
}

static size_t expected(char *to, const char *p, size_t n) {
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] != '\r' || i + 1 == n || p[i + 1] != '\n') to[len++] = p[i];
    return len;
}

/* One message, cut at a and b. */
static void one(const char *p, size_t n, size_t a, size_t b, kept k) {
    char wanted[16];
    popcl_line_ends e = {.sink = &kept_sink, .ctx = &k};
    popcl_msg m = {.number = 1, .uid = ""};
    size_t wanted_n = expected(wanted, p, n);
    assert_int_equal(popcl_line_ends_sink.begin(&e, &m), 0);
    give(&e, p, a);
    give(&e, p + a, b - a);
    give(&e, p + b, n - b);
    int r = popcl_line_ends_sink.commit(&e);
    if (r == POPCL_AGAIN) r = popcl_line_ends_sink.commit(&e);
    assert_int_equal(r, POPCL_STAGED);
    assert_int_equal(k.commits, 1);
    assert_int_equal(k.n, wanted_n);
    assert_memory_equal(k.text, wanted, wanted_n);
}

static void every_text_at_every_split(void **state) {
    static const char octets[] = "x\r\n";
    static const kept sinks[] = {{.most = 0}, {.most = 1}, {.naps = 1}, {.naps = 1, .most = 1}};
    char text[6];
    (void)state;
    for (unsigned code = 0; code < 3 * 3 * 3 * 3 * 3 * 3; code++) {
        unsigned rest = code;
        for (size_t i = 0; i < sizeof text; i++, rest /= 3)
            text[i] = octets[rest % 3];
        for (size_t a = 0; a <= sizeof text; a++)
            for (size_t b = a; b <= sizeof text; b++)
                for (size_t i = 0; i < sizeof sinks / sizeof sinks[0]; i++)
                    one(text, sizeof text, a, b, sinks[i]);
    }
}

/* A CR at the end of a message is not that of the next one. */
static void messages_are_apart(void **state) {
    kept k = {.most = 0};
    popcl_line_ends e = {.sink = &kept_sink, .ctx = &k};
    popcl_msg m = {.number = 1, .uid = ""};
    (void)state;
    assert_int_equal(popcl_line_ends_sink.begin(&e, &m), 0);
    assert_int_equal(popcl_line_ends_sink.data(&e, "a\r", 2), 2);
    popcl_line_ends_sink.abort(&e, POPCL_ERR_CLOSED);
    assert_int_equal(k.aborts, 1);
    k.n = 0;
    assert_int_equal(popcl_line_ends_sink.begin(&e, &m), 0);
    assert_int_equal(popcl_line_ends_sink.data(&e, "b", 1), 1);
    assert_int_equal(popcl_line_ends_sink.commit(&e), POPCL_STAGED);
    assert_int_equal(k.n, 1);
    assert_int_equal(popcl_line_ends_sink.sync(&e), 7);
}

/* A failure is the sink's, and each message has one end. */
static void failures_pass(void **state) {
    popcl_msg m = {.number = 1, .uid = ""};
    (void)state;
    for (int at = 1; at <= 4; at++) {
        kept k = {.fail_at = at};
        popcl_line_ends e = {.sink = &kept_sink, .ctx = &k};
        assert_int_equal(popcl_line_ends_sink.begin(&e, &m), 0);
        int r = popcl_line_ends_sink.data(&e, "a\rb\r", 4);
        if (r >= 0) {
            r = popcl_line_ends_sink.commit(&e);
            assert_int_equal(k.aborts, r == -5); /* commit ended it */
        }
        assert_int_equal(k.commits, 0);
        assert_int_equal(r, -5);
    }
}

/* A sink that took more than it was given is a failure here, as it is without the filter. */
static void more_than_all_is_a_failure(void **state) {
    popcl_msg m = {.number = 1, .uid = ""};
    (void)state;
    for (int lies = 1; lies <= 3; lies++) {
        static const char *const texts[] = {"abcdefgh", "ab\r\ncd\r\n", "\rabcdefg"};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            kept k = {.lies = lies};
            popcl_line_ends e = {.sink = &kept_sink, .ctx = &k};
            assert_int_equal(popcl_line_ends_sink.begin(&e, &m), 0);
            assert_true(popcl_line_ends_sink.data(&e, texts[i], 8) < 0);
            popcl_line_ends_sink.abort(&e, POPCL_ERR_SINK);
        }
        kept k = {.lies = lies};
        popcl_line_ends e = {.sink = &kept_sink, .ctx = &k};
        assert_int_equal(popcl_line_ends_sink.begin(&e, &m), 0);
        assert_int_equal(popcl_line_ends_sink.data(&e, "\r", 1), 1);
        assert_true(popcl_line_ends_sink.commit(&e) < 0);
        assert_int_equal(k.aborts, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_at_every_split),
        cmocka_unit_test(messages_are_apart),
        cmocka_unit_test(failures_pass),
        cmocka_unit_test(more_than_all_is_a_failure),
    };
    return cmocka_run_group_tests_name("line ends", tests, NULL, NULL);
}
