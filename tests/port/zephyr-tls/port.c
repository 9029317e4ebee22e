/* SPDX-License-Identifier: MIT */
/* port - popcl_zephyr_tls under the conformance suite. The suite's peer speaks plain TCP, so the
 * relay of ../mbedtls does the server's side of TLS. */
#include <stdio.h>
#include <stdlib.h>

#include "../mbedtls/relay.h"
#include "host_sockets/host.h"
#include "popcl_zephyr.h"
#include "port_under_test.h"
#include "secure.h"
#include "stubs.h"

enum { TAG = 7 };

static volatile int wanted_end;

static void begin(uint16_t tcp_port) {
    static const char *const names[] = {"peer.test", "dead-first.test", "silent-first.test", NULL};
    static char pem[4096];
    if (!relay_start(tcp_port, names, pem, sizeof pem, &stub_relay_port) ||
        !secure_sockets_start(pem, TAG)) {
        fprintf(stderr, "the relay cannot be started\n");
        exit(2);
    }
    stub_peer_port = tcp_port;
    host_begin_names(stub_relay_port); /* its address that does not answer is at the relay's port */
}

static void prepare(void *ctx) {
    static const int tags[] = {TAG};
    popcl_zephyr_net *n = ctx;
    n->stop = &wanted_end;
    n->tags = tags;
    n->tags_len = 1;
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    wanted_end = wanted;
}

const port_under_test port_tested = {
    .net = &popcl_zephyr_tls,
    .ctx_size = sizeof(popcl_zephyr_net),
    .begin = begin,
    .prepare = prepare,
    .stop = stop,
    .clock_to = stub_clock_to,
    .host = "peer.test",
    .name = "peer.test",
    .dead_first = "dead-first.test",
    .silent_first = "silent-first.test",
    .unknown = "unknown.test",
    .slow = "slow.test",
    .tls = 1,
};
