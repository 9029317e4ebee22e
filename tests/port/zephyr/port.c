/* SPDX-License-Identifier: MIT */
/* port - port/zephyr under the conformance suite. The headers in stub/ name the functions of
 * Zephyr, and stubs.c does them with this machine's sockets. ../zephyr-4.4 is the same with the
 * names of the second generation. */
#include "host_sockets/host.h"
#include "popcl_zephyr.h"
#include "port_under_test.h"
#include "stubs.h"

static volatile int wanted_end;

static void prepare(void *ctx) {
    popcl_zephyr_net *n = ctx;
    n->stop = &wanted_end;
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    wanted_end = wanted;
}

const port_under_test port_tested = {
    .net = &popcl_zephyr,
    .ctx_size = sizeof(popcl_zephyr_net),
    .begin = host_begin_names,
    .prepare = prepare,
    .stop = stop,
    .clock_to = stub_clock_to,
    .name = "peer.test",
    .dead_first = "dead-first.test",
    .silent_first = "silent-first.test",
    .unknown = "unknown.test",
    .slow = "slow.test",
};
