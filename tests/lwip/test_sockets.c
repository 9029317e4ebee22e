/* SPDX-License-Identifier: MIT */
/* test_sockets - popcl_lwip_sockets: its functions one by one and whole sessions, over lwIP with
 * threads, against the far end of its wire. The far end runs in lwIP's thread, and so do all looks
 * at it (in_lwip). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "errand.h"
#include "far.h"
#include "popcl_fetch.h"
#include "popcl_lwip_sockets.h"
#include "server.h"

#include <lwip/dns.h>
#include <lwip/errno.h>
#include <lwip/memp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sockets.h>
#include <lwip/stats.h>
#include <lwip/timeouts.h>

/* more than any test needs: where it is the limit, something else must end the call */
#define LONG_MS   60000u
#define SHORT_MS  200u
#define HEARD_MAX 300000u

static far_end far_side;
static popcl_lwip_sockets_net net;
static volatile int stop_flag;

/* What the far end says and has heard: lwIP's thread's. */
static struct {
    uint32_t to_say, said; /* of octet_at(0), octet_at(1) ... */
    int ends;              /* it closes after that */
    uint32_t heard;
    unsigned char octets[HEARD_MAX];
    sim_server *server; /* NULL: as above */
} script;

static unsigned char octet_at(uint32_t i) { return (unsigned char)((i * 2654435761u) >> 24); }

/* ---- in lwIP's thread ---- */

static size_t give(void *ctx, void *p, size_t n) {
    unsigned char *to = p;
    size_t i = 0;
    (void)ctx;
    if (script.server) return sim_server_give(script.server, p, n);
    for (; i < n && script.said < script.to_say; i++)
        to[i] = octet_at(script.said++);
    return i;
}

static void take(void *ctx, const void *p, size_t n) {
    (void)ctx;
    if (script.server) {
        sim_server_take(script.server, p, n);
        return;
    }
    if (n > HEARD_MAX - script.heard) n = HEARD_MAX - script.heard;
    memcpy(script.octets + script.heard, p, n);
    script.heard += (uint32_t)n;
}

static int over(void *ctx) {
    (void)ctx;
    return script.server ? sim_server_closed(script.server)
                         : script.ends && script.said == script.to_say;
}

static void began(void *ctx) {
    (void)ctx;
    if (script.server) sim_server_connect(script.server);
}

static void tick(void *arg) {
    (void)arg;
    if (!netif_is_up(&far_side.netif)) far_side.queued = 0;
    far_deliver(&far_side, FAR_QUEUE);
    sys_timeout(1, tick, NULL);
}

static void plug(uint32_t n) {
    (void)n;
    far_plug(&far_side);
    tick(NULL);
}

static void renew(uint32_t n) {
    sim_server *server = script.server;
    (void)n;
    memset(&script, 0, sizeof script);
    script.server = server;
    far_reset(&far_side);
    far_side.give = give;
    far_side.take = take;
    far_side.over = over;
    far_side.began = began;
    netif_set_up(&far_side.netif);
    dns_init(); /* what it remembers of names would hide the far end's */
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
}

static void doors(uint32_t door) { far_side.door[FAR_V4] = far_side.door[FAR_V6] = (far_door)door; }
static void first_door(uint32_t door) { far_side.door[FAR_V4] = (far_door)door; }
static void names(uint32_t name) { far_side.name[FAR_V4] = far_side.name[FAR_V6] = (far_name)name; }
static void names_take(uint32_t ms) { far_side.name_ms = ms; }
static void says(uint32_t n) { script.to_say = n; }
static void ends(uint32_t n) { script.ends = (int)n; }
static void cuts(uint32_t how) { far_side.cut = (far_cut)how; }
static void cuts_at(uint32_t at) { far_side.cut_at = at; }
static void segments(uint32_t n) { far_side.segment = (u16_t)n; }
static void window(uint32_t n) { far_side.window = (u16_t)n; }
static void loses(uint32_t percent) { far_side.lose_percent = percent; }
static void interface_goes(uint32_t up) { (up ? netif_set_up : netif_set_down)(&far_side.netif); }

