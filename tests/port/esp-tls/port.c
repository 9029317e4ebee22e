/* SPDX-License-Identifier: MIT */
/* port - port/esp-tls under the conformance suite. The suite's peer speaks plain TCP, so the relay
 * of ../mbedtls does the server's side of TLS. esp_tls tries one address of a name, and cannot end
 * a question to a name server: so there are no cases of these. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../mbedtls/relay.h"
#include "host_sockets/host.h"
#include "popcl_esp_tls.h"
#include "port_under_test.h"
#include "secure.h"
#include "stubs.h"

static volatile int wanted_end;

/* Nothing may be sent to a server that esp_tls does not check, or without TLS. */
static int refuses_what_checks_nothing(void) {
    static const esp_tls_cfg_t confs[] = {
        {.use_global_ca_store = false},
        {.use_global_ca_store = true, .skip_common_name = true},
        {.use_global_ca_store = true, .is_plain_tcp = true},
    };
    for (size_t i = 0; i < sizeof confs / sizeof confs[0]; i++) {
        popcl_esp_tls n = {.conf = &confs[i]};
        if (popcl_esp_tls_net.open(&n, "127.0.0.1", stub_peer_port, 1000) != POPCL_ERR_NET ||
            popcl_esp_tls_net.code(&n) != EINVAL)
            return 0;
    }
    return 1;
}

static void begin(uint16_t tcp_port) {
    static const char *const names[] = {"peer.test", NULL};
    static char pem[4096];
    if (!relay_start(tcp_port, names, pem, sizeof pem, &stub_relay_port) ||
        !secure_sockets_start(pem, 1)) {
        fprintf(stderr, "the relay cannot be started\n");
        exit(2);
    }
    stub_peer_port = tcp_port;
    if (!refuses_what_checks_nothing()) {
        fprintf(stderr, "open accepts settings that check nothing\n");
        exit(2);
    }
}

static void prepare(void *ctx) {
    static const esp_tls_cfg_t conf = {.use_global_ca_store = true};
    popcl_esp_tls *n = ctx;
    n->conf = &conf;
    n->stop = &wanted_end;
}

static void stop(void *ctx, int wanted) {
    (void)ctx;
    wanted_end = wanted;
}

const port_under_test port_tested = {
    .net = &popcl_esp_tls_net,
    .ctx_size = sizeof(popcl_esp_tls),
    .begin = begin,
    .prepare = prepare,
    .stop = stop,
    .clock_to = stub_clock_to,
    .host = "peer.test",
    .name = "peer.test",
    .unknown = "unknown.test",
    .tls = 1,
};
