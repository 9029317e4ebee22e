/* SPDX-License-Identifier: MIT */
/* suite - the guarded port and the helpers of the client's side. Every call of the port goes
 * through here: its return value is held to the contract, what it may not write to is looked at,
 * and the watchdog is told what is being waited for. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CANARY      64
#define CANARY_BYTE 0xC5
#define LARGE       0x40000000u /* the most that one call moves (popcl_net.h) */
#define SMALL_ROOM  70000u

watched *watch;
popcl_net real;
popcl_net live; /* the port, or what a fault makes of it */

const promise_text promises[PROMISES] = {
    [OPEN_CONNECTS] = {"Connects to host (a name or an address) and port, in at most limit_ms, "
                       "name resolution included.",
                       "open"},
    [OPEN_TRIES] =
        {"Tries every address of the name, side by side or each for a share of the time.",
         "open, where it goes on to the next address"},
    [OPEN_RETURNS] = {"Returns POPCL_OK, ERR_RESOLVE, ERR_RESOLVE_TIMEOUT, ERR_CONNECT, "
                      "ERR_TIMEOUT_CONNECT, ERR_NET, or ERR_STOPPED (the program that "
                      "called popcl_run wants an end). A "
                      "port that does TLS itself may also return any result of class TLS or CERT.",
                      "open, where it turns an error of its system into one of popcl"},
    [OPEN_LEAVES] = {"After an error nothing is left open.", "open, on each of its ways out"},
    [OPEN_AGAIN] = {"The ctx may be opened again after an error, and after close.",
                    "open: what it sets at its begin; close: what it sets back"},
    [NONE_BLOCKS] = {"Only open and wait may block, and not beyond limit_ms.",
                     "the function named above"},
    [MOVES] = {"Moves up to n octets (1 to 2^30). Returns the number of octets moved, 1 to n, or "
               "one of the values above",
               "recv and send: how n and the result are converted"},
    [RECV_ALL] = {"recv gives all octets that came before the end of the connection, also before a "
                  "reset, and only then EOF or FAILED.",
                  "recv, and whatever notes that the connection ended"},
    [IN_ORDER] = {"No octet is lost, repeated, changed or out of order.",
                  "recv, send, and the buffer between them and the transport"},
    [SEND_IS_DONE] = {"send keeps no pointer to p.", "send: does the layer below copy the octets?"},
    [END_STAYS] = {"Once a call reported the end, each later call reports it again.",
                   "recv after EOF"},
    [IS_AGAIN] = {"recv, send: nothing now, wait first",
                  "the function named above, where it finds nothing to move"},
    [IS_FAILED] = {"recv, send, wait: the connection is broken; see code",
                   "the function named above, on a connection that is broken"},
    [WAITS] = {"Waits at most limit_ms until one of `want` (POPCL_SEND, POPCL_RECV; neither: just "
               "wait) is possible.",
               "wait: its limit, and what ends it"},
    [WAIT_RETURNS] = {"Returns the bits that are possible, 0 if none is yet or a signal came, or "
                      "POPCL_NET_FAILED.",
                      "wait: its result"},
    [WAIT_STOPS] =
        {"If want has POPCL_NET_STOP too, and the program that called popcl_run wants an end, "
         "returns "
         "POPCL_NET_STOP at once. After that popcl_run does not ask for POPCL_NET_STOP any "
         "more.",
         "wait: where it looks at the wish for an end"},
    [CLOSES] = {"Closes the connection: nothing is left open. popcl_run calls it once after an "
                "open that returned POPCL_OK.",
                "close"},
    [CLOSES_ONCE] = {"If it is called again without an open, it does nothing.",
                     "close: does it forget what it closed?"},
    [CLOCK] =
        {"Returns milliseconds of a clock that never jumps. It may wrap, after 2^32 - 1 only.",
         "now_ms, and each place where two times are compared: subtract them, as unsigned"},
    [CODE] =
        {"Returns the system's number for the last failure (errno); 0 = no failure. May be NULL.",
         "code, and where the number is kept"},
    [CTX] = {"All functions get the ctx given to popcl_run.",
             "variables that are not in the context"},
    [VOUCHES] = {"Returns 1 if TLS protects the connection, and open checked the server",
                 "secured"},
    [RUN_ENDS] = {"The job ends with that result, unchanged, or with POPCL_ERR_PORT if open "
                  "returned anything else.",
                  "if open_again and open_refused pass: tell us, this may be popcl's own fault"},
    [RUNS] =
        {"Connects a started session and runs it until POPCL_DONE. Returns the session's result",
         "if no other case failed: tell us, this may be popcl's own fault"},
};

