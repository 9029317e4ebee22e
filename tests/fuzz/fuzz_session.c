/* SPDX-License-Identifier: MIT */
/* fuzz_session - whole sessions in clear text, with 1, 2, 8 or 256 commands in flight. Whatever a
 * server sends, the session ends. DELE is sent only for a message that is durable, each begin has
 * one end, and success needs QUIT. Events, commands and result are the same however the octets are
 * cut, with one command in flight. With several, the next command may leave after one reply of a
 * turn, or after all replies.
 *
 * Input: an octet of settings (see below), an octet for the sink, then turns of the server with
 * 0xff between them. Bits 0 and 1 of the settings choose the window. A turn comes once the job has
 * nothing more to send. Seeds: the transcripts, by run.py. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "popcl_command.h"
#include "popcl_fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) abort();                                                                     \
    } while (0)

enum {
    NO_UIDS = 4,
    SIZES = 8,
    DELETIONS = 16,
    HEADERS = 32,
    NO_CAPA = 64,
    SMALL_PLAN = 128,
    TURN = 0xff,
    PLAN_USUAL = 2000,
    RESUMES_MAX = 100000,
    KNOWN = 4096 /* message numbers that are looked at */
};

typedef struct run {
    popcl_fetch *job;
    unsigned settings, sink;
    uint64_t events, commands; /* hashes */
    uint32_t open, begun, ended;
    popcl_part part;
    size_t offset; /* in the body */
    int asked;     /* the sink asked for time */
    int quit;
    int ahead; /* several commands were in flight */
    char line[POPCL_COMMAND_MAX + 1];
    size_t line_n;
    unsigned char durable[KNOWN];
} run;

static void note(uint64_t *hash, const void *p, size_t n) {
    const unsigned char *octets = p;
    for (size_t i = 0; i < n; i++)
        *hash = (*hash ^ octets[i]) * UINT64_C(1099511628211);
}

static void note_number(uint64_t *hash, uint64_t number) { note(hash, &number, sizeof number); }

/* If the end comes with octets that were not asked for, CAPA may be written or not. */
static popcl_err alike(popcl_err e) { return e == POPCL_ERR_CAPA ? POPCL_ERR_CLOSED : e; }

/* Whether the sink misbehaves now: for every third message, if its bit is set. */
static int errs(const run *r, unsigned at, unsigned bit) {
    return r->sink & 1u << bit && (at + (r->sink >> 5)) % 3 == 0;
}

static int sink_begin(void *ctx, const popcl_msg *m) {
    run *r = ctx;
    MUST(!r->open && m->number && strlen(m->uid) == m->uid_len);
    note_number(&r->events, m->number);
    note(&r->events, m->uid, m->uid_len);
    if (errs(r, m->number, 0)) return -1;
    r->open = m->number;
    r->part = m->part;
    r->offset = 0;
    r->asked = 0;
    r->begun++;
    return 0;
}

static int sink_data(void *ctx, const void *p, size_t n) {
    run *r = ctx;
    MUST(r->open && n);
    if (errs(r, r->open, 1)) { /* takes ten octets, then fails */
        if (r->offset == 10) return -1;
        if (n > 10 - r->offset) n = 10 - r->offset;
    }
    note(&r->events, p, n);
    r->offset += n;
    return (int)n;
}

static int sink_commit(void *ctx) {
    run *r = ctx;
    MUST(r->open);
    if (errs(r, r->open, 2) && !r->asked++) return POPCL_AGAIN;
    int fails = errs(r, r->open, 3);
    note(&r->events, fails ? "f" : "c", 1);
    if (!fails && r->part == POPCL_WHOLE) r->durable[r->open % KNOWN] = 1;
    r->open = 0;
    r->ended++;
    return fails ? -1 : 0;
}

static void sink_abort(void *ctx, popcl_err why) {
    run *r = ctx;
    MUST(r->open && why);
    note_number(&r->events, alike(why));
    r->open = 0;
    r->ended++;
}

static unsigned job_decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    const run *r = ctx;
    (void)m;
    unsigned answer = POPCL_FETCH | (r->settings & DELETIONS ? POPCL_DELETE : 0u);
    return r->settings & HEADERS && stage == POPCL_STAGE_SIZE ? POPCL_HEADERS_FIRST : answer;
}

static void job_fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    run *r = ctx;
    note_number(&r->events, m ? m->number : 0);
    note_number(&r->events, (uint64_t)what << 8 | alike(why));
}

static void command_came(run *r) {
    unsigned long number;
    r->line[r->line_n] = 0;
    note(&r->commands, r->line, r->line_n);
    if (sscanf(r->line, "DELE %lu", &number) == 1) MUST(r->durable[number % KNOWN]);
    if (strcmp(r->line, "QUIT\r\n") == 0) r->quit = 1;
    r->line_n = 0;
}

