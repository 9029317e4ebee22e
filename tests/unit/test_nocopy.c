/* SPDX-License-Identifier: MIT */
/* test_nocopy - the core copies no octet of a message: each span that the sink gets stands where
 * the transport put it. The test keeps, for each octet of the message, the place in the server's
 * stream that it came from; that place tells the only address at which the sink may see it. One
 * octet is excepted (docs/DESIGN.md): the CR of a line that begins with dot and CR but goes on,
 * which comes from a constant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_fetch.h"

#define OCTETS_MAX 16384u

typedef struct message {
    const char *name;
    unsigned char stream[OCTETS_MAX]; /* as the server sends it, the end included */
    size_t stream_n;
    size_t from[OCTETS_MAX]; /* of each octet of the message: where in the stream it stands */
    unsigned char withheld[OCTETS_MAX]; /* 1: it is the excepted CR */
    size_t n;
} message;

static message message_now;

/* RFC 1939, 3, line by line: as unlike the core's decoder as can be. */
static void expect(message *m) {
    size_t line = 0;
    m->n = 0;
    for (;;) {
        size_t end = line; /* behind the line's CRLF */
        while (!(m->stream[end] == '\r' && m->stream[end + 1] == '\n'))
            end++;
        end += 2;
        int stuffed = m->stream[line] == '.';
        if (stuffed && end - line == 3) break;
        for (size_t i = line + (size_t)stuffed; i < end; i++) {
            m->withheld[m->n] =
                stuffed && i == line + 1 && m->stream[i] == '\r' && m->stream[i + 1] != '\n';
            m->from[m->n++] = i;
        }
        line = end;
    }
}

static void add(message *m, const void *octets, size_t n) {
    assert_true(m->stream_n + n <= sizeof m->stream);
    memcpy(m->stream + m->stream_n, octets, n);
    m->stream_n += n;
}

#define ADD(m, text) add(m, text, sizeof(text) - 1)

/* ---- the messages ---- */

static void plain(message *m) {
    for (int i = 0; i < 60; i++)
        ADD(m, "a line with a dot. And one more.\r\n");
}

static void base64(message *m) {
    for (int i = 0; i < 100; i++)
        ADD(m, "VGhpcyBpcyBhIGxpbmUgb2YgYmFzZTY0LCBhcyBhbiBhdHRhY2htZW50IGhhcyB0aGVtIGJ5IHRo\r\n");
}

static void dot_stuffed(message *m) {
    for (int i = 0; i < 60; i++)
        ADD(m, "..stuffed\r\n...\r\n..\r\n.unstuffed\r\n..a.b.\r\n");
}

static void odd_line_ends(message *m) {
    for (int i = 0; i < 60; i++)
        ADD(m, "x\n.\n.y\n.\r\nz\r\n\n.\r.\r..\r\r\n\r\n");
}

static void withheld(message *m) {
    for (int i = 0; i < 60; i++)
        ADD(m, ".\rx\r\n.\r\r\n.\r.\r\n");
}

static void any_octet(message *m) {
    for (int i = 0; i < 256; i++) {
        unsigned char line[] = {(unsigned char)i, 'a', 0, (unsigned char)i, '\r', '\n'};
        if (i != '\r') add(m, line, sizeof line);
    }
}

static void one_line(message *m) {
    for (int i = 0; i < 3000; i++)
        ADD(m, "e.g.");
    ADD(m, "\r\n");
}

static void empty(message *m) { (void)m; }

static const struct {
    const char *name;
    void (*write)(message *m);
} messages[] = {
    {"plain", plain},
    {"base64", base64},
    {"dot-stuffed", dot_stuffed},
    {"odd line ends", odd_line_ends},
    {"withheld", withheld},
    {"any octet", any_octet},
    {"one line", one_line},
    {"empty", empty},
};

static const message *make(size_t i) {
    message *m = &message_now;
    m->name = messages[i].name;
    m->stream_n = 0;
    messages[i].write(m);
    ADD(m, ".\r\n");
    expect(m);
    return m;
}

