/* SPDX-License-Identifier: MIT */
/* faults - the port broken on purpose, in each way that a port is likely to be wrong: the suite's
 * own test. A fault replaces functions of the port and stands on `real`. It may keep its state
 * here: a case, and with it a fault, lives in a process of its own. */
#define _DEFAULT_SOURCE
#include "suite.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned count;              /* calls of what is broken */
static unsigned char kept[1 << 21]; /* octets that a fault holds back */
static size_t kept_n, kept_at;
static int32_t kept_end = 1;
static int last_send = 1;
static void *first_ctx;

/* ---- open ---- */

static popcl_err open_always_ok(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return real.open(ctx, name, port, ms), POPCL_OK;
}
static popcl_err open_system_error(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return real.open(ctx, name, port, ms) ? (popcl_err)111 : POPCL_OK;
}
static popcl_err open_one_error(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return real.open(ctx, name, port, ms) ? POPCL_ERR_CONNECT : POPCL_OK;
}
static popcl_err open_own_limit(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return (void)ms, real.open(ctx, name, port, 75000);
}
static popcl_err open_not_stopped(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    if (port_tested.stop) port_tested.stop(ctx, 0);
    popcl_err e = real.open(ctx, name, port, ms < 300 ? ms : 300);
    return e == POPCL_ERR_STOPPED ? POPCL_ERR_TIMEOUT_CONNECT : e;
}
static int is(const char *name, const char *which) { return which && strcmp(name, which) == 0; }
static popcl_err open_first_address(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    if (is(name, port_tested.dead_first)) return POPCL_ERR_CONNECT;
    if (is(name, port_tested.silent_first)) return POPCL_ERR_TIMEOUT_CONNECT;
    return real.open(ctx, name, port, ms);
}
static popcl_err open_no_names(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return is(name, port_tested.name) ? POPCL_ERR_RESOLVE : real.open(ctx, name, port, ms);
}
static popcl_err open_leaks(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    popcl_err e = real.open(ctx, name, port, ms);
    if (e) (void)!dup(0);
    return e;
}
static popcl_err open_and_close_leak(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return (void)!dup(0), real.open(ctx, name, port, ms);
}
static popcl_err open_only_once(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return ++count > 1 ? POPCL_ERR_NET : real.open(ctx, name, port, ms);
}
static popcl_err open_elsewhere(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return real.open(ctx, name, (uint16_t)(port + 1), ms);
}
static popcl_err open_first_for_all(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    if (!first_ctx) first_ctx = ctx;
    return real.open(ctx, name, port, ms);
}
static popcl_err open_writes_beside(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    ((unsigned char *)ctx)[port_tested.ctx_size] ^= 1;
    return real.open(ctx, name, port, ms);
}

/* ---- recv ---- */