/* ---- what must not be left ---- */

static int semaphores_before;
static uint32_t buffers_used, netconns_used;

static void look_at_pools(uint32_t n) {
    (void)n;
    buffers_used = (uint32_t)lwip_stats.memp[MEMP_PBUF_POOL]->used;
    netconns_used = (uint32_t)lwip_stats.memp[MEMP_NETCONN]->used;
}

static int set_up(void **state) {
    (void)state;
    in_lwip(renew, 0);
    stop_flag = 0;
    memset(&net, 0, sizeof net);
    semaphores_before = test_semaphores();
    return 0;
}

/* Nothing of lwIP's is left by any test, and the object can go. */
static int nothing_is_left(void **state) {
    (void)state;
    uint32_t began_at = sys_now();
    while (popcl_lwip_sockets_free(&net) && sys_now() - began_at < LONG_MS)
        sys_msleep(10);
    do {
        in_lwip(renew, 0);
        in_lwip(look_at_pools, 0);
    } while (buffers_used && sys_now() - began_at < LONG_MS);
    if (netconns_used || buffers_used) return -1;
    return test_semaphores() == semaphores_before ? 0 : -1;
}

static popcl_err open_close(const char *host, uint32_t limit_ms) {
    popcl_err e = popcl_lwip_sockets.open(&net, host, 110, limit_ms);
    if (e == POPCL_OK) popcl_lwip_sockets.close(&net);
    return e;
}

static int code(void) { return popcl_lwip_sockets.code(&net); }

/* Reads until the end; the octets have to be those that were said. Returns how many; *last is what
 * ended it. */
static uint32_t read_all(size_t piece, int32_t *last) {
    unsigned char p[2000];
    uint32_t at = 0;
    for (;;) {
        int32_t got = popcl_lwip_sockets.recv(&net, p, piece);
        *last = got;
        if (got == POPCL_NET_AGAIN) {
            if (popcl_lwip_sockets.wait(&net, POPCL_RECV, LONG_MS) != POPCL_RECV) return at;
            continue;
        }
        if (got <= 0) return at;
        assert_in_range(got, 1, piece);
        for (int32_t i = 0; i < got; i++, at++)
            if (p[i] != octet_at(at)) fail_msg("octet %u is %u", at, p[i]);
    }
}

/* ---- connecting ---- */

static void names_and_addresses_connect(void **state) {
    static const char *const hosts[] = {"pop.example", "pop.example.", "10.0.0.2", "2001:db8::2"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts - !LWIP_IPV6; i++) {
        in_lwip(renew, 0);
        assert_int_equal(open_close(hosts[i], LONG_MS), POPCL_OK);
        assert_int_equal(code(), 0);
        if (i < 2) assert_string_equal(far_side.asked[FAR_V4], "pop.example");
    }
}

/* [A2] */
static void a_refused_connection_is_an_error(void **state) {
    (void)state;
    in_lwip(doors, FAR_REFUSES);
    assert_int_equal(open_close("pop.example", LONG_MS), POPCL_ERR_CONNECT);
    assert_int_equal(code(), ECONNREFUSED);
}

/* [A2 A3 A4] */
static void the_next_address_follows_a_dead_one(void **state) {
    (void)state;
    for (uint32_t door = FAR_REFUSES; door <= FAR_SILENT; door++) {
        in_lwip(renew, 0);
        in_lwip(first_door, door);
        popcl_err e = open_close("pop.example", door == FAR_SILENT ? 2000 : LONG_MS);
        if (LWIP_IPV6)
            assert_int_equal(e, POPCL_OK);
        else
            assert_int_equal(e, door == FAR_SILENT ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_CONNECT);
    }
}