/* ---- a session ---- */

typedef struct run {
    popcl_fetch job;
    unsigned char iobuf[8192];
    unsigned char plan[POPCL_PLAN_MIN];
    size_t iobuf_len;
    const message *m;
    size_t most;             /* octets that the sink takes at once; 0: all */
    size_t seen;             /* octets that the sink took */
    size_t constants;        /* of them, those that did not stand in the buffer */
    size_t largest;          /* span */
    const unsigned char *at; /* where the newest octets of the server were put */
    size_t arrived;          /* and how many */
    size_t base;             /* the first one's place in the message's stream */
    int in_message, commits;
} run;

static int begin(void *ctx, const popcl_msg *msg) { return (void)ctx, (void)msg, 0; }

static int data(void *ctx, const void *p, size_t n) {
    run *r = ctx;
    const unsigned char *span = p;
    size_t taken = r->most && n > r->most ? r->most : n;
    assert_true(n > 0 && r->in_message);
    assert_true(n <= r->m->n - r->seen);
    if (r->m->withheld[r->seen]) {
        assert_int_equal(n, 1);
        assert_int_equal(*span, '\r');
        assert_true((uintptr_t)span < (uintptr_t)r->iobuf ||
                    (uintptr_t)span >= (uintptr_t)(r->iobuf + sizeof r->iobuf));
        r->constants += taken;
    } else {
        assert_true((uintptr_t)span >= (uintptr_t)r->at &&
                    (uintptr_t)(span + n) <= (uintptr_t)(r->at + r->arrived));
        for (size_t i = 0; i < n; i++) { /* each octet offered, taken or not */
            size_t place = r->m->from[r->seen + i];
            assert_ptr_equal(span + i, r->at + (place - r->base));
            assert_int_equal(span[i], r->m->stream[place]);
        }
    }
    if (n > r->largest) r->largest = n;
    r->seen += taken;
    return (int)taken;
}

static int commit(void *ctx) { return ((run *)ctx)->commits++, 0; }

static void cut(void *ctx, popcl_err why) {
    (void)ctx;
    fail_msg("a message was cut: %s", popcl_err_what(why));
}

/* Ends pauses; while one lasts there is no room to overwrite what the sink has not taken. */
static void resume(run *r) {
    while (popcl_state(&r->job.session) & POPCL_PAUSED) {
        size_t n, before = r->seen;
        assert_null(popcl_recv_buf(&r->job.session, &n));
        assert_int_equal(n, 0);
        popcl_resume(&r->job.session);
        assert_true(r->seen > before || !(popcl_state(&r->job.session) & POPCL_PAUSED));
    }
}

/* The server sends, at most `piece` octets at once. */
static void arrive(run *r, const unsigned char *octets, size_t n, size_t piece) {
    for (size_t done = 0; done < n;) {
        size_t room, part = n - done < piece ? n - done : piece;
        unsigned char *to = popcl_recv_buf(&r->job.session, &room);
        assert_non_null(to);
        assert_in_range((uintptr_t)to, (uintptr_t)r->iobuf,
                        (uintptr_t)(r->iobuf + r->iobuf_len) - room);
        if (part > room) part = room;
        memcpy(to, octets + done, part);
        r->at = to;
        r->arrived = part;
        r->base = done;
        popcl_recv_ack(&r->job.session, part);
        resume(r);
        done += part;
    }
}

static void say(run *r, const char *text) {
    arrive(r, (const unsigned char *)text, strlen(text), SIZE_MAX);
}

static const struct {
    const char *verb, *reply;
} answers[] = {
    {"USER", "+OK\r\n"},       {"PASS", "+OK\r\n"},
    {"STAT", "+OK 1 100\r\n"}, {"UIDL", "+OK\r\n1 a\r\n.\r\n"},
    {"RETR", "+OK\r\n"},       {"QUIT", "+OK\r\n"},
};

