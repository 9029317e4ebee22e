/* SPDX-License-Identifier: MIT */
/* main_raw - the firmware as one loop without threads. The network, popcl and the pause between two
 * polls take turns, and the core sleeps if none of them has work. */
#include <lwip/init.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "app.h"
#include "board.h"
#include "clock.h"
#include "eth.h"
#include "net.h"
#include "popcl_lwip_raw.h"

int main(void);

u32_t sys_now(void) { return clock_ms(); }

/* Sleeps until there is a frame, or limit_ms has passed: to the next tick of the clock each
 * time. */
static void sleep(uint32_t limit_ms) {
    uint32_t began = clock_ms();
    do {
        irq_off(); /* an interrupt after the check wakes the core all the same */
        if (!eth_waiting) wait_for_interrupt();
        irq_on();
        watchdog_feed();
    } while (!eth_waiting && clock_ms() - began < limit_ms);
}

/* The work of the network in each turn. */
static void turn(void) {
    watchdog_feed();
    if (eth_waiting) eth_poll(net_if());
    net_look();
    sys_check_timeouts();
}

static void wait(uint32_t ms) {
    uint32_t began = clock_ms(), passed;
    while ((passed = clock_ms() - began) < ms) {
        turn();
        uint32_t limit = sys_timeouts_sleeptime();
        if (limit > ms - passed) limit = ms - passed;
        if (limit) sleep(limit);
    }
}

static void fetch(void) {
    /* static, since it is needed for ever: an answer of DNS may come late */
    static popcl_lwip_raw net;
    if (popcl_lwip_raw_start(&net, app_begin(0))) return;
    for (;;) {
        turn();
        if (!popcl_lwip_raw_poll(&net)) break;
        uint32_t limit = popcl_lwip_raw_sleep_ms(&net);
        if (limit) sleep(limit);
    }
}

int main(void) {
    clock_start();
    irq_on();
    app_start("raw");
    lwip_init();
    net_start(ethernet_input);
    for (;;) {
        while (!net_is_up())
            wait(CLOCK_TICK_MS);
        fetch();
        uint32_t pause = app_conclude();
        if (app_was_unreachable()) net_doubt();
        wait(pause);
    }
}
