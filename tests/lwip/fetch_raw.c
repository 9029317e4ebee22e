/* SPDX-License-Identifier: MIT */
/* fetch_raw - fetch in a main loop (NO_SYS 1), with either face of port/lwip/raw.c. */
#define _POSIX_C_SOURCE 200809L
#include "fetch.h"

#include "popcl_lwip_raw.h"

#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include <string.h>
#include <time.h>

static popcl_lwip_raw net;
const netif_input_fn fetch_input = ethernet_input;

u32_t sys_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

/* One frame a turn: what waits in the meantime waits in the device. */
static int turn(void *ctx, uint32_t limit_ms) {
    (void)ctx;
    if (tap_wait(&fetch_wire, limit_ms)) tap_take(&fetch_wire);
    sys_check_timeouts();
    return 0;
}

void fetch_start(void (*connect)(void)) {
    lwip_init();
    connect();
    net.step = turn;
}

popcl_err fetch_run(popcl *session) {
    if (strcmp(fetch_setting("face", "polled"), "waited") == 0)
        return popcl_run(session, &popcl_lwip_raw_net, &net);
    popcl_err e = popcl_lwip_raw_start(&net, session);
    if (e) return e;
    while (popcl_lwip_raw_poll(&net))
        turn(NULL, popcl_lwip_raw_sleep_ms(&net));
    return popcl_result(session);
}

void fetch_end(void (*conclude)(void)) {
    for (int i = 0; i < 100 && tcp_active_pcbs; i++)
        turn(NULL, 20);
    conclude();
}
