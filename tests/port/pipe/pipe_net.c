/* SPDX-License-Identifier: MIT */
/* pipe_net - the port: six functions over a line of frames (line.h). Every one of them first takes
 * in what the line holds, into the ring and the flags of the context; none but open and wait
 * sleeps. */
#define _POSIX_C_SOURCE 200809L
#include "pipe_net.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#define STOP_SLICE_MS 250u /* nothing wakes a wait for the wish for an end */
#define HOST_MAX      (LINE_PAYLOAD - 6)

/* ---- time ---- */

static uint32_t net_now_ms(void *ctx) {
    const pipe_net *n = ctx;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000) +
           (n->skew_ms ? *n->skew_ms : 0);
}

static uint32_t left_of(pipe_net *n, uint32_t began_ms, uint32_t limit_ms) {
    uint32_t passed = net_now_ms(n) - began_ms;
    return passed < limit_ms ? limit_ms - passed : 0;
}

static int is_stopped(const pipe_net *n) { return n->stop && *n->stop; }

/* ---- the line ---- */

static int put(pipe_net *n, unsigned type, const void *payload, size_t size) {
    int result = n->line->broken ? -1 : line_put(n->line->to, type, n->line->call, payload, size);
    if (result < 0) n->line->broken = 1;
    return result == 1;
}

static void keep(pipe_net *n, const unsigned char *p, size_t size) {
    /* a relay that minds no credit: nothing of it can be trusted */
    if (size > LINE_WINDOW - n->held) {
        n->line->broken = 1;
        return;
    }
    for (size_t i = 0; i < size; i++)
        n->ring[(n->first + n->held++) % LINE_WINDOW] = p[i];
}

static void take_frame(pipe_net *n, const line_frame *f) {
    uint32_t number = f->n == 2 ? line_number_at(f->payload, 2) : 0;
    switch (f->head[0]) {
    case LINE_DATA: keep(n, f->payload, f->n); return;
    case LINE_CREDIT: n->grant += number; return;
    case LINE_FOUND: n->found = 1; return;
    case LINE_DEAF: n->deaf = 1; break;
    case LINE_END:
    case LINE_RESET: n->end = f->head[0]; break; /* may come together with UP */
    default: n->answer = f->head[0]; break;
    }
    if (number) n->code = (int)number;
}

/* Takes in all that the line holds. Frames of an earlier call come late, and are nobody's. */
static void take_in(pipe_net *n) {
    pipe_line *line = n->line;
    int result = 0;
    while (!line->broken && (result = line_get(line->from, &line->in)) == 1) {
        if (line->in.head[1] == line->call) take_frame(n, &line->in);
    }
    if (result < 0) line->broken = 1;
}

/* Not for each octet, but before the relay has to stand still. */
static int credit_is_due(const pipe_net *n) {
    return n->owed > 0 && (n->owed >= LINE_WINDOW / 2 || n->held == 0);
}

/* Tells the relay how much room there is again. */
static void give_credit(pipe_net *n) {
    unsigned char octets[2];
    if (!credit_is_due(n)) return;
    line_number(octets, n->owed, 2);
    if (put(n, LINE_CREDIT, octets, 2)) n->owed = 0;
}

/* Sleeps until the line has something, or room for something (`out`), for limit_ms at most. A line
 * that is broken has nothing, all the time. */
static int sleep_on(pipe_net *n, int out, uint32_t limit_ms) {
    struct pollfd p[2] = {{n->line->from, POLLIN, 0}, {n->line->to, POLLOUT, 0}};
    if (n->line->broken) p[0].fd = -1;
    return poll(p, out && !n->line->broken ? 2 : 1,
                (int)(limit_ms < STOP_SLICE_MS ? limit_ms : STOP_SLICE_MS));
}

/* ---- connecting ---- */

/* What the relay says of a connection that it was asked for. */
static const struct {
    unsigned said;
    popcl_err result;
} answers[] = {
    {LINE_UP, POPCL_OK},
    {LINE_NO_NAME, POPCL_ERR_RESOLVE},
    {LINE_REFUSED, POPCL_ERR_CONNECT},
    {LINE_SILENT, POPCL_ERR_TIMEOUT_CONNECT},
    {LINE_SHORT, POPCL_ERR_NET},
};

static popcl_err result_of(const pipe_net *n) {
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (answers[i].said == n->answer) return answers[i].result;
    }
    return POPCL_ERR_NET;
}

/* A new call: what the last one left is not this one's. */
static void begin_call(pipe_net *n) {
    n->line->call++;
    n->up = n->code = n->deaf = 0;
    n->answer = n->end = 0;
    n->owed = 0;
    n->grant = LINE_WINDOW;
    n->first = n->held = 0;
}

/* Of an address there is nothing to look up, however slow the relay is. */
static int is_address(const char *host) {
    return strchr(host, ':') || host[strspn(host, "0123456789.")] == '\0';
}