static int32_t recv_blocks(void *ctx, void *p, size_t n) {
    int32_t r;
    while ((r = real.recv(ctx, p, n)) == POPCL_NET_AGAIN)
        (void)real.wait(ctx, POPCL_RECV, 1000);
    return r;
}
static int32_t recv_again_is_0(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, p, n);
    return r == POPCL_NET_AGAIN ? 0 : r;
}
static int32_t recv_again_is_failure(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, p, n);
    return r == POPCL_NET_AGAIN ? POPCL_NET_FAILED : r;
}
static int32_t recv_errno(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, p, n);
    return r == POPCL_NET_AGAIN ? -11 : r;
}
/* Reads ahead, as callbacks do; the end is noted in kept_end. */
static void read_ahead(void *ctx) {
    while (kept_end == 1 && kept_n < sizeof kept) {
        int32_t r = real.recv(ctx, kept + kept_n, sizeof kept - kept_n);
        if (r == POPCL_NET_AGAIN) return;
        if (r > 0)
            kept_n += (size_t)r;
        else
            kept_end = r;
    }
}
static int32_t give_kept(void *p, size_t n) {
    size_t m = kept_n - kept_at < n ? kept_n - kept_at : n;
    if (m == 0) return kept_end == 1 ? POPCL_NET_AGAIN : kept_end;
    memcpy(p, kept + kept_at, m);
    kept_at += m;
    return (int32_t)m;
}
static int32_t recv_end_first(void *ctx, void *p, size_t n) {
    read_ahead(ctx);
    return kept_end == 1 ? give_kept(p, n) : kept_end;
}
static int32_t recv_drops_last(void *ctx, void *p, size_t n) {
    read_ahead(ctx);
    if (kept_end != 1 && kept_n - kept_at <= 700) kept_at = kept_n;
    return give_kept(p, n);
}
static int32_t recv_eof_once(void *ctx, void *p, size_t n) {
    if (kept_end != 1) return POPCL_NET_AGAIN;
    int32_t r = real.recv(ctx, p, n);
    if (r == POPCL_NET_EOF || r == POPCL_NET_FAILED) kept_end = 0;
    return r;
}
static int32_t recv_eof_is_failure(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, p, n);
    return r == POPCL_NET_EOF ? POPCL_NET_FAILED : r;
}
static int32_t recv_no_end(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, p, n);
    return r > 0 ? r : POPCL_NET_AGAIN;
}
static int32_t recv_repeats(void *ctx, void *p, size_t n) {
    if (++count % 100 == 0) return *(unsigned char *)p = kept[0], 1;
    int32_t r = real.recv(ctx, p, n);
    if (r > 0) kept[0] = ((unsigned char *)p)[r - 1];
    return r;
}
static int32_t recv_drops_rest(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, kept, 16384);
    if (r <= 0) return r;
    int32_t m = (size_t)r < n ? r : (int32_t)n;
    memcpy(p, kept, (size_t)m);
    return m;
}
static int32_t recv_writes_beyond(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, p, n);
    if (r == (int32_t)n) ((unsigned char *)p)[n] = 0;
    return r;
}
static int32_t recv_counts_one_more(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, p, n);
    return r == (int32_t)n ? r + 1 : r;
}
static int32_t recv_16_bits(void *ctx, void *p, size_t n) {
    return (uint16_t)n ? real.recv(ctx, p, (uint16_t)n) : 0;
}
static int32_t recv_window_stays_shut(void *ctx, void *p, size_t n) {
    if (kept_n > 300000) return POPCL_NET_AGAIN;
    int32_t r = real.recv(ctx, p, n);
    if (r > 0) kept_n += (size_t)r;
    return r;
}
static int32_t recv_runs_out(void *ctx, void *p, size_t n) {
    return ++count > 200000 ? POPCL_NET_FAILED : real.recv(ctx, p, n);
}
static int32_t recv_not_while_full(void *ctx, void *p, size_t n) {
    return last_send == POPCL_NET_AGAIN ? POPCL_NET_AGAIN : real.recv(ctx, p, n);
}
static int32_t recv_not_behind_failure(void *ctx, void *p, size_t n) {
    return last_send == POPCL_NET_FAILED ? POPCL_NET_FAILED : real.recv(ctx, p, n);
}
static int32_t recv_of_first(void *ctx, void *p, size_t n) {
    return (void)ctx, real.recv(first_ctx, p, n);
}

/* ---- send ---- */

