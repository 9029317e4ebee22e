/* SPDX-License-Identifier: MIT */
/* net - the port over callbacks: the functions of popcl_net on one side, the functions for
 * callbacks on the other, and the lock between them. Callbacks write into the free part of the ring
 * and set flags. The other side takes from the held part, and runs popcl. */
#include "popcl_callbacks.h"

#include <string.h>

#define LOOK_MS 250u /* nothing wakes a sleep for a wish to stop */

static void lock(popcl_callbacks *n) { n->stack->lock(n->stack_ctx); }
static void unlock(popcl_callbacks *n) { n->stack->unlock(n->stack_ctx); }

/* ---- the callbacks' side ---- */

/* Takes the lock. Returns 0, without it, for an event of another connection. */
static int lock_for(popcl_callbacks *n, uint32_t number) {
    lock(n);
    if (n->live && n->number == number) return 1;
    unlock(n);
    return 0;
}

static void unlock_and_wake(popcl_callbacks *n) {
    unlock(n);
    n->stack->wake(n->stack_ctx);
}

void popcl_callbacks_found(popcl_callbacks *n, uint32_t number) {
    if (!lock_for(n, number)) return;
    n->found = 1;
    unlock_and_wake(n);
}

static void note_answer(popcl_callbacks *n, uint32_t number, popcl_err result, int code) {
    if (!lock_for(n, number)) return;
    if (!n->answered) n->refusal = (uint8_t)result, n->code = code;
    n->answered = 1;
    unlock_and_wake(n);
}

void popcl_callbacks_connected(popcl_callbacks *n, uint32_t number) {
    note_answer(n, number, POPCL_OK, 0);
}

void popcl_callbacks_refused(popcl_callbacks *n, uint32_t number, popcl_err result, int code) {
    note_answer(n, number, result, code);
}

size_t popcl_callbacks_received(popcl_callbacks *n, uint32_t number, const void *p, size_t size) {
    const unsigned char *from = p;
    if (!lock_for(n, number)) return 0;
    size_t room = n->ring_len - n->held, to = (n->first + n->held) % n->ring_len;
    size_t all = size < room ? size : room;
    size_t straight = all < n->ring_len - to ? all : n->ring_len - to;
    memcpy(n->ring + to, from, straight);
    memcpy(n->ring, from + straight, all - straight);
    n->held += all;
    unlock_and_wake(n);
    return all;
}

void popcl_callbacks_ended(popcl_callbacks *n, uint32_t number) {
    if (!lock_for(n, number)) return;
    n->ended = 1;
    unlock_and_wake(n);
}

void popcl_callbacks_broken(popcl_callbacks *n, uint32_t number, int code) {
    if (!lock_for(n, number)) return;
    n->broken = 1;
    n->cause = code;
    unlock_and_wake(n);
}

/* ---- time and sleep ---- */

/* popcl_run calls it before open has looked at the hooks. */
static uint32_t callbacks_now_ms(void *ctx) {
    const popcl_callbacks *n = ctx;
    return n->stack && n->stack->now_ms ? n->stack->now_ms(n->stack_ctx) : 0;
}

static int wants_stop(const popcl_callbacks *n) { return n->stop && *n->stop; }

/* Sleeps for a part of the limit. Returns 0 if the limit is over. */
static int sleep_within(popcl_callbacks *n, uint32_t began_ms, uint32_t limit_ms) {
    uint32_t passed = callbacks_now_ms(n) - began_ms;
    if (passed >= limit_ms) return 0;
    uint32_t left = limit_ms - passed;
    n->stack->sleep(n->stack_ctx, left < LOOK_MS ? left : LOOK_MS);
    return 1;
}

/* ---- connecting ---- */

static int has_all(const popcl_callbacks *n) {
    const popcl_callbacks_stack *s = n->stack;
    return s && s->connect && s->send && s->has_room && s->taken && s->close && s->lock &&
           s->unlock && s->wake && s->sleep && s->now_ms && n->ring && n->ring_len > 0;
}

static void callbacks_close(void *ctx) {
    popcl_callbacks *n = ctx;
    if (!n->live) return;
    lock(n);
    n->live = 0;
    unlock(n);
    n->stack->close(n->stack_ctx);
}