/* Asks for the connection, and waits for what is said of it. */
static popcl_err call(pipe_net *n, const unsigned char *request, size_t size, uint32_t limit_ms) {
    uint32_t began_ms = net_now_ms(n), left;
    int asked = 0;
    do {
        if (is_stopped(n)) return POPCL_ERR_STOPPED;
        if (!asked) asked = put(n, LINE_OPEN, request, size);
        take_in(n);
        if (n->answer) return result_of(n);
        if (n->line->broken) return POPCL_ERR_NET;
        left = left_of(n, began_ms, limit_ms);
        if (left > 0) sleep_on(n, !asked, left);
    } while (left > 0);
    n->code = ETIMEDOUT;
    return n->found ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_RESOLVE_TIMEOUT;
}

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    pipe_net *n = ctx;
    unsigned char request[LINE_PAYLOAD];
    size_t length = strlen(host);
    popcl_err result;
    if (length == 0 || length > HOST_MAX) {
        n->code = EINVAL;
        return POPCL_ERR_RESOLVE;
    }
    begin_call(n);
    n->found = is_address(host);
    line_number(request, limit_ms, 4);
    line_number(request + 4, port, 2);
    memcpy(request + 6, host, length);
    result = call(n, request, 6 + length, limit_ms);
    n->up = result == POPCL_OK;
    if (!n->up) (void)put(n, LINE_CLOSE, NULL, 0);
    return result;
}

/* ---- moving octets ---- */

static int32_t net_recv(void *ctx, void *p, size_t size) {
    pipe_net *n = ctx;
    unsigned char *to = p;
    size_t taken = 0;
    if (!n->up) return POPCL_NET_FAILED;
    take_in(n);
    for (; taken < size && n->held > 0; n->held--) {
        to[taken++] = n->ring[n->first];
        n->first = (n->first + 1) % LINE_WINDOW;
    }
    n->owed += (uint32_t)taken;
    give_credit(n);
    if (taken > 0) return (int32_t)taken;
    if (n->end == LINE_END) return POPCL_NET_EOF;
    return n->end == LINE_RESET || n->line->broken ? POPCL_NET_FAILED : POPCL_NET_AGAIN;
}

static int takes_nothing(const pipe_net *n) {
    return !n->up || n->deaf || n->end == LINE_RESET || n->line->broken;
}

static int32_t net_send(void *ctx, const void *p, size_t size) {
    pipe_net *n = ctx;
    if (n->up) take_in(n);
    if (takes_nothing(n)) return POPCL_NET_FAILED;
    if (size > n->grant) size = n->grant;
    if (size > LINE_PAYLOAD) size = LINE_PAYLOAD;
    if (size > 0 && put(n, LINE_DATA, p, size)) {
        n->grant -= (uint32_t)size;
        return (int32_t)size;
    }
    return takes_nothing(n) ? POPCL_NET_FAILED : POPCL_NET_AGAIN;
}

/* What recv and send would say something else than AGAIN to. */
static unsigned possible(pipe_net *n) {
    unsigned can = 0;
    take_in(n);
    give_credit(n);
    if (n->held > 0 || n->end || n->line->broken) can |= POPCL_RECV;
    if (takes_nothing(n) || (n->grant > 0 && line_ready(n->line->to, POLLOUT))) can |= POPCL_SEND;
    return can;
}

static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    pipe_net *n = ctx;
    uint32_t began_ms = net_now_ms(n), left;
    do {
        unsigned can;
        if ((want & (unsigned)POPCL_NET_STOP) && is_stopped(n)) return POPCL_NET_STOP;
        can = n->up ? possible(n) : POPCL_RECV | POPCL_SEND;
        if (can & want) return (int32_t)(can & want & (POPCL_RECV | POPCL_SEND));
        left = left_of(n, began_ms, limit_ms);
        if (left > 0 &&
            sleep_on(n, credit_is_due(n) || ((want & POPCL_SEND) && n->grant > 0), left) < 0 &&
            errno != EINTR)
            return POPCL_NET_FAILED;
    } while (left > 0);
    return 0;
}

/* The relay sends on what it was given, and then ends the connection. Should the line have no room
 * for the word, which credit makes as good as impossible, the next call says the same. */
static void net_close(void *ctx) {
    pipe_net *n = ctx;
    if (!n->up) return;
    n->up = 0;
    (void)put(n, LINE_CLOSE, NULL, 0);
}

static int net_code(void *ctx) {
    const pipe_net *n = ctx;
    return n->code;
}

const popcl_net popcl_pipe = {
    .open = net_open,
    .recv = net_recv,
    .send = net_send,
    .wait = net_wait,
    .close = net_close,
    .now_ms = net_now_ms,
    .code = net_code,
};
