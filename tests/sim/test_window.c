/* SPDX-License-Identifier: MIT */
/* test_window - several commands in flight. The ring that holds them, how many may leave over which
 * link, and how much is asked for ahead. A pause, a failure and an end while they are in flight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hand.h"
#include "server.h"
#include "tls_client.h"
#include "tls_peer.h"

enum {
    MOST = 8192,            /* commands in flight */
    ONE_WAY = 512,          /* octets of commands that any peer's kernel holds */
    NOOP_OCTETS = 6,        /* NOOP with its CRLF */
    ROOM_OF_A_COMMAND = 28, /* UIDL with two numbers, which any command might be */
    PLAN = 120000,          /* entries of 5,000 messages */
    SMALL_IOBUF = 541       /* the least for TLS */
};

/* ---- a session of NOOPs, in clear or inside of TLS ---- */

typedef struct rig {
    popcl s;
    popcl_config cfg;
    popcl_tls tls;
    popcl_tls_host_storage storage;
    unsigned char iobuf[POPCL_IOBUF_DUPLEX];
    popcl_flight window[MOST];
    tls_peer peer;
    uint32_t submitted, answered; /* tags */
    unsigned heard;               /* octets of commands */
    int eager;                    /* submits whenever it may */
} rig;

static rig r;

static unsigned rig_done(void *ctx, uint32_t tag, const popcl_reply *reply) {
    (void)ctx;
    if (tag == POPCL_TAG_GREETING) return 0;
    assert_int_equal(reply->status, POPCL_STATUS_OK);
    assert_int_equal(tag, r.answered++);
    return 0;
}

static popcl_err rig_submits(popcl_verb verb);

static unsigned rig_ready(void *ctx) {
    (void)ctx;
    if (r.eager) (void)rig_submits(POPCL_NOOP);
    return 0;
}

/* All that waits leaves. */
static void rig_sends(void) {
    unsigned char text[600];
    size_t n;
    const unsigned char *p;
    while (p = popcl_send_buf(&r.s, &n), n) {
        if (!r.cfg.tls) {
            r.heard += (unsigned)n;
        } else {
            tls_peer_take(&r.peer, p, n);
        }
        popcl_send_ack(&r.s, n);
        while (r.cfg.tls && (n = tls_peer_hear(&r.peer, text, sizeof text)) > 0)
            r.heard += (unsigned)n;
    }
}

static void rig_gets(const void *octets, size_t n) {
    const unsigned char *p = octets;
    size_t room;
    for (; n; p += room, n -= room) {
        unsigned char *to = popcl_recv_buf(&r.s, &room);
        assert_true(room > 0);
        if (room > n) room = n;
        memcpy(to, p, room);
        popcl_recv_ack(&r.s, room);
    }
}

static void rig_says(const char *text) {
    unsigned char wire[1000];
    size_t n;
    if (!r.cfg.tls) {
        rig_gets(text, strlen(text));
        return;
    }
    tls_peer_say(&r.peer, text, strlen(text));
    while ((n = tls_peer_give(&r.peer, wire, sizeof wire)) > 0)
        rig_gets(wire, n);
}

static popcl_err rig_submits(popcl_verb verb) {
    popcl_command c = {.verb = verb, .text = "fred", .text_len = 4, .secret = NULL};
    static const popcl_secret secret = {.octets = "secret"};
    if (verb == POPCL_PASS) c.secret = &secret;
    popcl_err e = popcl_submit(&r.s, &c, r.submitted);
    r.submitted += e == POPCL_OK;
    return e;
}

/* One more, which fits into the window; the buffer may be full before. */
static void rig_fits(void) {
    popcl_err e = rig_submits(POPCL_NOOP);
    if (e == POPCL_ERR_WOULD_BLOCK) rig_sends(), e = rig_submits(POPCL_NOOP);
    assert_int_equal(e, POPCL_OK);
}

