/* SPDX-License-Identifier: MIT */
/* hand - see hand.h. */
#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const char *const hand_place_names[PLACES] = {
    [IN_TRACE] = "trace", [IN_GET] = "get",       [IN_RELEASE] = "release", [IN_TEXT] = "text",
    [IN_LINE] = "line",   [IN_OPEN] = "open",     [IN_BODY] = "body",       [IN_DONE] = "done",
    [IN_READY] = "ready", [IN_LATE] = "late",     [IN_STOP] = "stop",       [IN_CLOSED] = "closed",
    [IN_BEGIN] = "begin", [IN_DATA] = "data",     [IN_COMMIT] = "commit",   [IN_SYNC] = "sync",
    [IN_ABORT] = "abort", [IN_DECIDE] = "decide", [IN_LISTED] = "listed",   [IN_FATE] = "fate",
};

static void note(hand *h, const char *format, ...) {
    size_t n = strlen(h->seen);
    va_list args;
    va_start(args, format);
    int added = vsnprintf(h->seen + n, sizeof h->seen - n, format, args);
    va_end(args);
    if (added < 0 || (size_t)added >= sizeof h->seen - n) fail_msg("too much is seen");
}

/* A callback was called. Returns what it is to return; `otherwise` if there is no order. */
static int called(hand *h, enum place place, int otherwise) {
    h->count[place]++;
    if (h->inside) h->inside(h, place);
    if (!h->times[place]) return otherwise;
    h->times[place]--;
    return h->answer[place];
}

/* ---- of the settings ---- */

static void on_trace(void *ctx, popcl_trace kind, const char *p, size_t n) {
    (void)kind, (void)p, (void)n;
    (void)called(ctx, IN_TRACE, 0);
}

static int on_get(void *ctx, size_t off, char *buf, size_t cap) {
    hand *h = ctx;
    if (!buf) return called(h, IN_RELEASE, 0);
    int answer = called(h, IN_GET, 0);
    size_t n = strlen(h->password) - off;
    if (answer) return answer;
    if (n > cap) n = cap;
    if (n > 3) n = 3;
    memcpy(buf, h->password + off, n);
    return (int)n;
}

/* ---- of a sequence ---- */

static void note_tag(hand *h, const char *what, uint32_t tag) {
    if (tag == POPCL_TAG_GREETING)
        note(h, "%s greeting", what);
    else
        note(h, "%s %lu", what, (unsigned long)tag);
}

static void on_text(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    (void)tag, (void)p, (void)n;
    (void)called(ctx, IN_TEXT, 0);
}

static void on_line(void *ctx, uint32_t tag, const popcl_reply *line) {
    note_tag(ctx, "line", tag);
    note(ctx, ": %lu\n", (unsigned long)line->number);
    (void)called(ctx, IN_LINE, 0);
}

static void on_open(void *ctx, uint32_t tag, const popcl_reply *reply) {
    (void)reply;
    note_tag(ctx, "open", tag);
    note(ctx, "\n");
    (void)called(ctx, IN_OPEN, 0);
}

static size_t on_body(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    hand *h = ctx;
    int taken = called(h, IN_BODY, (int)n);
    if (taken && !h->quiet) {
        size_t line = 0;
        while (line < n && p[line] != '\r')
            line++;
        note_tag(h, "body", tag);
        note(h, ": %.*s\n", (int)line, (const char *)p);
    }
    return (size_t)taken + h->extra;
}

static unsigned on_done(void *ctx, uint32_t tag, const popcl_reply *reply) {
    note_tag(ctx, "done", tag);
    note(ctx, reply->status == POPCL_STATUS_OK ? " OK\n" : " ERR\n");
    return (unsigned)called(ctx, IN_DONE, 0);
}

static unsigned on_ready(void *ctx) { return (unsigned)called(ctx, IN_READY, 0); }

static int on_late(void *ctx, int half_over) {
    (void)half_over;
    return called(ctx, IN_LATE, 0);
}

static int on_stop(void *ctx) { return called(ctx, IN_STOP, 0); }

