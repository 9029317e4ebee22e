/* SPDX-License-Identifier: MIT */
/* port - port/mbedtls over port/posix under the conformance suite. The suite's peer speaks plain
 * TCP, so a relay does the server's side of TLS. Names, the clock and the wish for an end are those
 * of the port below (../posix). */
#define port_tested posix_tested
#include "../posix/port.c"
#undef port_tested

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <stdio.h>
#include <stdlib.h>

#include "popcl_mbedtls.h"
#include "relay.h"

typedef struct over_tls {
    popcl_mbedtls tls; /* first: the port's context */
    popcl_posix_net tcp;
} over_tls;

static mbedtls_ssl_config conf;
static uint16_t peer_port, relay_port;

static const char *const names[] = {"peer.test", "dead-first.test", "silent-first.test", NULL};

/* ---- the port below: what is meant for the peer goes to the relay ---- */

static popcl_net below;

static popcl_err below_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    return popcl_posix.open(ctx, host, port == peer_port ? relay_port : port, limit_ms);
}

/* ---- what the suite asks for ---- */

static void begin_tls(uint16_t tcp_port) {
    static mbedtls_entropy_context entropy;
    static mbedtls_ctr_drbg_context random;
    static mbedtls_x509_crt ca;
    static char pem[4096];
    if (!relay_start(tcp_port, names, pem, sizeof pem, &relay_port)) {
        fprintf(stderr, "the relay cannot be started\n");
        exit(2);
    }
    begin(relay_port); /* its address that does not answer is at the relay's port */
    peer_port = tcp_port;
    below = popcl_posix;
    below.open = below_open;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&ca);
    mbedtls_ssl_config_init(&conf);
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) ||
        mbedtls_x509_crt_parse(&ca, (const unsigned char *)pem, strlen(pem) + 1) ||
        mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT)) {
        fprintf(stderr, "Mbed TLS cannot be set up\n");
        exit(2);
    }
    mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&conf, &ca, NULL);
    mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random);
}

static void prepare_tls(void *ctx) {
    over_tls *o = ctx;
    o->tls.below = &below;
    o->tls.below_ctx = &o->tcp;
    o->tls.conf = &conf;
    prepare(&o->tcp);
}

const port_under_test port_tested = {
    .net = &popcl_mbedtls_net,
    .ctx_size = sizeof(over_tls),
    .begin = begin_tls,
    .prepare = prepare_tls,
    .stop = stop,
    .clock_to = clock_to,
    .host = "peer.test",
    .name = "peer.test",
    .dead_first = "dead-first.test",
    .silent_first = "silent-first.test",
    .unknown = "unknown.test",
    .slow = "slow.test",
    .tls = 1,
};
