/* SPDX-License-Identifier: MIT */
/* port - port/lwip/sockets.c under the conformance suite: lwIP with threads of its own
 * (tests/lwip/sys_arch.c), in whose main one the relay takes its turns by a timer. */
#include "port_under_test.h"

#include <lwip/sys.h>
#include <lwip/tcpip.h>
#include <lwip/timeouts.h>

#include "../lwip/relay.h"
#include "popcl_lwip_sockets.h"

static volatile int wanted_end;
static uint16_t peer_port;

static void turn(void *ctx) {
    (void)ctx;
    sys_timeout(relay_turn() ? 1 : 2, turn, NULL);
}

static void started(void *ctx) {
    relay_start(peer_port);
    turn(NULL);
    sys_sem_signal(ctx);
}

static void begin(uint16_t tcp_port) {
    sys_sem_t ready;
    if (sys_sem_new(&ready, 0) != ERR_OK) return;
    peer_port = tcp_port;
    tcpip_init(started, &ready);
    (void)sys_arch_sem_wait(&ready, 0);
    sys_sem_free(&ready);
}

static void prepare(void *ctx) { ((popcl_lwip_sockets_net *)ctx)->stop = &wanted_end; }

static void stop(void *ctx, int wanted) {
    (void)ctx;
    wanted_end = wanted;
}

/* Connections and semaphores: each socket has of both. */
static int left(void) {
    LOCK_TCPIP_CORE();
    int n = relay_others();
    UNLOCK_TCPIP_CORE();
    return n + test_semaphores();
}

const port_under_test port_tested = {
    .net = &popcl_lwip_sockets,
    .ctx_size = sizeof(popcl_lwip_sockets_net),
    .begin = begin,
    .prepare = prepare,
    .left = left,
    .stop = stop,
    .silent = RELAY_SILENT,
    .name = RELAY_NAME,
    .dead_first = RELAY_DEAD_FIRST,
    .silent_first = RELAY_SILENT_FIRST,
    .unknown = RELAY_UNKNOWN,
    .slow = RELAY_SLOW,
};