static unsigned on_closed(void *ctx, popcl_err *result, popcl_end end) {
    hand *h = ctx;
    if (!h->count[IN_CLOSED]) note(h, "closed %s\n", popcl_err_name(*result));
    h->last_end = (int)end;
    if (h->change) *result = h->closed_as;
    return (unsigned)called(h, IN_CLOSED, 0);
}

/* ---- of a job ---- */

static int on_begin(void *ctx, const popcl_msg *m) {
    note(ctx, "begin %lu%s\n", (unsigned long)m->number, m->part == POPCL_HEADERS ? " TOP" : "");
    return called(ctx, IN_BEGIN, 0);
}

static int on_data(void *ctx, const void *p, size_t n) {
    (void)p;
    return called(ctx, IN_DATA, (int)n);
}

static int on_commit(void *ctx) { return called(ctx, IN_COMMIT, 0); }

static int on_sync(void *ctx) { return called(ctx, IN_SYNC, 0); }

static void on_abort(void *ctx, popcl_err why) {
    note(ctx, "abort %s\n", popcl_err_name(why));
    (void)called(ctx, IN_ABORT, 0);
}

static unsigned on_decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    hand *h = ctx;
    (void)m;
    if (stage == POPCL_STAGE_UID && h->asks) return (unsigned)called(h, IN_DECIDE, POPCL_FETCH);
    return (unsigned)called(h, IN_DECIDE,
                            (int)(stage == POPCL_STAGE_HEADERS ? h->header_actions : h->actions));
}

static void on_listed(void *ctx, const popcl_msg *m) {
    hand *h = ctx;
    if (!m) h->whole = 1;
    (void)called(h, IN_LISTED, 0);
}

static void on_fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    static const char *const names[] = {
        [POPCL_STORED] = "STORED",   [POPCL_NOT_STORED] = "NOT_STORED",
        [POPCL_MARKED] = "MARKED",   [POPCL_NOT_MARKED] = "NOT_MARKED",
        [POPCL_DELETED] = "DELETED", [POPCL_UNKNOWN] = "UNKNOWN",
        [POPCL_VOID] = "VOID",
    };
    if (m)
        note(ctx, "%lu ", (unsigned long)m->number);
    else
        note(ctx, "all ");
    note(ctx, why ? "%s %s\n" : "%s\n", names[what], popcl_err_name(why));
    (void)called(ctx, IN_FATE, 0);
}

/* ---- the hand ---- */

void hand_init(hand *h, unsigned window) {
    memset(h, 0, sizeof *h);
    h->events = (popcl_events){.text = on_text,
                               .line = on_line,
                               .open = on_open,
                               .body = on_body,
                               .done = on_done,
                               .ready = on_ready,
                               .late = on_late,
                               .stop = on_stop,
                               .closed = on_closed};
    h->sink = (popcl_sink){.begin = on_begin,
                           .data = on_data,
                           .commit = on_commit,
                           .sync = on_sync,
                           .abort = on_abort};
    h->cfg = (popcl_fetch_config){.session = {.host = "pop.example",
                                              .user = "fred",
                                              .iobuf = h->iobuf,
                                              .iobuf_len = sizeof h->iobuf,
                                              .window = window > 1 ? h->window : NULL,
                                              .window_len = (uint16_t)(window > 1 ? window : 0),
                                              .trace = on_trace,
                                              .trace_ctx = h},
                                  .secret = {.get = on_get, .ctx = h},
                                  .auth = POPCL_AUTH_USER,
                                  .plan = h->plan,
                                  .plan_len = sizeof h->plan,
                                  .sink = &h->sink,
                                  .sink_ctx = h,
                                  .ctx = h,
                                  .decide = on_decide,
                                  .listed = on_listed,
                                  .fate = on_fate};
    h->actions = h->header_actions = POPCL_FETCH;
    h->asks = 1;
    h->password = "correct-horse";
    h->s = &h->sequence;
}