/* Up to where commands may be sent ahead. iobuf_len 0: in clear text. */
static void rig_begin(unsigned window, size_t iobuf_len) {
    static const popcl_events events = {.done = rig_done, .ready = rig_ready};
    static const tls_peer_setup setup;
    static const popcl_verb verbs[] = {POPCL_USER, POPCL_PASS, POPCL_CAPA};
    unsigned char wire[1000];
    size_t n;
    tls_peer_free(&r.peer);
    memset(&r, 0, sizeof r);
    r.cfg = (popcl_config){.host = PKI_HOST, .iobuf = r.iobuf, .iobuf_len = sizeof r.iobuf};
    test_window_give(&r.cfg, r.window, window);
    if (iobuf_len) {
        tls_client_init(&r.tls, TLS_HOST, &r.storage, sizeof r.storage);
        tls_peer_init(&r.peer, &setup);
        r.cfg.iobuf_len = iobuf_len;
        r.cfg.security = POPCL_TLS;
        r.cfg.tls = &r.tls;
        r.cfg.seed = &tls_seed;
    }
    assert_int_equal(popcl_start(&r.s, &r.cfg, &events, &r, 0), POPCL_OK);
    popcl_connected(&r.s, 0);
    while (iobuf_len && (rig_sends(), (n = tls_peer_give(&r.peer, wire, sizeof wire)) > 0))
        rig_gets(wire, n);
    rig_says("+OK\r\n");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_submits(verbs[i]), POPCL_OK);
        rig_sends();
        rig_says(verbs[i] == POPCL_CAPA ? "+OK\r\nPIPELINING\r\n.\r\n" : "+OK\r\n");
    }
    r.heard = 0;
}

static void rig_end(void) {
    popcl_wipe(&r.s);
    tls_peer_free(&r.peer);
}

/* ---- the ring ---- */

/* Each answer finds its command, however often the ring wraps and however full it is. */
static void answers_come_in_the_order_of_the_commands(void **state) {
    static const unsigned windows[] = {1, 2, 3, 8, 256};
    (void)state;
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        rig_begin(windows[w], 0);
        for (unsigned round = 0; round < 2000; round++) {
            unsigned flight = round * 7u % windows[w] + 1,
                     answers = round % 3 ? flight / 2 : flight;
            while (popcl_in_flight(&r.s) < flight)
                rig_fits();
            if (popcl_in_flight(&r.s) == windows[w])
                assert_int_equal(rig_submits(POPCL_NOOP), POPCL_ERR_WOULD_BLOCK);
            rig_sends();
            while (answers--)
                rig_says("+OK\r\n");
            assert_int_equal(r.submitted - r.answered, popcl_in_flight(&r.s));
        }
        while (popcl_in_flight(&r.s))
            rig_says("+OK\r\n");
        assert_int_equal(r.answered, r.submitted);
        rig_end();
    }
}

static void thousands_of_commands_in_flight(void **state) {
    (void)state;
    rig_begin(MOST, 0);
    uint32_t before = r.submitted;
    for (int times = 0; times < 3; times++) {
        while (popcl_in_flight(&r.s) < MOST)
            rig_fits();
        rig_sends();
        assert_int_equal(rig_submits(POPCL_NOOP), POPCL_ERR_WOULD_BLOCK);
        for (int i = 0; i < MOST - 1000 * (times < 2); i++)
            rig_says("+OK\r\n");
    }
    assert_int_equal(popcl_in_flight(&r.s), 0);
    assert_int_equal(r.submitted - before, 3 * MOST - 2 * 1000);
    assert_int_equal(r.heard, (r.submitted - before) * NOOP_OCTETS);
    rig_end();
}

/* ---- links ---- */

/* So many answers in one record. */
static void rig_answers(unsigned count) {
    char text[501] = "";
    assert_true(count <= 100);
    for (unsigned i = 0; i < count; i++)
        memcpy(text + 5 * i, "+OK\r\n", 6);
    rig_says(text);
}

/* With one record buffer for both ways, no more is in flight than a peer's kernel holds, whatever
 * is answered when. All that can leave at a time leaves in one record. */