static void resume(run *r) {
    for (int i = 0; popcl_state(&r->job->session) & POPCL_PAUSED; i++) {
        MUST(i < RESUMES_MAX);
        popcl_resume(&r->job->session);
    }
}

static void take_commands(run *r) {
    const unsigned char *p;
    size_t n;
    while (resume(r), p = popcl_send_buf(&r->job->session, &n), n) {
        for (size_t i = 0; i < n; i++) {
            MUST(r->line_n < sizeof r->line - 1);
            r->line[r->line_n++] = (char)p[i];
            if (p[i] == '\n') command_came(r);
        }
        popcl_send_ack(&r->job->session, n);
    }
    if (popcl_in_flight(&r->job->session) > 1) r->ahead = 1;
}

static void deliver(run *r, const uint8_t *p, size_t n, size_t piece) {
    size_t room;
    while (n && popcl_state(&r->job->session) != POPCL_DONE) {
        resume(r);
        unsigned char *to = popcl_recv_buf(&r->job->session, &room);
        if (room > n) room = n;
        if (room > piece) room = piece;
        MUST(room || popcl_state(&r->job->session) == POPCL_DONE);
        if (room == 0) return;
        memcpy(to, p, room);
        popcl_recv_ack(&r->job->session, room);
        p += room;
        n -= room;
    }
}

static popcl_err play(run *r, const uint8_t *p, size_t n, size_t piece) {
    while (n && popcl_state(&r->job->session) != POPCL_DONE) {
        const uint8_t *end = memchr(p, TURN, n);
        size_t turn = end ? (size_t)(end - p) : n;
        deliver(r, p, turn, piece);
        take_commands(r);
        if (end) turn++;
        p += turn;
        n -= turn;
    }
    popcl_recv_eof(&r->job->session);
    resume(r);
    MUST(popcl_state(&r->job->session) == POPCL_DONE);
    return popcl_result(&r->job->session);
}

static int is_zero(const void *p, size_t n) {
    const unsigned char *octets = p;
    while (n && !octets[n - 1])
        n--;
    return n == 0;
}

/* Each buffer is a block of its own, so that its edges are seen. */
static popcl_err run_session(run *r, const uint8_t *p, size_t n, size_t piece) {
    static const popcl_sink sink = {
        .begin = sink_begin, .data = sink_data, .commit = sink_commit, .abort = sink_abort};
    static const unsigned windows[] = {1, 2, 8, 256};
    memset(r, 0, sizeof *r);
    r->settings = p[0];
    r->sink = p[1];
    unsigned window_len = windows[p[0] & 3];
    size_t plan_len = p[0] & SMALL_PLAN ? POPCL_PLAN_MIN_APOP : PLAN_USUAL;
    popcl_flight *window = calloc(window_len, sizeof *window);
    unsigned char *iobuf = malloc(POPCL_IOBUF_MIN), *plan = malloc(plan_len);
    r->job = malloc(sizeof *r->job);
    MUST(window && iobuf && plan && r->job);
    popcl_fetch_config cfg = {
        .session = {.host = "pop.example",
                    .user = "fred",
                    .iobuf = iobuf,
                    .iobuf_len = POPCL_IOBUF_MIN,
                    .window = window_len > 1 ? window : NULL,
                    .window_len = (uint16_t)(window_len > 1 ? window_len : 0)},
        .secret = {.octets = "secret"},
        .plan = plan,
        .plan_len = plan_len,
        .passes = 3,
        .uids = p[0] & NO_UIDS ? POPCL_UIDS_UNUSED : POPCL_UIDS_OPTIONAL,
        .need_size = (p[0] & SIZES) != 0,
        .no_capa = (p[0] & NO_CAPA) != 0,
        .decide = job_decide,
        .fate = job_fate,
        .sink = &sink,
        .sink_ctx = r,
        .ctx = r};
    MUST(popcl_fetch_start(r->job, &cfg, 0) == POPCL_OK);
    popcl_connected(&r->job->session, 0);
    popcl_err result = play(r, p + 2, n - 2, piece);
    MUST(!r->open && r->begun == r->ended);
    MUST(popcl_err_class(result) != POPCL_CLASS_DONE || r->quit);
    popcl_fetch_wipe(r->job);
    MUST(is_zero(r->job, sizeof *r->job) && is_zero(iobuf, POPCL_IOBUF_MIN));
    free(r->job);
    free(plan);
    free(iobuf);
    free(window);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    static run whole, cut;
    if (n < 2) return 0;
    popcl_err result = run_session(&whole, p, n, SIZE_MAX);
    popcl_err again = run_session(&cut, p, n, 1 + p[1] % 3);
    if (whole.ahead || cut.ahead) return 0;
    MUST(alike(again) == alike(result));
    MUST(whole.events == cut.events && whole.commands == cut.commands);
    return 0;
}