/* Takes the command that waits to be sent, and answers it. */
static void answer(run *r, size_t piece) {
    char line[POPCL_COMMAND_MAX + 1] = "";
    size_t n;
    const unsigned char *p = popcl_send_buf(&r->job.session, &n);
    assert_true(p && n >= 4 && n <= POPCL_COMMAND_MAX);
    memcpy(line, p, n);
    popcl_send_ack(&r->job.session, n);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strncmp(line, answers[i].verb, 4) == 0) say(r, answers[i].reply);
    if (strncmp(line, "RETR", 4) != 0) return;
    r->in_message = 1;
    arrive(r, r->m->stream, r->m->stream_n, piece);
    r->in_message = 0;
}

static run run_now;

static run *fetch(const message *m, size_t iobuf_len, size_t piece, size_t most) {
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    run *r = &run_now;
    memset(r, 0, sizeof *r);
    r->m = m;
    r->most = most;
    r->iobuf_len = iobuf_len;
    popcl_fetch_config config = {.session.host = "localhost",
                                 .auth = POPCL_AUTH_USER,
                                 .session.user = "u",
                                 .secret = {.octets = "p"},
                                 .session.iobuf = r->iobuf,
                                 .session.iobuf_len = iobuf_len,
                                 .plan = r->plan,
                                 .plan_len = sizeof r->plan,
                                 .no_capa = 1,
                                 .sink = &sink,
                                 .sink_ctx = r};
    assert_int_equal(popcl_fetch_start(&r->job, &config, 0), POPCL_OK);
    popcl_connected(&r->job.session, 0);
    say(r, "+OK ready\r\n");
    while (!(popcl_state(&r->job.session) & POPCL_DONE))
        answer(r, piece);
    assert_int_equal(popcl_result(&r->job.session), POPCL_OK);
    assert_int_equal(r->commits, 1);
    assert_int_equal(r->seen, m->n);
    popcl_fetch_wipe(&r->job);
    return r;
}

static const size_t iobufs[] = {POPCL_IOBUF_MIN, 1024, 8192};
static const size_t pieces[] = {1, 2, 3, 7, 64, 513, SIZE_MAX};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* ---- the tests ---- */

static void spans_stand_where_the_octets_were_put(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(messages); i++) {
        const message *m = make(i);
        for (size_t b = 0; b < COUNT(iobufs); b++)
            for (size_t p = 0; p < COUNT(pieces); p++)
                fetch(m, iobufs[b], pieces[p], 0);
    }
}

static void what_a_sink_left_is_offered_at_its_old_address(void **state) {
    static const size_t most[] = {1, 2, 5, 100};
    (void)state;
    for (size_t i = 0; i < COUNT(messages); i++) {
        const message *m = make(i);
        for (size_t b = 0; b < COUNT(iobufs); b++)
            for (size_t p = 0; p < COUNT(pieces); p++)
                for (size_t k = 0; k < COUNT(most); k++)
                    fetch(m, iobufs[b], pieces[p], most[k]);
    }
}

static void only_a_withheld_cr_comes_from_elsewhere(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(messages); i++) {
        const message *m = make(i);
        size_t wanted = 0;
        for (size_t k = 0; k < m->n; k++)
            wanted += m->withheld[k];
        assert_int_equal(fetch(m, 1024, SIZE_MAX, 0)->constants, wanted);
        if (messages[i].write == withheld) assert_int_equal(wanted, 180);
    }
}

/* No copy is worth little if each octet came alone: where no dot has to go, one span is all that
 * was received. A sixteenth of the buffer is for commands. */
static void a_buffer_without_stuffing_is_one_span(void **state) {
    (void)state;
    assert_int_equal(messages[1].write == base64, 1);
    assert_int_equal(fetch(make(1), 4096, SIZE_MAX, 0)->largest, 4096 - 4096 / 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_stand_where_the_octets_were_put),
        cmocka_unit_test(what_a_sink_left_is_offered_at_its_old_address),
        cmocka_unit_test(only_a_withheld_cr_comes_from_elsewhere),
        cmocka_unit_test(a_buffer_without_stuffing_is_one_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