static void one_buffer_bounds_what_is_in_flight(void **state) {
    static const size_t sizes[] = {SMALL_IOBUF, 1053, 4125, POPCL_IOBUF_DUPLEX - 1};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rig_begin(256, sizes[i]);
        unsigned most = 0;
        assert_int_equal(rig_submits(POPCL_NOOP), POPCL_OK);
        rig_sends();
        r.eager = 1;
        rig_answers(1);
        for (unsigned round = 0; round < 300; round++) {
            unsigned octets = popcl_in_flight(&r.s) * NOOP_OCTETS, before = r.peer.records;
            rig_sends();
            /* the least buffer has no room for the last command of 512 octets */
            assert_true(r.peer.records - before <= (sizes[i] == SMALL_IOBUF ? 2u : 1u));
            if (octets > most) most = octets;
            unsigned answers = round * 13 % 80 + 1, all = popcl_in_flight(&r.s);
            rig_answers(answers < all ? answers : all);
        }
        assert_true(most <= ONE_WAY && most + 2 * NOOP_OCTETS + ROOM_OF_A_COMMAND > ONE_WAY);
        assert_true(r.answered > 300 * 20);
        rig_end();
    }
}

/* With a buffer for each way, the window alone is the bound. */
static void two_buffers_bound_nothing(void **state) {
    (void)state;
    rig_begin(2000, POPCL_IOBUF_DUPLEX);
    while (popcl_in_flight(&r.s) < 2000)
        rig_fits();
    rig_sends();
    assert_int_equal(r.heard, 2000 * NOOP_OCTETS);
    for (int i = 0; i < 2000; i++)
        rig_says("+OK\r\n");
    assert_int_equal(popcl_in_flight(&r.s), 0);
    rig_end();
}

/* ---- a job by hand ---- */

static hand h;
static popcl_flight wide[256];
static char large[POPCL_AHEAD_OCTETS + 2];