/* From here on callbacks count for the new connection alone. Returns its number. */
static uint32_t begin_connection(popcl_callbacks *n) {
    lock(n);
    n->first = n->held = 0;
    n->found = n->answered = n->ended = n->broken = n->deaf = 0;
    n->code = n->cause = 0;
    n->live = 1;
    uint32_t number = ++n->number;
    unlock(n);
    return number;
}

/* Waits until the stack connected or refused. */
static popcl_err await_answer(popcl_callbacks *n, uint32_t began_ms, uint32_t limit_ms) {
    for (;;) {
        lock(n);
        int answered = n->answered, found = n->found;
        popcl_err result = (popcl_err)n->refusal;
        unlock(n);
        if (answered) return result;
        if (wants_stop(n)) return POPCL_ERR_STOPPED;
        if (!sleep_within(n, began_ms, limit_ms))
            return found ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_RESOLVE_TIMEOUT;
    }
}

static popcl_err callbacks_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    popcl_callbacks *n = ctx;
    if (!has_all(n)) return POPCL_ERR_PORT;
    if (wants_stop(n)) return POPCL_ERR_STOPPED;
    uint32_t began_ms = callbacks_now_ms(n), number = begin_connection(n);
    int code = n->stack->connect(n->stack_ctx, number, host, port, limit_ms);
    if (code) popcl_callbacks_refused(n, number, POPCL_ERR_NET, code);
    popcl_err result = await_answer(n, began_ms, limit_ms);
    if (result != POPCL_OK) callbacks_close(n);
    return result;
}

/* ---- moving octets ---- */

static int32_t callbacks_recv(void *ctx, void *p, size_t size) {
    popcl_callbacks *n = ctx;
    lock(n);
    size_t held = n->held, from = n->first;
    int is_broken = n->broken || !n->live, is_ended = n->ended;
    if (held == 0 && n->broken) n->code = n->cause;
    unlock(n);
    if (held == 0 && is_broken) return POPCL_NET_FAILED;
    if (held == 0) return is_ended ? POPCL_NET_EOF : POPCL_NET_AGAIN;
    /* No callback writes to the held part: it is copied without the lock. */
    size_t all = size < held ? size : held;
    size_t straight = all < n->ring_len - from ? all : n->ring_len - from;
    memcpy(p, n->ring + from, straight);
    memcpy((unsigned char *)p + straight, n->ring, all - straight);
    lock(n);
    n->first = (from + all) % n->ring_len;
    n->held -= all;
    unlock(n);
    n->stack->taken(n->stack_ctx, all);
    return (int32_t)all;
}

/* Whether send has nothing to ask the stack. */
static int is_deaf(popcl_callbacks *n) {
    lock(n);
    if (n->broken) n->code = n->cause;
    int deaf = n->broken || n->deaf || !n->live;
    unlock(n);
    return deaf;
}

static int32_t callbacks_send(void *ctx, const void *p, size_t size) {
    popcl_callbacks *n = ctx;
    if (is_deaf(n)) return POPCL_NET_FAILED;
    int32_t moved = n->stack->send(n->stack_ctx, p, size, &n->code);
    if (moved == POPCL_NET_FAILED) n->deaf = 1;
    return moved;
}

/* Returns the parts of want that would move now. */
static unsigned movable(popcl_callbacks *n, unsigned want) {
    lock(n);
    int all = n->broken || !n->live;
    unsigned can = n->held > 0 || n->ended || all ? POPCL_RECV : 0u;
    unlock(n);
    if ((want & POPCL_SEND) && (all || n->deaf || n->stack->has_room(n->stack_ctx)))
        can |= POPCL_SEND;
    return can & want;
}

static int32_t callbacks_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    popcl_callbacks *n = ctx;
    uint32_t began_ms = callbacks_now_ms(n);
    do {
        if ((want & (unsigned)POPCL_NET_STOP) && wants_stop(n)) return POPCL_NET_STOP;
        unsigned can = movable(n, want);
        if (can) return (int32_t)can;
    } while (sleep_within(n, began_ms, limit_ms));
    return 0;
}

static int callbacks_code(void *ctx) {
    const popcl_callbacks *n = ctx;
    return n->code;
}

const popcl_net popcl_callbacks_net = {
    .open = callbacks_open,
    .recv = callbacks_recv,
    .send = callbacks_send,
    .wait = callbacks_wait,
    .close = callbacks_close,
    .now_ms = callbacks_now_ms,
    .code = callbacks_code,
};