void hand_start(hand *h, int job) {
    h->s = job ? &h->job.session : &h->sequence;
    memset(&h->sequence, 0xa5, sizeof h->sequence); /* [K12] */
    memset(&h->job, 0xa5, sizeof h->job);
    popcl_err e = job ? popcl_fetch_start(&h->job, &h->cfg, 0)
                      : popcl_start(h->s, &h->cfg.session, &h->events, h, 0);
    assert_int_equal(e, POPCL_OK);
}

void hand_sequence(hand *h) {
    hand_start(h, 0);
    popcl_connected(h->s, 0);
}

void hand_job(hand *h) {
    hand_start(h, 1);
    popcl_connected(h->s, 0);
}

void hand_send(hand *h, size_t n) {
    size_t waits, at = strlen(h->sent);
    const unsigned char *p = popcl_send_buf(h->s, &waits);
    if (waits > n) waits = n;
    if (waits == 0) return;
    if (waits >= sizeof h->sent - at) fail_msg("too much is sent");
    memcpy(h->sent + at, p, waits);
    popcl_send_ack(h->s, waits);
}

void hand_send_all(hand *h) {
    size_t n;
    while (popcl_send_buf(h->s, &n), n)
        hand_send(h, n);
}

void hand_say_n(hand *h, const void *p, size_t n) {
    const unsigned char *octets = p;
    while (n && popcl_state(h->s) != POPCL_DONE) {
        size_t room;
        unsigned char *to = popcl_recv_buf(h->s, &room);
        if (room == 0) fail_msg("nothing is read in state %s", popcl_state_name(h->s));
        if (room > n) room = n;
        memcpy(to, octets, room);
        octets += room, n -= room;
        popcl_recv_ack(h->s, room);
        if (!h->hold) hand_send_all(h);
    }
}

void hand_say(hand *h, const char *text) { hand_say_n(h, text, strlen(text)); }

popcl_err hand_submit(hand *h, popcl_verb verb, uint32_t number, uint32_t tag) {
    popcl_command command = {
        .verb = verb, .number = number, .text = "fred", .text_len = 4, .secret = &h->cfg.secret};
    popcl_err e = popcl_submit(h->s, &command, tag);
    if (!h->hold) hand_send_all(h);
    return e;
}

void hand_login(hand *h) {
    int sequence = h->s == &h->sequence;
    hand_say(h, "+OK ready\r\n");
    if (sequence) assert_int_equal(hand_submit(h, POPCL_USER, 0, 1), POPCL_OK);
    hand_say(h, "+OK\r\n");
    if (sequence) assert_int_equal(hand_submit(h, POPCL_PASS, 0, 2), POPCL_OK);
    hand_say(h, "+OK\r\n");
    if (!h->cfg.session.window) return;
    if (sequence) assert_int_equal(hand_submit(h, POPCL_CAPA, 0, 3), POPCL_OK);
    hand_say(h, "+OK\r\nPIPELINING\r\n.\r\n");
}

void hand_list(hand *h, unsigned messages) {
    char line[40];
    hand_login(h);
    (void)snprintf(line, sizeof line, "+OK %u %u\r\n", messages, 100 * messages);
    hand_say(h, line);
    hand_say(h, "+OK\r\n");
    for (unsigned i = 0; i < messages; i++) {
        (void)snprintf(line, sizeof line, "%u %c\r\n", i + 1, (char)('a' + i % 26));
        hand_say(h, line);
    }
    hand_say(h, ".\r\n");
}

void hand_message(hand *h, uint32_t number, const char *text) {
    char line[40];
    (void)snprintf(line, sizeof line, "+OK %lu %zu\r\n", (unsigned long)number, strlen(text));
    if (h->cfg.session.window) hand_say(h, line);
    hand_say(h, "+OK\r\n");
    hand_say(h, text);
    hand_say(h, ".\r\n");
}

void hand_end(hand *h) {
    h->inside = NULL;
    if (h->s == &h->sequence)
        popcl_wipe(h->s);
    else
        popcl_fetch_wipe(&h->job);
}