void broken(promise p, const char *likely, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("#   found:   ");
    vprintf(format, args);
    printf("\n#   promise: %s\n#   likely:  %s\n#   look at: %s\n", promises[p].sentence, likely,
           promises[p].look_at);
    va_end(args);
    fflush(stdout);
    _exit(1);
}

/* ---- the guarded port ---- */

static void before(const char *function, uint32_t limit_ms) {
    watch->limit_ms = limit_ms;
    watch->in = function;
}

static void after(const conn *c) {
    watch->in = NULL;
    watch->calls++;
    for (size_t i = 0; i < CANARY; i++)
        must(c->room[i] == CANARY_BYTE && c->room[CANARY + port_tested.ctx_size + i] == CANARY_BYTE,
             CTX, "ctx_size is not the size of the context's type",
             "the port wrote beside its context of %zu octets", port_tested.ctx_size);
}

static int is_open_result(popcl_err e) {
    static const popcl_err listed[] = {
        POPCL_OK,          POPCL_ERR_RESOLVE,         POPCL_ERR_RESOLVE_TIMEOUT,
        POPCL_ERR_CONNECT, POPCL_ERR_TIMEOUT_CONNECT, POPCL_ERR_NET,
        POPCL_ERR_STOPPED};
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++)
        if (e == listed[i]) return 1;
    return popcl_err_class(e) == POPCL_CLASS_TLS || popcl_err_class(e) == POPCL_CLASS_CERT;
}

static popcl_err guarded_open(void *ctx, const char *name, uint16_t port, uint32_t limit_ms) {
    conn *c = ctx;
    uint32_t began = live.now_ms(c->ctx);
    before("open", limit_ms);
    popcl_err e = live.open(c->ctx, name, port, limit_ms);
    after(c);
    uint32_t took = live.now_ms(c->ctx) - began;
    must(is_open_result(e), OPEN_RETURNS, "an error number of the system is returned as it is",
         "open returned %d", (int)e);
    must(took <= LATE(limit_ms), OPEN_CONNECTS,
         "a step of open has a time limit of its own, or none",
         "open with a limit of %u ms took %u ms", limit_ms, took);
    return e;
}

static int32_t moved(const char *function, int32_t r, size_t n, int32_t least) {
    must(r >= POPCL_NET_FAILED && (r < 0 || r >= least) && (r < 0 || (size_t)r <= n), MOVES,
         r == 0 ? "0 stands for the end of the connection, and only recv says that"
                : "a negative error number, or a count of something else, is returned as it is",
         "%s of %zu octets returned %ld", function, n, (long)r);
    return r;
}

static int32_t guarded_recv(void *ctx, void *p, size_t n) {
    conn *c = ctx;
    while (watch->held)
        idle(1);
    before("recv", 0);
    int32_t r = live.recv(c->ctx, p, n);
    after(c);
    return moved("recv", r, n, POPCL_NET_EOF);
}

static int32_t guarded_send(void *ctx, const void *p, size_t n) {
    conn *c = ctx;
    before("send", 0);
    int32_t r = live.send(c->ctx, p, n);
    after(c);
    return moved("send", r, n, 1);
}

static int32_t guarded_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    conn *c = ctx;
    before("wait", limit_ms);
    uint32_t began = live.now_ms(c->ctx);
    int32_t r = live.wait(c->ctx, want, limit_ms);
    uint32_t took = live.now_ms(c->ctx) - began;
    after(c);
    must(r != POPCL_NET_STOP || (want & (unsigned)POPCL_NET_STOP), WAIT_STOPS,
         "the wish for an end is looked at without a look at want",
         "wait(%#x) returned STOP, for which it was not asked", want);
    must(r == POPCL_NET_STOP || r == POPCL_NET_FAILED ||
             (r >= 0 && ((unsigned)r & ~(want & (POPCL_SEND | POPCL_RECV))) == 0),
         WAIT_RETURNS,
         "what is possible is returned without a look at want, or a number of the system as it is",
         "wait(%#x) returned %ld", want, (long)r);
    must(limit_ms > LONG_MS || took <= LATE(limit_ms), WAITS,
         "the limit is in another unit, or one of several waits in a row has the whole of it",
         "wait(%#x) with a limit of %u ms took %u ms", want, limit_ms, took);
    return r;
}

