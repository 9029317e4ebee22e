/* SPDX-License-Identifier: MIT */
/* test_mutate - what a server says, changed: every octet of a golden session flipped, replaced,
 * dropped and doubled, and pieces of real and broken dialogues joined at random. Whatever comes,
 * the session ends, nothing is deleted that is not durable, and each begin has one end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

static uint32_t octets_of_a_clean_session(enum session_kind kind) {
    static world w;
    world_init(&w, kind, 0);
    world_session(&w);
    uint32_t said = w.server.said;
    world_free(&w);
    assert_string_equal(w.fault, "");
    return said;
}

static void every_octet(enum garble how, unsigned char by) {
    static world w;
    for (int kind = 0; kind < KINDS; kind++) {
        uint32_t octets = octets_of_a_clean_session((enum session_kind)kind);
        for (uint32_t at = 1; at <= octets; at++) {
            world_init(&w, (enum session_kind)kind, (int)(at & 1));
            w.chunk = at % 3 ? 4096 : 1;
            w.server.garble_octet = at;
            w.server.garble = how;
            w.server.garble_by = by;
            world_session(&w);
            world_free(&w);
            if (w.fault[0])
                fail_msg("kind %d, octet %lu garbled by %d %#x: %s", kind, (unsigned long)at,
                         (int)how, by, w.fault);
        }
    }
}

/* [B69 I3 I4 I7 I8] */
static void every_bit_flipped(void **state) {
    (void)state;
    for (int bit = 0; bit < 8; bit++)
        every_octet(FLIP, (unsigned char)(1 << bit));
}

/* [B69] by what matters to POP3 */
static void every_octet_replaced(void **state) {
    static const unsigned char by[] = {0, '\r', '\n', '.', ' ', '0', '9', '+', '-', 0xff};
    (void)state;
    for (size_t i = 0; i < sizeof by; i++)
        every_octet(REPLACE, by[i]);
}

/* [B69] */
static void every_octet_dropped_and_doubled(void **state) {
    (void)state;
    every_octet(DROP, 0);
    every_octet(DOUBLE, 0);
}

/* ---- random dialogues ---- */

static const char *const pieces[] = {
    "+OK\r\n",
    "+OK 3 300\r\n",
    "-ERR\r\n",
    "-ERR [IN-USE] x\r\n",
    "+OK <1@a>\r\n",
    "1 a\r\n",
    "2 b\r\n",
    "3 c\r\n",
    "1 100\r\n",
    "2 200\r\n",
    ".\r\n",
    "..\r\n",
    ".x\r\n",
    "\r\n",
    "\n",
    "\r",
    ".",
    "+",
    "-",
    "+OK",
    "text\r\n",
    "From: a\r\n",
    "TOP\r\n",
    "UIDL\r\n",
    "+ \r\n",
    "+OK 0 0\r\n",
    "+OK\r\n.\r\n",
    "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n",
    "+OK\r\nx\r\n.\r\n",
    "+OK\r\nUSER\r\nPIPELINING\r\n.\r\n",
};

typedef struct dialogue {
    popcl_fetch job;
    unsigned char iobuf[POPCL_IOBUF_MIN], plan[200];
    uint32_t seed;
    uint32_t open;    /* number of the message that is with the sink */
    unsigned durable; /* bits of numbers */
    unsigned begun, ended;
    int bad, quit;
    char line[POPCL_COMMAND_MAX + 1], verbs[TEST_WINDOW_MAX]; /* of commands without an answer */
    size_t line_n, waiting;
    int ahead; /* two of them at once */
} dialogue;

static uint32_t roll(dialogue *d, uint32_t below) {
    d->seed ^= d->seed << 13;
    d->seed ^= d->seed >> 17;
    d->seed ^= d->seed << 5;
    return d->seed % below;
}

static int any_begin(void *ctx, const popcl_msg *m) {
    dialogue *d = ctx;
    if (d->open) d->bad = 1;
    if (roll(d, 8) == 0) return -1;
    d->open = m->number;
    d->begun++;
    return 0;
}

static int any_data(void *ctx, const void *p, size_t n) {
    dialogue *d = ctx;
    (void)p;
    if (!d->open) d->bad = 2;
    return roll(d, 16) == 0 ? -1 : roll(d, 4) == 0 ? (int)roll(d, (uint32_t)n + 1) : (int)n;
}

static int any_commit(void *ctx) {
    dialogue *d = ctx;
    if (!d->open) d->bad = 3;
    uint32_t how = roll(d, 8);
    if (how == 0) return POPCL_AGAIN;
    if (how > 1) d->durable |= 1u << (d->open & 31);
    d->open = 0;
    d->ended++;
    return how > 1 ? 0 : -1;
}

static void any_abort(void *ctx, popcl_err why) {
    dialogue *d = ctx;
    (void)why;
    if (!d->open) d->bad = 4;
    d->open = 0;
    d->ended++;
}

static unsigned any_decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx;
    (void)m;
    (void)stage;
    return POPCL_FETCH | POPCL_DELETE;
}

static void look_at(dialogue *d) {
    unsigned number;
    if (sscanf(d->line, "DELE %u", &number) == 1 && !(d->durable & 1u << (number & 31))) d->bad = 5;
    if (strncmp(d->line, "QUIT", 4) == 0) d->quit = 1;
    if (d->waiting < sizeof d->verbs) d->verbs[d->waiting++] = d->line[0];
    if (d->waiting > 1) d->ahead = 1;
}

