/* SPDX-License-Identifier: MIT */
/* main_task - the firmware as tasks. lwIP has one, which also takes frames from the controller;
 * popcl_run has another, over lwIP's sockets. The mail task is main, on the stack at the bottom of
 * RAM. It alone feeds the watchdog: a network that goes on while the mail hangs must not feed
 * it. */
#include "app.h"
#include "board.h"
#include "clock.h"
#include "console.h"
#include "eth.h"
#include "kernel.h"
#include "lwip/tcpip.h"
#include "lwip/timeouts.h"
#include "net.h"
#include "netif/ethernet.h"
#include "popcl_lwip_sockets.h"

#define MAIL_PRIORITY 1u
#define NAP_MS        1000u  /* the longest wait without the watchdog */
#define CONNECT_MS    20000u /* open does not feed the watchdog: less than WATCHDOG_S */
#define LOOK_MS       100u

int main(void);

/* ---- lwIP's thread ---- */

static struct tcpip_callback_msg *frames_came;

static void take_frames(void *ctx) {
    (void)ctx;
    if (eth_waiting) eth_poll(net_if());
}

/* Called from the interrupt. */
void eth_woken(void) { (void)tcpip_callbackmsg_trycallback_fromisr(frames_came); }

/* For frames that came while the thread's mailbox was full. */
static void look(void *ctx) {
    take_frames(ctx);
    net_look();
    sys_timeout(LOOK_MS, look, NULL);
}

static void start_net(void *ctx) {
    (void)ctx;
    frames_came = tcpip_callbackmsg_new(take_frames, NULL);
    net_start(ethernet_input);
    look(NULL);
}

/* ---- the mail task ---- */

static void nap(uint32_t ms) {
    while (ms) {
        uint32_t piece = ms < NAP_MS ? ms : NAP_MS;
        watchdog_feed();
        kernel_sleep(piece);
        ms -= piece;
    }
    watchdog_feed();
}

static int is_up(void) {
    LOCK_TCPIP_CORE();
    int up = net_is_up();
    UNLOCK_TCPIP_CORE();
    return up;
}

static void doubt(void) {
    LOCK_TCPIP_CORE();
    net_doubt();
    UNLOCK_TCPIP_CORE();
}

static int32_t recv_fed(void *ctx, void *p, size_t n) {
    watchdog_feed();
    return popcl_lwip_sockets.recv(ctx, p, n);
}

static int32_t wait_fed(void *ctx, unsigned want, uint32_t limit_ms) {
    for (;;) {
        uint32_t piece = limit_ms < NAP_MS ? limit_ms : NAP_MS;
        watchdog_feed();
        int32_t came = popcl_lwip_sockets.wait(ctx, want, piece);
        limit_ms -= piece;
        if (came || limit_ms == 0) return came;
    }
}

static void fetch(void) {
    /* static, since it is needed for ever: an answer of DNS may come late */
    static popcl_lwip_sockets_net net;
    static popcl_net port;
    port = popcl_lwip_sockets;
    port.recv = recv_fed;
    port.wait = wait_fed;
    LOCK_TCPIP_CORE();
    popcl *session = app_begin(CONNECT_MS); /* its report on lwIP before the end needs the lock */
    UNLOCK_TCPIP_CORE();
    watchdog_feed();
    (void)popcl_run(session, &port, &net);
}

int main(void) {
    clock_start();
    kernel_start(MAIL_PRIORITY);
    app_start("sockets");
    tcpip_init(start_net, NULL);
    for (;;) {
        while (!is_up())
            nap(CLOCK_TICK_MS);
        fetch();
        uint32_t pause = app_conclude();
        if (app_was_unreachable()) doubt();
        nap(pause);
    }
}