static void guarded_close(void *ctx) {
    conn *c = ctx;
    before("close", 0);
    live.close(c->ctx);
    after(c);
}

static uint32_t guarded_now(void *ctx) {
    conn *c = ctx;
    before("now_ms", 0);
    uint32_t t = live.now_ms(c->ctx);
    after(c);
    return t;
}

static int guarded_code(void *ctx) {
    conn *c = ctx;
    before("code", 0);
    int code = live.code ? live.code(c->ctx) : 0;
    after(c);
    return code;
}

int vouches(conn *c) {
    before("secured", 0);
    int answer = live.secured ? live.secured(c->ctx) : 0;
    after(c);
    return answer;
}

static int guarded_secured(void *ctx) { return vouches(ctx); }

static const popcl_end_point *guarded_end_point(void *ctx) {
    conn *c = ctx;
    before("end_point", 0);
    const popcl_end_point *p = live.end_point ? live.end_point(c->ctx) : NULL;
    after(c);
    must(!p || p->len <= POPCL_END_POINT_MAX, VOUCHES, "the hash is longer than there is room for",
         "end_point has a length of %u", p ? (unsigned)p->len : 0u);
    return p;
}

const popcl_net guarded = {
    .open = guarded_open,
    .recv = guarded_recv,
    .send = guarded_send,
    .wait = guarded_wait,
    .close = guarded_close,
    .now_ms = guarded_now,
    .code = guarded_code,
    .secured = guarded_secured,
    .end_point = guarded_end_point,
};

/* ---- the clock, shifted ---- */

static uint32_t shift;

static uint32_t shifted_now(void *ctx) { return port_tested.net->now_ms(ctx) + shift; }

void shift_clock(uint32_t to_ms) {
    conn *c = new_conn();
    shift = to_ms - port_tested.net->now_ms(c->ctx);
}

#define REPLACE(function)                                                                          \
    if (f && f->instead.function) live.function = f->instead.function
void break_port(const fault *f) {
    real = *port_tested.net;
    real.now_ms = shifted_now;
    live = real;
    REPLACE(open);
    REPLACE(recv);
    REPLACE(send);
    REPLACE(wait);
    REPLACE(close);
    REPLACE(now_ms);
    REPLACE(code);
    REPLACE(secured);
}

/* ---- helpers ---- */

const char *host(void) { return port_tested.host ? port_tested.host : "127.0.0.1"; }

conn *new_conn(void) {
    conn *c = malloc(sizeof *c);
    /* malloc's alignment, which the canary keeps, fits any type */
    unsigned char *room = malloc(port_tested.ctx_size + (size_t)2 * CANARY);
    if (!c || !room) abort();
    memset(room, CANARY_BYTE, port_tested.ctx_size + (size_t)2 * CANARY);
    memset(room + CANARY, 0, port_tested.ctx_size);
    c->room = room;
    c->ctx = room + CANARY;
    if (port_tested.prepare) port_tested.prepare(c->ctx);
    return c;
}

void connect_to_peer(const test *t, conn *c) {
    popcl_err e = guarded.open(c, host(), t->port, LONG_MS);
    must(e == POPCL_OK, OPEN_CONNECTS,
         "the port does not reach 127.0.0.1 of this machine: see begin in port_under_test.h",
         "open(\"%s\", %u) returned %s, code %d", host(), t->port, popcl_err_name(e),
         guarded.code(c));
}

void idle(uint32_t ms) {
    struct timespec span = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
    if (port_tested.idle) {
        port_tested.idle(ms);
    } else {
        while (nanosleep(&span, &span) != 0 && errno == EINTR) {}
    }
    watch->calls++;
}