static int32_t send_noted(void *ctx, const void *p, size_t n) {
    return last_send = real.send(ctx, p, n);
}
static int32_t send_blocks(void *ctx, const void *p, size_t n) {
    int32_t r;
    while ((r = real.send(ctx, p, n)) == POPCL_NET_AGAIN)
        (void)real.wait(ctx, POPCL_SEND, 1000);
    return r;
}
static int32_t send_takes_all(void *ctx, const void *p, size_t n) {
    int32_t r = real.send(ctx, p, n);
    return r == POPCL_NET_FAILED ? r : (int32_t)n;
}
static int32_t send_repeats(void *ctx, const void *p, size_t n) {
    int32_t r = real.send(ctx, p, n);
    return r > 1 && ++count % 50 == 0 ? r - 1 : r;
}
/* The layer below gets a pointer, and looks at the octets later. */
static const void *kept_p;
static int32_t send_keeps_pointer(void *ctx, const void *p, size_t n) {
    if (kept_p) {
        int32_t r = real.send(ctx, kept_p, kept_n);
        if (r == POPCL_NET_AGAIN) return r;
    }
    kept_p = p;
    kept_n = n < 1000 ? n : 1000;
    return (int32_t)kept_n;
}
static int32_t send_16_bits(void *ctx, const void *p, size_t n) {
    return (uint16_t)n ? real.send(ctx, p, (uint16_t)n) : POPCL_NET_AGAIN;
}
static int32_t send_int(void *ctx, const void *p, size_t n) {
    return n > 100000 ? POPCL_NET_FAILED : real.send(ctx, p, n);
}
static int32_t send_full_is_failure(void *ctx, const void *p, size_t n) {
    int32_t r = real.send(ctx, p, n);
    return r == POPCL_NET_AGAIN ? POPCL_NET_FAILED : r;
}
static int32_t send_full_is_0(void *ctx, const void *p, size_t n) {
    int32_t r = real.send(ctx, p, n);
    return r == POPCL_NET_AGAIN ? 0 : r;
}
static int32_t send_raises(void *ctx, const void *p, size_t n) {
    int32_t r = real.send(ctx, p, n);
    if (r == POPCL_NET_FAILED) (void)raise(SIGPIPE);
    return r;
}
static int32_t send_never_fails(void *ctx, const void *p, size_t n) {
    int32_t r = real.send(ctx, p, n);
    return r == POPCL_NET_FAILED ? POPCL_NET_AGAIN : r;
}
static int32_t send_fails_once(void *ctx, const void *p, size_t n) {
    if (last_send == POPCL_NET_FAILED) return POPCL_NET_AGAIN;
    return last_send = real.send(ctx, p, n);
}

/* ---- wait ---- */

static int32_t wait_no_wait(void *ctx, unsigned want, uint32_t ms) {
    return (void)ms, real.wait(ctx, want, 0);
}
static int32_t wait_all(void *ctx, unsigned want, uint32_t ms) {
    return (void)ctx, (void)ms, (int32_t)(want & (POPCL_SEND | POPCL_RECV));
}
static int32_t wait_not_wanted(void *ctx, unsigned want, uint32_t ms) {
    return real.wait(ctx, want | POPCL_SEND, ms);
}
static int32_t wait_for_ever(void *ctx, unsigned want, uint32_t ms) {
    int32_t r;
    (void)ms;
    while ((r = real.wait(ctx, want, 1000)) == 0) {}
    return r;
}
static int32_t wait_in_us(void *ctx, unsigned want, uint32_t ms) {
    return real.wait(ctx, want, ms * 1000u / 1000u);
}
static int32_t wait_16_bits(void *ctx, unsigned want, uint32_t ms) {
    return real.wait(ctx, want, (uint16_t)ms);
}
static int32_t wait_default_for_0(void *ctx, unsigned want, uint32_t ms) {
    return real.wait(ctx, want, ms ? ms : 100);
}
static int32_t wait_not_for_neither(void *ctx, unsigned want, uint32_t ms) {
    return want ? real.wait(ctx, want, ms) : 0;
}
static int32_t wait_not_behind_an_end(void *ctx, unsigned want, uint32_t ms) {
    int32_t r = real.wait(ctx, want ? want : POPCL_RECV, ms);
    return want ? r : 0;
}
static int32_t wait_spins(void *ctx, unsigned want, uint32_t ms) {
    uint32_t began = real.now_ms(ctx);
    int32_t r;
    while ((r = real.wait(ctx, want, 0)) == 0 && real.now_ms(ctx) - began < ms) {}
    return r;
}
static int32_t wait_not_for_ends(void *ctx, unsigned want, uint32_t ms) {
    int32_t r = real.wait(ctx, want, ms);
    if (r <= 0 || !(r & (int32_t)POPCL_RECV)) return r;
    int32_t got = kept_at == kept_n ? real.recv(ctx, kept, 1) : 1;
    if (got == 1) kept_n = 1, kept_at = 0;
    return got == 1 ? r : real.wait(ctx, 0, ms < 100 ? ms : 100);
}
static int32_t wait_eats(void *ctx, unsigned want, uint32_t ms) {
    int32_t r = real.wait(ctx, want, ms);
    if (r > 0 && r & (int32_t)POPCL_RECV) (void)real.recv(ctx, kept, 1);
    return r;
}
static int32_t wait_no_room(void *ctx, unsigned want, uint32_t ms) {
    if (last_send == POPCL_NET_AGAIN) want &= ~POPCL_SEND;
    return real.wait(ctx, want, ms);
}
static int32_t wait_always_room(void *ctx, unsigned want, uint32_t ms) {
    return want & POPCL_SEND ? (int32_t)POPCL_SEND : real.wait(ctx, want, ms);
}
static int32_t wait_no_stop(void *ctx, unsigned want, uint32_t ms) {
    return real.wait(ctx, want & ~(unsigned)POPCL_NET_STOP, ms < 300 ? ms : 300);
}
static int32_t wait_stop_unasked(void *ctx, unsigned want, uint32_t ms) {
    return real.wait(ctx, want | (unsigned)POPCL_NET_STOP, ms);
}
static int32_t wait_end_of_sums(void *ctx, unsigned want, uint32_t ms) {
    uint32_t now_ms = real.now_ms(ctx), end = now_ms + ms;
    return end < now_ms ? real.wait(ctx, want, 0) : real.wait(ctx, want, ms);
}
static int32_t wait_errno(void *ctx, unsigned want, uint32_t ms) {
    int32_t r = real.wait(ctx, want, ms);
    return r ? r : -4;
}