/* Takes all commands that the job gives, and looks at them. */
static void listen_to(dialogue *d) {
    size_t n;
    const unsigned char *p;
    while (p = popcl_send_buf(&d->job.session, &n), n) {
        for (size_t i = 0; i < n; i++) {
            if (d->line_n < sizeof d->line - 1) d->line[d->line_n++] = (char)p[i];
            if (p[i] != '\n') continue;
            d->line[d->line_n] = 0;
            d->line_n = 0;
            look_at(d);
        }
        popcl_send_ack(&d->job.session, n);
    }
}

/* The right answer to the oldest command, by its first letter. */
static const char *right_answer(const dialogue *d) {
    switch (d->waiting ? d->verbs[0] : 0) {
    case 'C': return "+OK\r\nUSER\r\nPIPELINING\r\n.\r\n";
    case 'S': return "+OK 3 300\r\n";
    case 'R': return "+OK\r\nx\r\n.\r\n";
    case 'L': return "+OK\r\n1 3\r\n2 3\r\n3 3\r\n.\r\n";
    default: return "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n";
    case 'P':
    case 'D':
    case 'Q':
    case 0: return "+OK\r\n";
    }
}

static void say_to(dialogue *d, const char *piece) {
    size_t n = strlen(piece), at = 0, room;
    while (at < n && popcl_state(&d->job.session) != POPCL_DONE) {
        if (popcl_state(&d->job.session) & POPCL_PAUSED) popcl_resume(&d->job.session);
        unsigned char *p = popcl_recv_buf(&d->job.session, &room);
        if (room == 0) continue;
        size_t take = 1 + roll(d, (uint32_t)(n - at < room ? n - at : room));
        memcpy(p, piece + at, take);
        at += take;
        popcl_recv_ack(&d->job.session, take);
    }
}

static void answer_to(dialogue *d, int well) {
    const char *piece = pieces[roll(d, sizeof pieces / sizeof pieces[0])];
    if (well) piece = right_answer(d);
    if (d->waiting) memmove(d->verbs, d->verbs + 1, --d->waiting);
    say_to(d, piece);
}

/* Returns whether several commands were in flight at once. */
static int one_dialogue(uint32_t seed) {
    static dialogue d;
    static const popcl_sink sink = {
        .begin = any_begin, .data = any_data, .commit = any_commit, .abort = any_abort};
    popcl_flight window[TEST_WINDOW_MAX];
    popcl_fetch_config cfg = {.session.host = "h",
                              .session.user = "u",
                              .session.iobuf = d.iobuf,
                              .session.iobuf_len = sizeof d.iobuf,
                              .plan = d.plan,
                              .plan_len = sizeof d.plan};
    static const unsigned windows[] = {1, 2, 8, TEST_WINDOW_MAX};
    test_window_give(&cfg.session, window,
                     getenv("WINDOW") ? test_window() : windows[seed >> 20 & 3]);
    memset(&d, 0xa5, sizeof d);
    d.seed = seed;
    d.open = d.durable = d.begun = d.ended = 0;
    d.bad = d.quit = d.ahead = 0;
    d.line_n = d.waiting = 0;
    cfg.secret.octets = "p";
    cfg.sink = &sink;
    cfg.sink_ctx = cfg.ctx = &d;
    cfg.decide = any_decide;
    cfg.no_capa = seed >> 3 & 1;
    cfg.uids = seed >> 1 & 1 ? POPCL_UIDS_UNUSED : POPCL_UIDS_OPTIONAL;
    cfg.max_size = seed >> 2 & 1 ? 50 : 0;
    assert_int_equal(popcl_fetch_start(&d.job, &cfg, seed), POPCL_OK);
    popcl_connected(&d.job.session, seed);
    unsigned likely = roll(&d, 4); /* some dialogues answer every command well, for a while */
    for (int i = 0; i < 200 && popcl_state(&d.job.session) != POPCL_DONE; i++) {
        listen_to(&d);
        if (d.waiting || i == 0 || roll(&d, 6) == 0) answer_to(&d, likely && roll(&d, 16));
    }
    popcl_recv_eof(&d.job.session);
    for (int i = 0; i < 10000 && popcl_state(&d.job.session) != POPCL_DONE; i++)
        popcl_resume(&d.job.session);
    popcl_err result = popcl_result(&d.job.session);
    assert_int_equal(popcl_state(&d.job.session), POPCL_DONE);
    if (popcl_err_class(result) == POPCL_CLASS_DONE && !d.quit) d.bad = 6;
    popcl_fetch_wipe(&d.job);
    if (d.bad || d.begun != d.ended)
        fail_msg("dialogue %lu: %d, %u begun, %u ended", (unsigned long)seed, d.bad, d.begun,
                 d.ended);
    return d.ahead;
}

/* [B70 I3 I4 I7] */
static void random_dialogues(void **state) {
    (void)state;
    unsigned ahead = 0;
    for (uint32_t seed = 1; seed <= 20000; seed++)
        ahead += one_dialogue(seed * 2654435761u | 1) != 0;
    int one_at_a_time = getenv("WINDOW") && test_window() == 1;
    assert_true(one_at_a_time ? ahead == 0 : ahead > 20000 / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_flipped),
        cmocka_unit_test(every_octet_replaced),
        cmocka_unit_test(every_octet_dropped_and_doubled),
        cmocka_unit_test(random_dialogues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
