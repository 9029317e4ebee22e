/* SPDX-License-Identifier: MIT */
/* fetch_sockets - fetch in a task (NO_SYS 0), over port/lwip/sockets.c: main is the task, lwIP has
 * its thread, and a third brings it a frame as soon as there is one. What waits in the meantime
 * waits in the device. */
#define _POSIX_C_SOURCE 200809L
#include "fetch.h"

#include "errand.h"
#include "popcl_lwip_sockets.h"

#include <lwip/priv/tcp_priv.h>
#include <netif/ethernet.h>

#define LOOK_MS 50u

static popcl_lwip_sockets_net net;
static sys_sem_t ended;
const netif_input_fn fetch_input = ethernet_input;

/* lwIP's: looked at and changed by errands only. */
static void (*to_call)(void);
static int over, busy;
static int last; /* the frame thread's, which its own errand sets */

static void call(u32_t n) {
    (void)n;
    to_call();
}

static void look(u32_t is_over) {
    over = (int)is_over;
    busy = tcp_active_pcbs != NULL;
}

static void take_frame(u32_t n) {
    (void)n;
    last = over;
    if (!over) tap_take(&fetch_wire);
}

static void bring_frames(void *arg) {
    (void)arg;
    do {
        tap_wait(&fetch_wire, LOOK_MS);
        in_lwip(take_frame, 0);
    } while (!last);
    LWIP_NETCONN_THREAD_SEM_FREE();
    sys_sem_signal(&ended);
}

void fetch_start(void (*connect)(void)) {
    tcpip_init(NULL, NULL);
    to_call = connect;
    in_lwip(call, 0);
    if (sys_sem_new(&ended, 0) != ERR_OK) abort();
    sys_thread_new("frames", bring_frames, NULL, 0, 0);
}

popcl_err fetch_run(popcl *session) { return popcl_run(session, &popcl_lwip_sockets, &net); }

void fetch_end(void (*conclude)(void)) {
    in_lwip(look, 0);
    for (int i = 0; i < 100 && busy; i++) {
        sys_msleep(20);
        in_lwip(look, 0);
    }
    in_lwip(look, 1);
    (void)sys_arch_sem_wait(&ended, 0);
    to_call = conclude;
    in_lwip(call, 0);
    /* an answer of a name server is out, and the session is over */
    if (popcl_lwip_sockets_free(&net)) abort();
    sys_sem_free(&ended);
}