/* ---- close, the clock, code ---- */

static void close_nothing(void *ctx) { (void)ctx; }
static void close_leaks_unread(void *ctx) {
    if (real.recv(ctx, kept, 1) == 1) (void)!dup(0);
    real.close(ctx);
}
static void close_leaks_after_end(void *ctx) {
    if (real.recv(ctx, kept, 1) == POPCL_NET_EOF) (void)!dup(0);
    real.close(ctx);
}
static void close_leaks_after_failure(void *ctx) {
    int32_t r;
    while ((r = real.recv(ctx, kept, sizeof kept)) > 0) {}
    if (r == POPCL_NET_FAILED) (void)!dup(0);
    real.close(ctx);
}
/* What was closed is remembered by its number, which is somebody else's by now. */
static void *last_opened, *closed_ctx;
static popcl_err open_noted(void *ctx, const char *name, uint16_t port, uint32_t ms) {
    return last_opened = ctx, real.open(ctx, name, port, ms);
}
static void close_by_number(void *ctx) {
    real.close(ctx == closed_ctx ? last_opened : ctx);
    closed_ctx = ctx;
}

static uint32_t now_seconds(void *ctx) { return real.now_ms(ctx) / 1000u; }
static uint32_t now_us(void *ctx) { return real.now_ms(ctx) * 1000u; }
static uint32_t now_stuck(void *ctx) { return (void)ctx, 4711; }
static uint32_t now_jumps(void *ctx) { return real.now_ms(ctx) - (++count % 50 == 0 ? 1000u : 0u); }
static uint32_t now_without_wrap(void *ctx) {
    static uint32_t most;
    uint32_t t = real.now_ms(ctx);
    return most = t > most ? t : most;
}

static int code_none(void *ctx) { return (void)ctx, 0; }
static int code_sticks(void *ctx) {
    static int last;
    int code = real.code ? real.code(ctx) : 0;
    return last = code ? code : last;
}
static int code_of_all(void *ctx) { return code_sticks(ctx); }
static int32_t recv_asks_code(void *ctx, void *p, size_t n) {
    int32_t r = real.recv(ctx, p, n);
    if (r == POPCL_NET_FAILED) (void)code_sticks(ctx);
    return r;
}

static int secured_always(void *ctx) { return (void)ctx, 1; }

static void close_keeps(void *ctx) {
    int32_t got = real.recv(ctx, kept, 64);
    kept_n = got > 0 ? (size_t)got : 0;
    real.close(ctx);
}
static int32_t recv_what_was_left(void *ctx, void *p, size_t n) {
    size_t left = kept_n;
    if (left == 0 || n < left) return real.recv(ctx, p, n);
    memcpy(p, kept, left);
    kept_n = 0;
    return (int32_t)left;
}

