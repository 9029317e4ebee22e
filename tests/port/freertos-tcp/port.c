/* SPDX-License-Identifier: MIT */
/* port - port/freertos-tcp under the conformance suite, over stubs of FreeRTOS+TCP. It gives one
 * address of a name, and cannot end a question to a name server: so there are no cases of these. */
#include "popcl_freertos_tcp.h"
#include "port_under_test.h"
#include "stubs.h"

static volatile int wanted_end;

static void prepare(void *ctx) {
    popcl_freertos_tcp_net *n = ctx;
    n->stop = &wanted_end;
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    wanted_end = wanted;
}

const port_under_test port_tested = {
    .net = &popcl_freertos_tcp,
    .ctx_size = sizeof(popcl_freertos_tcp_net),
    .prepare = prepare,
    .stop = stop,
    .clock_to = stub_clock_to,
    .name = "peer.test",
    .unknown = "unknown.test",
};