int left_open(void) {
    int n = 0;
    if (port_tested.left) return port_tested.left();
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

int settled(int most) {
    int left = left_open(), same = 0;
    for (int i = 0; i < 100 && same < 5 && left > most; i++) {
        idle(20);
        int next = left_open();
        same = next == left && most < 0 ? same + 1 : 0;
        left = next;
    }
    return left;
}

uint32_t now(const test *t) { return guarded.now_ms(t->c); }

void go(const test *t, uint32_t number) {
    if (send(t->control, &number, sizeof number, MSG_NOSIGNAL) != (ssize_t)sizeof number)
        peer_is_done(t);
}

void peer_is_done(const test *t) {
    char said[256] = {0};
    ssize_t n;
    watch->doing = "the peer has not got what it waits for: octets that were sent, or the end of "
                   "the connection";
    while ((n = recv(t->control, said, sizeof said - 1, MSG_DONTWAIT)) < 0 &&
           (errno == EAGAIN || errno == EINTR))
        idle(1);
    watch->doing = NULL;
    if (n > 0 && said[0] == 'X')
        broken((promise)(said[1] - 'A'),
               "octets are lost, doubled or changed on their way through the port", "the peer: %s",
               said + 2);
}

unsigned char octet_at(uint32_t i) {
    uint32_t x = i * 2654435761u;
    return (unsigned char)(x >> 24 ^ x >> 13);
}

void pattern(unsigned char *p, uint32_t from, size_t n) {
    for (size_t i = 0; i < n; i++)
        p[i] = octet_at(from + (uint32_t)i);
}

unsigned char *large_room(void) {
    static unsigned char *room;
    if (room) return room;
    void *p = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED) p = NULL;
    if (!p) perror("mmap of 2^30 octets"), exit(2);
    return room = p;
}

void wait_for(conn *c, unsigned want) {
    static const uint32_t false_alarms = 2000;
    for (uint32_t i = 0; i < false_alarms; i++) {
        int32_t can = guarded.wait(c, want, 2000);
        must(can != POPCL_NET_FAILED, WAIT_RETURNS,
             "an end of the peer's is taken for a broken connection",
             "wait(%#x) returned FAILED, code %d", want, guarded.code(c));
        if (can > 0) return;
    }
    broken(WAITS, "wait does not learn of what came, or returns at once",
           "%u times wait(%#x, 2000) returned 0", false_alarms, want);
}

uint32_t receive(conn *c, uint32_t at, size_t n, int32_t *end) {
    static unsigned char small[SMALL_ROOM + 8];
    unsigned char *p = n <= SMALL_ROOM ? small : large_room();
    if (n <= SMALL_ROOM) memset(p + n, CANARY_BYTE, 8);
    int32_t r = guarded.recv(c, p, n);
    for (size_t i = n; n <= SMALL_ROOM && i < n + 8; i++)
        must(p[i] == CANARY_BYTE, MOVES, "n is not handed on to the layer below",
             "recv of %zu octets wrote beyond them", n);
    if (r == POPCL_NET_AGAIN) {
        wait_for(c, POPCL_RECV);
        return at;
    }
    if (r <= 0) {
        *end = r;
        return at;
    }
    for (int32_t i = 0; i < r; i++)
        must(p[i] == octet_at(at + (uint32_t)i), IN_ORDER,
             "what did not fit into the caller's buffer is dropped or given again, or a buffer is "
             "used again too early",
             "octet %u of the stream is another one, in a recv of %zu octets that returned %ld",
             at + (uint32_t)i, n, (long)r);
    return at + (uint32_t)r;
}

void send_all(conn *c, uint32_t from, uint32_t to, size_t n) {
    static unsigned char p[SMALL_ROOM];
    while (from < to) {
        size_t m = to - from < n ? to - from : n;
        pattern(p, from, m);
        int32_t r = guarded.send(c, p, m);
        memset(p, 0, m);
        must(r != POPCL_NET_FAILED, IS_FAILED,
             "a send that took nothing now is told as a broken connection",
             "send returned FAILED, code %d, on a connection that is up", guarded.code(c));
        if (r == POPCL_NET_AGAIN) wait_for(c, POPCL_SEND);
        if (r > 0) from += (uint32_t)r;
    }
}