static unsigned times(const char *text, const char *what) {
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void goes_on(void) {
    assert_int_equal(popcl_state(h.s) & POPCL_DONE, 0);
    assert_int_equal(popcl_result(h.s), POPCL_OK);
}

static void result_is(popcl_err wanted) {
    assert_int_equal(popcl_state(h.s), POPCL_DONE);
    assert_string_equal(popcl_err_name(popcl_result(h.s)), popcl_err_name(wanted));
}

/* A job with room for many commands, up to the listing of so many messages. size 0: of none is the
 * size known. */
static void wide_job(unsigned messages, unsigned long size) {
    char line[60];
    h.cfg.session.window = wide;
    h.cfg.session.window_len = sizeof wide / sizeof *wide;
    h.cfg.need_size = size > 0;
    hand_job(&h);
    hand_list(&h, messages);
    if (!size) return;
    hand_say(&h, "+OK\r\n");
    for (unsigned i = 1; i <= messages; i++) {
        (void)snprintf(line, sizeof line, "%u %lu\r\n", i, size);
        hand_say(&h, line);
    }
    hand_say(&h, ".\r\n");
}

/* A body of so many octets, with its status line. */
static void say_body(size_t octets) {
    assert_true(octets + 1 < sizeof large);
    memset(large, 'x', octets - 2);
    memcpy(large + octets - 2, "\r\n", 3);
    hand_say(&h, "+OK\r\n");
    hand_say(&h, large);
    hand_say(&h, ".\r\n");
}

/* Never more than POPCL_AHEAD_OCTETS of bodies are asked for, except one that alone is larger. */
static void bodies_ahead_are_bounded_by_their_sizes(void **state) {
    static const struct {
        unsigned long size;
        unsigned at_once;
    } rows[] = {
        {POPCL_AHEAD_OCTETS / 20, 20},    {POPCL_AHEAD_OCTETS / 10, 10},
        {POPCL_AHEAD_OCTETS / 10 + 1, 9}, {POPCL_AHEAD_OCTETS / 2, 2},
        {POPCL_AHEAD_OCTETS / 2 + 1, 1},  {POPCL_AHEAD_OCTETS, 1},
        {POPCL_AHEAD_OCTETS + 1, 1},      {80 * (POPCL_AHEAD_OCTETS / 1), 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hand_init(&h, HAND_WINDOW);
        wide_job(26, rows[i].size);
        assert_int_equal(times(h.sent, "RETR"), rows[i].at_once);
        /* after that they leave many at a time, and still no more */
        for (unsigned answered = 1; answered <= 26 && rows[i].size < sizeof large - 1; answered++) {
            say_body(rows[i].size);
            unsigned asked = times(h.sent, "RETR");
            assert_true(asked == 26 || asked > answered);
            assert_true(asked - answered <= rows[i].at_once);
            unsigned half = answered + rows[i].at_once / 2;
            assert_true(asked >= (half < 26 ? half : 26));
        }
        hand_end(&h);
    }
}

/* Of a body of unknown size a share of eight is assumed. LIST goes with each RETR if few of the
 * messages are wanted. */
static void bodies_of_unknown_size_are_eight(void **state) {
    (void)state;
    hand_init(&h, HAND_WINDOW);
    h.answer[IN_DECIDE] = POPCL_SKIP;
    h.times[IN_DECIDE] = 31;
    wide_job(40, 0);
    assert_int_equal(times(h.sent, "LIST"), 8);
    assert_int_equal(times(h.sent, "RETR"), 8);
    for (unsigned number = 32; number <= 40; number++)
        hand_message(&h, number, "x\r\n");
    assert_int_equal(times(h.sent, "RETR"), 9);
    assert_int_equal(times(h.seen, " STORED\n"), 9);
    hand_end(&h);
}

/* A store that fails for good: no more is asked for, and no more is read than was asked for. */
static void a_store_that_fails_for_good_drains_what_was_asked_for(void **state) {
    (void)state;
    for (int deletes = 0; deletes < 2; deletes++) {
        hand_init(&h, HAND_WINDOW);
        h.actions = deletes ? POPCL_FETCH | POPCL_DELETE : POPCL_FETCH;
        h.cfg.drain_max = 2 * POPCL_AHEAD_OCTETS;
        wide_job(26, POPCL_AHEAD_OCTETS / 10);
        say_body(POPCL_AHEAD_OCTETS / 10);
        unsigned asked = times(h.sent, "RETR");
        h.answer[IN_DATA] = POPCL_SINK_STOP;
        h.times[IN_DATA] = 1000;
        for (unsigned i = 1; i < asked; i++) {
            goes_on();
            /* DELE 1 left before the last RETR */
            if (deletes && i == asked - 1) hand_say(&h, "+OK\r\n");
            say_body(POPCL_AHEAD_OCTETS / 10);
        }
        assert_int_equal(times(h.sent, "RETR"), asked);
        assert_int_equal(h.count[IN_BEGIN], 2);
        assert_non_null(strstr(h.sent, "STAT\r\n"));
        hand_say(&h, deletes ? "+OK 25 100\r\n" : "+OK 26 100\r\n");
        hand_say(&h, "+OK\r\n");
        result_is(POPCL_ERR_SINK);
        assert_int_equal(times(h.seen, "1 STORED\n") >= 1, 1);
        assert_int_equal(times(h.seen, "all DELETED\n"), (unsigned)deletes);
        hand_end(&h);
    }
}

static void no_data_after_the_first(hand *of, enum place place) {
    if (place == IN_COMMIT) of->answer[IN_DATA] = 0, of->times[IN_DATA] = 2;
}

/* While the sink asks for time, nothing is sent, though a deletion is due and has room. */
static void a_pause_sends_nothing(void **state) {
    size_t n;
    (void)state;
    hand_init(&h, HAND_WINDOW);
    h.actions = POPCL_FETCH | POPCL_DELETE;
    wide_job(3, 3);
    h.inside = no_data_after_the_first;
    h.hold = 1;
    hand_say(&h, "+OK\r\nx\r\n.\r\n+OK\r\nx\r\n.\r\n");
    for (int pauses = 0; pauses < 2; pauses++) {
        assert_int_equal(popcl_state(h.s), POPCL_PAUSED_SINK);
        assert_non_null(strstr(h.seen, "1 STORED\n"));
        popcl_tick(h.s, 1);
        (void)popcl_send_buf(h.s, &n);
        assert_int_equal(n, 0);
        popcl_resume(h.s);
    }
    hand_send_all(&h);
    assert_non_null(strstr(h.sent, "DELE 1\r\n"));
    hand_end(&h);
}

/* ---- ends, with bodies in flight ---- */

enum end { STOP, LATE, TIME_OVER, ENDS };

/* After a stop the bodies are dropped, and QUIT follows them. In the reserve they are still taken.
 * A message that is stored stays so. */
static void ends_with_bodies_in_flight(void **state) {
    static const popcl_err results[] = {POPCL_ERR_STOPPED, POPCL_OK, POPCL_ERR_TIMEOUT_TOTAL};
    (void)state;
    for (int end = 0; end < ENDS; end++) {
        for (int inside = 0; inside < 2; inside++) {
            hand_init(&h, HAND_WINDOW);
            h.cfg.session.total_ms = 40000; /* of which the last 10 s are the reserve */
            wide_job(3, 100);
            assert_non_null(strstr(h.sent, "RETR 1\r\nRETR 2\r\nRETR 3\r\nSTAT\r\n"));
            assert_null(strstr(h.sent, "QUIT"));
            say_body(100);
            if (inside) hand_say(&h, "+OK\r\nxxx");
            popcl_tick(h.s, 1);
            if (end == STOP) popcl_stop(h.s);
            if (end == LATE) popcl_tick(h.s, 31000);
            if (end == TIME_OVER) popcl_tick(h.s, 41000);
            if (end != TIME_OVER) {
                goes_on();
                if (inside) {
                    memset(large, 'x', 95);
                    memcpy(large + 95, "\r\n.\r\n", 6);
                    hand_say(&h, large);
                } else {
                    say_body(100);
                }
                say_body(100);
                hand_say(&h, "+OK 3 300\r\n+OK\r\n");
            }
            assert_int_equal(popcl_state(h.s), POPCL_DONE);
            if (popcl_result(h.s) != results[end])
                fail_msg("end %d, inside %d: %s\n%s", end, inside,
                         popcl_err_name(popcl_result(h.s)), h.seen);
            assert_non_null(strstr(h.seen, "1 STORED\n"));
            assert_int_equal(h.count[IN_BEGIN], h.count[IN_COMMIT] + h.count[IN_ABORT]);
            assert_int_equal(times(h.seen, "STORED"), 3); /* each has its fate */
            assert_int_equal(times(h.seen, " STORED"), end == LATE ? 3 : 1);
            hand_end(&h);
        }
    }
}

/* ---- groups ---- */

/* A group is synced between two bodies, also if no octets ever end where a body does. */
static void groups_are_synced_between_bodies(void **state) {
    enum { GROUP = 4, MESSAGES = 20 };
    static const char body[] = "+OK\r\nx\r\n.\r\n";
    char all[MESSAGES * sizeof body];
    (void)state;
    for (size_t piece = 1; piece < 3 * sizeof body; piece++) {
        hand_init(&h, HAND_WINDOW);
        h.cfg.group_messages = GROUP;
        h.answer[IN_COMMIT] = POPCL_STAGED;
        h.times[IN_COMMIT] = MESSAGES;
        wide_job(MESSAGES, 3);
        assert_int_equal(times(h.sent, "RETR"), MESSAGES);
        for (size_t i = 0; i < MESSAGES; i++)
            memcpy(all + i * (sizeof body - 1), body, sizeof body);
        size_t n = MESSAGES * (sizeof body - 1), most = 0;
        for (size_t at = 0; at < n; at += piece) {
            hand_say_n(&h, all + at, piece < n - at ? piece : n - at);
            size_t staged = h.count[IN_COMMIT] - times(h.seen, " STORED\n");
            if (staged > most) most = staged;
        }
        assert_true(most < GROUP);
        assert_int_equal(h.count[IN_SYNC], MESSAGES / GROUP);
        assert_int_equal(times(h.seen, " STORED\n"), MESSAGES);
        hand_say(&h, "+OK 20 60\r\n+OK\r\n");
        result_is(POPCL_OK);
        hand_end(&h);
    }
}

/* ---- a device ---- */

static struct {
    sim_server server;
    popcl_fetch job;
    popcl_fetch_config cfg;
    unsigned char plan[PLAN];
    uint32_t begun, stored;
} device;

static int device_begin(void *ctx, const popcl_msg *m) {
    (void)ctx;
    assert_int_equal(m->number, ++device.begun);
    return 0;
}

static int device_data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    (void)p;
    return (int)n;
}

static int device_commit(void *ctx) {
    (void)ctx;
    device.stored++;
    return 0;
}

static void device_abort(void *ctx, popcl_err why) {
    (void)ctx;
    fail_msg("abort: %s", popcl_err_name(why));
}

/* Returns whether anything moved. */
static int device_moves(void) {
    unsigned char text[512];
    popcl *session = &device.job.session;
    size_t n;
    const unsigned char *out = popcl_send_buf(session, &n);
    if (n) {
        tls_peer_take(&r.peer, out, n);
        popcl_send_ack(session, n);
        while ((n = tls_peer_hear(&r.peer, text, sizeof text)) > 0)
            sim_server_take(&device.server, text, n);
        return 1;
    }
    unsigned char *in = popcl_recv_buf(session, &n);
    if (tls_peer_open(&r.peer) && tls_peer_waiting(&r.peer) == 0) {
        size_t said = sim_server_give(&device.server, text, sizeof text);
        if (said) tls_peer_say(&r.peer, text, said);
    }
    n = n ? tls_peer_give(&r.peer, in, n) : 0;
    if (n) popcl_recv_ack(session, n);
    return n != 0;
}

static void device_starts(uint32_t messages, popcl_security security, size_t iobuf_len,
                          unsigned window) {
    static const popcl_sink sink = {
        .begin = device_begin, .data = device_data, .commit = device_commit, .abort = device_abort};
    static const tls_peer_setup setup;
    memset(&device, 0, sizeof device);
    tls_peer_free(&r.peer);
    memset(&r, 0, sizeof r);
    sim_server_init(&device.server);
    device.server.generated = messages;
    device.server.capa_user = 1;
    test_window_give(&device.cfg.session, r.window, window);
    device.cfg.session.host = PKI_HOST;
    device.cfg.session.user = "fred";
    device.cfg.session.security = (uint8_t)security;
    if (security != POPCL_CLEAR) {
        tls_client_init(&r.tls, TLS_HOST, &r.storage, sizeof r.storage);
        tls_peer_init(&r.peer, &setup);
        device.cfg.session.tls = &r.tls;
        device.cfg.session.seed = &tls_seed;
    }
    device.cfg.session.iobuf = r.iobuf;
    device.cfg.session.iobuf_len = iobuf_len;
    device.cfg.secret.octets = "correct-horse";
    device.cfg.plan = device.plan;
    device.cfg.plan_len = sizeof device.plan;
    device.cfg.sink = &sink;
    sim_server_connect(&device.server);
    assert_int_equal(popcl_fetch_start(&device.job, &device.cfg, 0), POPCL_OK);
    popcl_connected(&device.job.session, 0);
}

static void device_ends(uint32_t messages) {
    assert_string_equal(popcl_err_name(popcl_result(&device.job.session)), "OK");
    assert_int_equal(device.stored, messages);
    popcl_fetch_wipe(&device.job);
    sim_server_free(&device.server);
    tls_peer_free(&r.peer);
}

/* 5,000 messages, eight commands in flight, and one record buffer of the least size: a RETR leaves
 * with three others as a rule. */
static void a_device_fetches_thousands(void **state) {
    enum { MESSAGES = 5000 };
    (void)state;
    device_starts(MESSAGES, POPCL_TLS, SMALL_IOBUF, 8);
    while (device_moves())
        continue;
    assert_true(r.peer.records < MESSAGES / 4 + 20);
    device_ends(MESSAGES);
}

/* ---- a server that does not read while it waits to be read ---- */

/* The path from the job to the server. In clear text it holds nearly nothing. With TLS it holds the
 * octets of commands that any peer's kernel holds, each command in a record of its own. */
enum {
    PATH_CLEAR = 7,
    PATH_TLS = ONE_WAY / NOOP_OCTETS * (NOOP_OCTETS + 29),
    PATH_HANDSHAKE = 4096
};

static struct {
    unsigned char octets[PATH_HANDSHAKE];
    size_t n;
} path;

static size_t path_room(int tls) {
    size_t most = !tls ? PATH_CLEAR : tls_peer_open(&r.peer) ? PATH_TLS : PATH_HANDSHAKE;
    return most > path.n ? most - path.n : 0;
}

static int path_fills(int tls) {
    popcl *session = &device.job.session;
    size_t n, room = path_room(tls);
    const unsigned char *p = popcl_send_buf(session, &n);
    if (n > room) n = room;
    if (n == 0) return 0;
    memcpy(path.octets + path.n, p, n);
    path.n += n;
    popcl_send_ack(session, n);
    return 1;
}

/* The server takes an octet at a time, and none while an answer is not yet with the job. */
static int path_drains(int tls) {
    unsigned char text[64];
    size_t n;
    int talks = !tls || tls_peer_open(&r.peer);
    if (path.n == 0 || (talks && sim_server_ready(&device.server))) return 0;
    if (tls && tls_peer_waiting(&r.peer)) return 0;
    text[0] = path.octets[0];
    if (tls)
        tls_peer_take(&r.peer, path.octets, 1);
    else
        sim_server_take(&device.server, text, 1);
    while (tls && (n = tls_peer_hear(&r.peer, text, sizeof text)) > 0)
        sim_server_take(&device.server, text, n);
    memmove(path.octets, path.octets + 1, --path.n);
    return 1;
}

/* The server's octets reach the job as far as it has room for them. */
static int job_reads(int tls) {
    unsigned char text[64];
    size_t n, room;
    if (tls && tls_peer_open(&r.peer) && tls_peer_waiting(&r.peer) == 0) {
        n = sim_server_give(&device.server, text, sizeof text);
        if (n) tls_peer_say(&r.peer, text, n);
    }
    unsigned char *p = popcl_recv_buf(&device.job.session, &room);
    if (room == 0) return 0;
    n = tls ? tls_peer_give(&r.peer, p, room) : sim_server_give(&device.server, p, room);
    if (n) popcl_recv_ack(&device.job.session, n);
    return n != 0;
}

/* [R50] Commands that wait to be sent never keep the job from reading, if the server reads nothing
 * before it is read. */
static void nobody_waits_for_the_other(void **state) {
    static const unsigned windows[] = {1, 2, 8, 256, MOST};
    static const size_t sizes[] = {SMALL_IOBUF, 4125, POPCL_IOBUF_DUPLEX};
    enum { MESSAGES = 1000 };
    (void)state;
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            for (int tls = 0; tls < 2; tls++) {
                device_starts(MESSAGES, tls ? POPCL_TLS : POPCL_CLEAR, sizes[i], windows[w]);
                path.n = 0;
                while (path_fills(tls) + path_drains(tls) + job_reads(tls))
                    continue;
                if (popcl_state(&device.job.session) != POPCL_DONE)
                    fail_msg("window %u, buffer %zu, TLS %d: %u of %d messages, then nothing moves",
                             windows[w], sizes[i], tls, (unsigned)device.stored, MESSAGES);
                device_ends(MESSAGES);
            }
        }
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_the_order_of_the_commands),
        cmocka_unit_test(thousands_of_commands_in_flight),
        cmocka_unit_test(one_buffer_bounds_what_is_in_flight),
        cmocka_unit_test(two_buffers_bound_nothing),
        cmocka_unit_test(bodies_ahead_are_bounded_by_their_sizes),
        cmocka_unit_test(bodies_of_unknown_size_are_eight),
        cmocka_unit_test(a_store_that_fails_for_good_drains_what_was_asked_for),
        cmocka_unit_test(a_pause_sends_nothing),
        cmocka_unit_test(ends_with_bodies_in_flight),
        cmocka_unit_test(groups_are_synced_between_bodies),
        cmocka_unit_test(a_device_fetches_thousands),
        cmocka_unit_test(nobody_waits_for_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
