/* SPDX-License-Identifier: MIT */
/* port - port/lwip/raw.c under the conformance suite: lwIP without threads, driven by the port's
 * step. */
#include "port_under_test.h"

#include <signal.h>

#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>

#include "../lwip/relay.h"
#include "popcl_lwip_raw.h"

static volatile sig_atomic_t wanted_end;

static int frames_wait(void) {
    for (const struct netif *n = netif_list; n; n = n->next)
        if (n->loop_first) return 1;
    return 0;
}

static int step(void *ctx, uint32_t limit_ms) {
    int moved = 0;
    (void)ctx;
    if (limit_ms > 50 && port_tested.stop) limit_ms = 50; /* a signal may come at any time */
    if (!frames_wait() && !relay_turn()) relay_sleep(limit_ms);
    do {
        netif_poll_all();
        sys_check_timeouts();
        moved = relay_turn();
    } while (moved && !frames_wait());
    return wanted_end;
}

static void begin(uint16_t tcp_port) {
    lwip_init();
    relay_start(tcp_port);
}

static void prepare(void *ctx) { ((popcl_lwip_raw *)ctx)->step = step; }

static void idle(uint32_t ms) {
    for (uint32_t began = sys_now(), passed = 0; passed < ms; passed = sys_now() - began)
        (void)step(NULL, ms - passed < 5 ? ms - passed : 5);
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    wanted_end = wanted;
}

const port_under_test port_tested = {
    .net = &popcl_lwip_raw_net,
    .ctx_size = sizeof(popcl_lwip_raw),
    .begin = begin,
    .prepare = prepare,
    .idle = idle,
    .left = relay_others,
    .stop = stop,
    .clock_to = relay_clock_to,
    .silent = RELAY_SILENT,
    .name = RELAY_NAME,
    .dead_first = RELAY_DEAD_FIRST,
    .silent_first = RELAY_SILENT_FIRST,
    .unknown = RELAY_UNKNOWN,
    .slow = RELAY_SLOW,
};