/* [A3] */
static void silence_ends_at_the_deadline(void **state) {
    (void)state;
    in_lwip(doors, FAR_SILENT);
    assert_int_equal(open_close("10.0.0.2", SHORT_MS), POPCL_ERR_TIMEOUT_CONNECT);
    assert_int_equal(code(), ETIMEDOUT);
}

/* [A26] */
static void without_an_interface_there_is_no_route(void **state) {
    (void)state;
    in_lwip(interface_goes, 0);
    assert_int_equal(open_close("10.0.0.2", LONG_MS), POPCL_ERR_CONNECT);
    assert_int_equal(code(), EHOSTUNREACH);
    in_lwip(interface_goes, 1);
    assert_int_equal(open_close("10.0.0.2", LONG_MS), POPCL_OK);
}

/* ---- names ---- */

/* [A1] */
static void a_name_that_is_none_is_not_asked_for(void **state) {
    static const char *const hosts[] = {"", ".", "a..b", "1:2:3", "localhost", "a b"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        assert_int_equal(open_close(hosts[i], LONG_MS), POPCL_ERR_RESOLVE);
    assert_int_equal(far_side.questions[FAR_V4] + far_side.questions[FAR_V6], 0);
}

/* [A1] */
static void an_unknown_name_is_not_found(void **state) {
    (void)state;
    in_lwip(names, FAR_UNKNOWN);
    assert_int_equal(open_close("nobody.example", LONG_MS), POPCL_ERR_RESOLVE);
    assert_int_equal(code(), 0);
}

/* [A1] lwIP gives up after some seconds; the deadline may come first. */
static void without_a_name_server_open_ends_at_the_deadline(void **state) {
    (void)state;
    in_lwip(names, FAR_NO_NAME_SERVER);
    assert_int_equal(open_close("pop.example", SHORT_MS), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(code(), ETIMEDOUT);
    assert_int_equal(open_close("pop.example", 0), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(popcl_lwip_sockets_free(&net), 1); /* lwIP still has the question */
}

static void a_late_answer_is_harmless(void **state) {
    (void)state;
    in_lwip(names_take, 3 * SHORT_MS);
    assert_int_equal(open_close("pop.example", SHORT_MS), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(popcl_lwip_sockets_free(&net), 1);
    /* the object is used again meanwhile */
    assert_int_equal(open_close("10.0.0.2", LONG_MS), POPCL_OK);
    assert_int_equal(open_close("pop.example", LONG_MS), POPCL_OK);
}

/* ---- the stop flag ---- */

static void set_stop(void *arg) {
    (void)arg;
    stop_flag = 1;
}

static void stop_soon(uint32_t ms) {
    stop_flag = 0;
    sys_timeout(ms, set_stop, NULL);
}

static void the_stop_flag_ends_every_wait(void **state) {
    (void)state;
    net.stop = &stop_flag;
    in_lwip(names, FAR_NO_NAME_SERVER);
    in_lwip(stop_soon, 50);
    assert_int_equal(open_close("pop.example", LONG_MS), POPCL_ERR_STOPPED);
    assert_int_equal(open_close("10.0.0.2", LONG_MS), POPCL_ERR_STOPPED); /* set before */
    in_lwip(doors, FAR_SILENT);
    in_lwip(stop_soon, 50);
    assert_int_equal(open_close("10.0.0.2", LONG_MS), POPCL_ERR_STOPPED);
    in_lwip(renew, 0);
    stop_flag = 0;
    assert_int_equal(popcl_lwip_sockets.open(&net, "10.0.0.2", 110, LONG_MS), POPCL_OK);
    in_lwip(stop_soon, 50);
    assert_int_equal(popcl_lwip_sockets.wait(&net, POPCL_RECV | POPCL_NET_STOP, LONG_MS),
                     POPCL_NET_STOP);
    assert_int_equal(popcl_lwip_sockets.wait(&net, POPCL_NET_STOP, LONG_MS), POPCL_NET_STOP);
    /* the orderly end goes on */
    assert_int_equal(popcl_lwip_sockets.wait(&net, POPCL_SEND, LONG_MS), POPCL_SEND);
    assert_int_equal(popcl_lwip_sockets.wait(&net, POPCL_RECV, 20), 0);
    popcl_lwip_sockets.close(&net);
    popcl_lwip_sockets.close(&net); /* [K4] harmless */
}

/* ---- moving octets ---- */

static void open_to(const char *host) {
    assert_int_equal(popcl_lwip_sockets.open(&net, host, 110, LONG_MS), POPCL_OK);
}

/* [A17] */
static void an_end_is_an_end_for_ever(void **state) {
    int32_t last;
    char p[8];
    (void)state;
    in_lwip(says, 3);
    in_lwip(ends, 1);
    open_to("10.0.0.2");
    assert_int_equal(read_all(2, &last), 3);
    assert_int_equal(last, POPCL_NET_EOF);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(popcl_lwip_sockets.wait(&net, POPCL_RECV | POPCL_NET_STOP, LONG_MS),
                         POPCL_RECV);
        assert_int_equal(popcl_lwip_sockets.recv(&net, p, sizeof p), POPCL_NET_EOF);
    }
    assert_int_equal(popcl_lwip_sockets.send(&net, "QUIT\r\n", 6), 6);
    popcl_lwip_sockets.close(&net);
}

/* [A13 A26] Whatever comes behind them, octets that came are given first. */
static void a_reset_comes_after_what_was_sent(void **state) {
    static const far_cut how[] = {FAR_RESET, FAR_FIN_AND_RESET, FAR_FIN, FAR_FIN_APART};
    (void)state;
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        for (uint32_t n = 1; n < 2500; n = n * 3 + 1) {
            int32_t last;
            in_lwip(renew, 0);
            in_lwip(segments, 400);
            in_lwip(cuts, how[i]);
            in_lwip(cuts_at, n + 1);
            in_lwip(says, 100000);
            open_to("10.0.0.2");
            assert_int_equal(read_all(300, &last), n);
            if (how[i] == FAR_RESET) {
                assert_int_equal(last, POPCL_NET_FAILED);
                assert_int_equal(code(), ECONNRESET);
                assert_int_equal(popcl_lwip_sockets.send(&net, "QUIT\r\n", 6), POPCL_NET_FAILED);
                /* never a wait for what cannot come */
                assert_true(popcl_lwip_sockets.wait(&net, POPCL_SEND, LONG_MS) != 0);
            } else {
                assert_true(last == POPCL_NET_EOF ||
                            (how[i] == FAR_FIN_AND_RESET && last == POPCL_NET_FAILED));
            }
            popcl_lwip_sockets.close(&net);
        }
    }
}

static void moves(uint32_t n, uint32_t percent) {
    unsigned char p[700];
    int32_t last;
    uint32_t sent = 0, began_at = sys_now();
    in_lwip(renew, 0);
    in_lwip(loses, percent);
    in_lwip(segments, 100);
    in_lwip(window, 1200);
    in_lwip(says, n);
    in_lwip(ends, 1);
    open_to("10.0.0.2");
    while (sent < n) {
        size_t len = n - sent < sizeof p ? n - sent : sizeof p;
        for (size_t i = 0; i < len; i++)
            p[i] = octet_at(sent + (uint32_t)i);
        int32_t r = popcl_lwip_sockets.send(&net, p, len);
        assert_true(r == POPCL_NET_AGAIN || (r > 0 && (size_t)r <= len));
        if (r > 0) sent += (uint32_t)r;
        if (r < 0) assert_int_equal(popcl_lwip_sockets.wait(&net, POPCL_SEND, LONG_MS), POPCL_SEND);
    }
    assert_int_equal(read_all(300, &last), n);
    assert_int_equal(last, POPCL_NET_EOF);
    while (script.heard < n && sys_now() - began_at < LONG_MS) {
        sys_msleep(5);
        in_lwip(look_at_pools, 0);
    }
    assert_int_equal(script.heard, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(script.octets[i], octet_at(i));
    popcl_lwip_sockets.close(&net);
}

/* [A14 A16] Small segments and a small window, both ways; and with packets that get lost. */
static void nothing_is_lost_or_doubled(void **state) {
    (void)state;
    moves(100000, 0);
    moves(3000, 5);
}

static void a_wait_ends_at_its_limit(void **state) {
    (void)state;
    uint32_t before = popcl_lwip_sockets.now_ms(&net);
    open_to("10.0.0.2");
    assert_int_equal(popcl_lwip_sockets.wait(&net, POPCL_RECV, 30), 0);
    assert_int_equal(popcl_lwip_sockets.wait(&net, 0, 30), 0);
    assert_true(popcl_lwip_sockets.now_ms(&net) - before >= 58);
    popcl_lwip_sockets.close(&net);
}

/* ---- when lwIP runs out ---- */

/* [A27] Any semaphore that cannot be had is an error with a number, or is not noticed; the next
 * open finds all as before. */
static void without_semaphores_open_fails_cleanly(void **state) {
    (void)state;
    for (int n = 1; n < 12; n++) {
        /* a connection that the far end keeps half open would hold one of lwIP's */
        in_lwip(renew, 0);
        test_fail_semaphore(n);
        popcl_err e = open_close("pop.example", LONG_MS);
        test_fail_semaphore(0);
        if (e != POPCL_OK) {
            assert_int_equal(e, POPCL_ERR_NET);
            assert_true(code() == ENOMEM || code() == ENOBUFS);
        }
        in_lwip(renew, 0);
        assert_int_equal(open_close("pop.example", LONG_MS), POPCL_OK);
    }
}

/* [A27] */
static void without_connections_open_fails_cleanly(void **state) {
    int taken[16], n = 0;
    (void)state;
    while (n < 16 && (taken[n] = lwip_socket(AF_INET, SOCK_STREAM, 0)) >= 0)
        n++;
    assert_in_range(n, 1, 15);
    assert_int_equal(open_close("10.0.0.2", LONG_MS), POPCL_ERR_NET);
    assert_true(code() == ENOBUFS || code() == ENFILE);
    while (n)
        assert_int_equal(lwip_close(taken[--n]), 0);
    assert_int_equal(open_close("10.0.0.2", LONG_MS), POPCL_OK);
}

/* Ends that nobody answers are kept for minutes: they give way to the next connection. [A27] */
static void ends_that_nobody_answers_give_way(void **state) {
    (void)state;
    in_lwip(cuts, FAR_VANISH);
    in_lwip(cuts_at, 1);
    for (int i = 0; i < 3 * MEMP_NUM_TCP_PCB; i++)
        assert_int_equal(open_close("10.0.0.2", LONG_MS), POPCL_OK);
}

/* ---- whole sessions ---- */

static char message[1000];
static size_t message_n;
static uint32_t stored;

static int sink_begin(void *ctx, const popcl_msg *m) {
    (void)ctx, (void)m;
    message_n = 0;
    return 0;
}

static int sink_data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    if (n > sizeof message - message_n) return POPCL_SINK_STOP;
    memcpy(message + message_n, p, n);
    message_n += n;
    return (int)n;
}

static int sink_commit(void *ctx) {
    const sim_server *s = ctx;
    const char *text = s->messages[stored++].text;
    return message_n == strlen(text) && memcmp(message, text, message_n) == 0 ? 0 : POPCL_SINK_STOP;
}

static void sink_abort(void *ctx, popcl_err why) { (void)ctx, (void)why; }

static const popcl_sink sink = {
    .begin = sink_begin, .data = sink_data, .commit = sink_commit, .abort = sink_abort};

static popcl_err session(sim_server *s, uint32_t idle_ms) {
    static popcl_fetch job;
    static unsigned char iobuf[POPCL_IOBUF_MIN], plan[400];
    popcl_fetch_config cfg = {.session.host = "pop.example",
                              .session.user = "fred",
                              .secret = {.octets = "correct-horse"},
                              .auth = POPCL_AUTH_USER,
                              .session.iobuf = iobuf,
                              .session.iobuf_len = sizeof iobuf,
                              .plan = plan,
                              .plan_len = sizeof plan,
                              .session.security = POPCL_CLEAR,
                              .sink = &sink,
                              .sink_ctx = s,
                              .session.idle_ms = idle_ms};
    stored = 0;
    popcl_fetch_start(&job, &cfg, 0);
    popcl_err e = popcl_run(&job.session, &popcl_lwip_sockets, &net);
    popcl_fetch_wipe(&job);
    return e;
}

static void use_server(uint32_t on) {
    static sim_server server;
    if (on) {
        sim_server_init(&server);
        sim_server_add(&server, "a-1", "Subject: one\r\n\r\nbody\r\n");
        sim_server_add(&server, "b-2", "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n");
        sim_server_add(&server, "c-3", "");
    } else {
        sim_server_free(&server);
    }
    script.server = on ? &server : NULL;
}

/* [A26] A session as it should be, and one that is cut at each octet in turn: an error with its
 * name, and the next is as it should be again. */
static void sessions_fetch_and_fail_in_order(void **state) {
    (void)state;
    in_lwip(use_server, 1);
    assert_int_equal(session(script.server, LONG_MS), POPCL_OK);
    assert_int_equal(stored, 3);
    for (uint32_t at = 1, all = far_side.said; at < all; at += 37) {
        in_lwip(renew, 0);
        in_lwip(cuts, FAR_RESET);
        in_lwip(cuts_at, at);
        assert_int_not_equal(session(script.server, LONG_MS), POPCL_OK);
        in_lwip(renew, 0);
        assert_int_equal(session(script.server, LONG_MS), POPCL_OK);
        assert_int_equal(stored, 3);
    }
    in_lwip(renew, 0);
    in_lwip(cuts, FAR_STALL);
    in_lwip(cuts_at, 40); /* in an answer to the login, whatever is asked behind it */
    assert_int_equal(session(script.server, SHORT_MS), POPCL_ERR_TIMEOUT_REPLY);
    in_lwip(use_server, 0);
}

#define LEAVES_NOTHING(f) cmocka_unit_test_setup_teardown(f, set_up, nothing_is_left)

int main(void) {
    const struct CMUnitTest tests[] = {
        LEAVES_NOTHING(names_and_addresses_connect),
        LEAVES_NOTHING(a_refused_connection_is_an_error),
        LEAVES_NOTHING(the_next_address_follows_a_dead_one),
        LEAVES_NOTHING(silence_ends_at_the_deadline),
        LEAVES_NOTHING(without_an_interface_there_is_no_route),
        LEAVES_NOTHING(a_name_that_is_none_is_not_asked_for),
        LEAVES_NOTHING(an_unknown_name_is_not_found),
        LEAVES_NOTHING(without_a_name_server_open_ends_at_the_deadline),
        LEAVES_NOTHING(a_late_answer_is_harmless),
        LEAVES_NOTHING(the_stop_flag_ends_every_wait),
        LEAVES_NOTHING(an_end_is_an_end_for_ever),
        LEAVES_NOTHING(a_reset_comes_after_what_was_sent),
        LEAVES_NOTHING(nothing_is_lost_or_doubled),
        LEAVES_NOTHING(a_wait_ends_at_its_limit),
        LEAVES_NOTHING(without_semaphores_open_fails_cleanly),
        LEAVES_NOTHING(without_connections_open_fails_cleanly),
        LEAVES_NOTHING(ends_that_nobody_answers_give_way),
        LEAVES_NOTHING(sessions_fetch_and_fail_in_order),
    };
    tcpip_init(NULL, NULL);
    in_lwip(plug, 0);
    return cmocka_run_group_tests_name("lwIP sockets", tests, NULL, NULL);
}