const fault faults[] = {
    {"open is always OK", "open_refused open_unreachable run_refused", {.open = open_always_ok}},
    {"open returns the system's number", "open_refused", {.open = open_system_error}},
    {"open has one error for all",
     "open_silent_peer open_unknown_name open_slow_resolver",
     {.open = open_one_error}},
    {"open has a limit of its own",
     "open_silent_peer open_slow_resolver",
     {.open = open_own_limit}},
    {"open does not look at the wish for an end", "open_stopped", {.open = open_not_stopped}},
    {"open tries the first address alone",
     "open_next_address open_share_of_time",
     {.open = open_first_address}},
    {"open knows no names", "open_by_name", {.open = open_no_names}},
    {"open that fails leaves something", "open_failed_leaves_nothing", {.open = open_leaks}},
    {"open makes two things, close ends one",
     "open_again run_many close_ends_the_connection",
     {.open = open_and_close_leak}},
    {"open works once", "open_again run_many run_open_returns", {.open = open_only_once}},
    {"the next connection gets what the last one left",
     "open_begins_anew",
     {.recv = recv_what_was_left, .close = close_keeps}},
    {"open goes elsewhere", "open_connects", {.open = open_elsewhere}},
    {"open writes beside the context", "open_connects", {.open = open_writes_beside}},
    {"recv blocks", "recv_again_when_nothing", {.recv = recv_blocks}},
    {"recv says EOF where nothing came",
     "recv_again_when_nothing run_in_pieces",
     {.recv = recv_again_is_0}},
    {"recv says FAILED where nothing came",
     "recv_again_when_nothing",
     {.recv = recv_again_is_failure}},
    {"recv returns an errno", "recv_again_when_nothing", {.recv = recv_errno}},
    {"recv tells the end first",
     "recv_eof_behind_data recv_reset_behind_data recv_behind_a_failed_send run_reset_behind_quit "
     "run_ended_anywhere",
     {.recv = recv_end_first}},
    {"recv loses what came last",
     "recv_eof_behind_data recv_reset_behind_data run_reset_anywhere run_ended_anywhere",
     {.recv = recv_drops_last}},
    {"recv tells an end once", "recv_eof_stays recv_reset_behind_data", {.recv = recv_eof_once}},
    {"recv takes an end for a failure", "recv_eof_behind_data", {.recv = recv_eof_is_failure}},
    {"recv tells no end", "run_ended_anywhere run_reset_anywhere", {.recv = recv_no_end}},
    {"recv gives an octet again",
     "recv_a_million_times recv_every_size run_1_MB",
     {.recv = recv_repeats}},
    {"recv drops what does not fit",
     "recv_every_size recv_full_window recv_a_million_times run_1_MB run_sink_pauses",
     {.recv = recv_drops_rest}},
    {"recv writes beyond its buffer", "recv_every_size run_1_MB", {.recv = recv_writes_beyond}},
    {"recv counts one octet more", "recv_every_size", {.recv = recv_counts_one_more}},
    {"recv cuts n to 16 bits", "recv_every_size", {.recv = recv_16_bits}},
    {"recv does not open the window again",
     "recv_full_window run_1_MB",
     {.recv = recv_window_stays_shut}},
    {"recv uses something up", "recv_a_million_times", {.recv = recv_runs_out}},
    {"recv waits until send has room",
     "recv_while_send_is_full",
     {.recv = recv_not_while_full, .send = send_noted}},
    {"recv gives nothing behind a failed send",
     "recv_behind_a_failed_send",
     {.recv = recv_not_behind_failure, .send = send_noted}},
    {"the state of one connection is all connections'",
     "two_at_once",
     {.open = open_first_for_all, .recv = recv_of_first}},
    {"send blocks", "send_peer_does_not_read", {.send = send_blocks}},
    {"send says that it took all",
     "send_peer_does_not_read send_largest",
     {.send = send_takes_all}},
    {"send counts an octet less", "send_every_size", {.send = send_repeats}},
    {"send keeps the pointer", "send_every_size", {.send = send_keeps_pointer}},
    {"send cuts n to 16 bits", "send_largest", {.send = send_16_bits}},
    {"send fails for large n", "send_largest", {.send = send_int}},
    {"send fails where there is no room",
     "send_peer_does_not_read recv_while_send_is_full",
     {.send = send_full_is_failure}},
    {"send says 0 where there is no room", "send_peer_does_not_read", {.send = send_full_is_0}},
    {"send raises a signal", "send_after_reset", {.send = send_raises}},
    {"send never fails", "send_after_reset", {.send = send_never_fails}},
    {"send fails once", "send_after_reset", {.send = send_fails_once}},
    {"wait does not wait",
     "wait_tells_what_is_possible wait_for_neither wait_costs_no_processor wait_room_wakes",
     {.wait = wait_no_wait}},
    {"wait says that all is possible",
     "wait_tells_what_is_possible wait_limit_0 wait_room_wakes",
     {.wait = wait_all}},
    {"wait tells what is not wanted", "wait_limit_0 wait_for_neither", {.wait = wait_not_wanted}},
    {"wait has no limit",
     "wait_tells_what_is_possible wait_for_neither run_server_stalls",
     {.wait = wait_for_ever}},
    {"wait counts in microseconds", "wait_wakes", {.wait = wait_in_us}},
    {"wait cuts its limit to 16 bits", "wait_wakes", {.wait = wait_16_bits}},
    {"wait takes 0 for a default", "wait_limit_0", {.wait = wait_default_for_0}},
    {"wait for neither returns at once", "wait_for_neither", {.wait = wait_not_for_neither}},
    {"wait for neither does not wait behind an end",
     "wait_eof_wakes wait_reset_wakes",
     {.wait = wait_not_behind_an_end}},
    {"wait spins", "wait_costs_no_processor", {.wait = wait_spins}},
    {"wait does not learn of ends", "wait_eof_wakes wait_reset_wakes", {.wait = wait_not_for_ends}},
    {"wait takes octets",
     "wait_tells_what_is_possible run_every_split run_in_pieces",
     {.wait = wait_eats}},
    {"wait does not learn of room", "wait_room_wakes", {.wait = wait_no_room, .send = send_noted}},
    {"wait sees room where none is",
     "wait_room_wakes send_peer_does_not_read",
     {.wait = wait_always_room}},
    {"wait does not look at the wish for an end", "wait_stops run_stopped", {.wait = wait_no_stop}},
    {"wait says STOP unasked", "wait_stops", {.wait = wait_stop_unasked}},
    {"wait adds its limit to the time", "clock_wraps", {.wait = wait_end_of_sums}},
    {"wait returns an errno", "wait_tells_what_is_possible", {.wait = wait_errno}},
    {"close does nothing",
     "close_ends_the_connection close_with_octets_not_taken close_after_eof close_after_reset "
     "open_connects",
     {.close = close_nothing}},
    {"close leaves something where octets are left",
     "close_with_octets_not_taken close_after_reset_not_taken",
     {.close = close_leaks_unread}},
    {"close leaves something after an end",
     "close_after_eof close_after_reset",
     {.close = close_leaks_after_end}},
    {"close leaves something after a failure",
     "close_after_reset_not_taken",
     {.close = close_leaks_after_failure}},
    {"close ends somebody else's connection",
     "close_twice",
     {.open = open_noted, .close = close_by_number}},
    {"now_ms counts seconds", "clock_runs", {.now_ms = now_seconds}},
    {"now_ms counts microseconds", "clock_runs", {.now_ms = now_us}},
    {"now_ms stands still", "clock_runs wait_tells_what_is_possible", {.now_ms = now_stuck}},
    {"now_ms goes back", "clock_runs", {.now_ms = now_jumps}},
    {"now_ms does not wrap", "run_across_the_wrap", {.now_ms = now_without_wrap}},
    {"code is always 0",
     "open_refused send_after_reset recv_reset_behind_data",
     {.code = code_none}},
    {"code is not set back", "open_refused", {.code = code_sticks}},
    {"code is all connections'", "two_at_once", {.recv = recv_asks_code, .code = code_of_all}},
    {"secured vouches without TLS", "run_secured", {.secured = secured_always}},
    {NULL, NULL, {0}},
};
