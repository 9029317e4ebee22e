/* SPDX-License-Identifier: MIT */
/* mbedtls_limits - port/mbedtls over a port that is played: a handshake that comes to no end, in
 * each way in which the port below can keep it from its end. Nothing may stay open, and open keeps
 * its limit. Prints a line for each way that is wrong; exit code 1 if there is one. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <stdio.h>
#include <string.h>

#include "popcl_mbedtls.h"

#define BEGAN 0xfffffff0u
enum { LIMIT_MS = 5000 };

/* What the port below does, and what came of it. */
typedef struct played {
    popcl_err opens_as;
    int32_t recvs, sends; /* their answer; 1: all octets move, and those that come are no TLS */
    int stops;
    uint32_t now, waited;
    int opened, closed;
} played;

static popcl_err played_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    played *p = ctx;
    (void)host, (void)port, (void)limit_ms;
    p->opened++;
    p->now += 1000;
    return p->opens_as;
}

static int32_t played_recv(void *ctx, void *to, size_t n) {
    const played *p = ctx;
    if (p->recvs == 1) memset(to, '+', n);
    return p->recvs == 1 ? (int32_t)n : p->recvs;
}

static int32_t played_send(void *ctx, const void *from, size_t n) {
    const played *p = ctx;
    (void)from;
    return p->sends == 1 ? (int32_t)n : p->sends;
}

static int32_t played_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    played *p = ctx;
    if (p->stops && want & POPCL_NET_STOP) return POPCL_NET_STOP;
    p->now += limit_ms < 700 ? limit_ms : 700;
    p->waited += limit_ms < 700 ? limit_ms : 700;
    return 0;
}

static void played_close(void *ctx) { ((played *)ctx)->closed++; }
static uint32_t played_now_ms(void *ctx) { return ((played *)ctx)->now; }
static int played_code(void *ctx) { return ((played *)ctx)->opens_as ? 77 : 0; }

static const popcl_net below = {.open = played_open,
                                .recv = played_recv,
                                .send = played_send,
                                .wait = played_wait,
                                .close = played_close,
                                .now_ms = played_now_ms,
                                .code = played_code};

static const struct {
    const char *name;
    played p;
    popcl_err result;
} rows[] = {
    {"nothing comes", {.recvs = POPCL_NET_AGAIN, .sends = 1}, POPCL_ERR_TIMEOUT_TLS},
    {"nothing leaves", {.recvs = POPCL_NET_AGAIN, .sends = POPCL_NET_AGAIN}, POPCL_ERR_TIMEOUT_TLS},
    {"send returns 0", {.recvs = POPCL_NET_AGAIN, .sends = 0}, POPCL_ERR_TIMEOUT_TLS},
    {"the end", {.recvs = POPCL_NET_EOF, .sends = 1}, POPCL_ERR_TLS_CLOSED},
    {"a reset", {.recvs = POPCL_NET_FAILED, .sends = 1}, POPCL_ERR_TLS_CLOSED},
    {"send fails", {.recvs = POPCL_NET_AGAIN, .sends = POPCL_NET_FAILED}, POPCL_ERR_TLS_CLOSED},
    {"no TLS", {.recvs = 1, .sends = 1}, POPCL_ERR_TLS_PROTOCOL},
    {"stop", {.recvs = POPCL_NET_AGAIN, .sends = 1, .stops = 1}, POPCL_ERR_STOPPED},
    {"no connection", {.opens_as = POPCL_ERR_CONNECT}, POPCL_ERR_CONNECT},
};

static int wrong(const char *name, const char *what, long value) {
    printf("%s: %s (%ld)\n", name, what, value);
    return 1;
}

static int try_row(size_t i, const mbedtls_ssl_config *conf) {
    const char *name = rows[i].name;
    played p = rows[i].p;
    popcl_mbedtls t = {.below = &below, .below_ctx = &p, .conf = conf};
    int bad = 0;
    p.now = BEGAN; /* it wraps */
    for (int again = 1; again <= 2; again++) {
        uint32_t began = p.now;
        p.waited = 0;
        popcl_err e = popcl_mbedtls_net.open(&t, "localhost", 995, LIMIT_MS);
        if (e != rows[i].result) bad = wrong(name, popcl_err_name(e), e);
        if (p.now - began > LIMIT_MS) bad = wrong(name, "too late", (long)(p.now - began));
        if (e == POPCL_ERR_TIMEOUT_TLS && p.now - began < LIMIT_MS)
            bad = wrong(name, "too early", (long)(p.now - began));
        if (popcl_mbedtls_net.secured(&t) == 1) bad = wrong(name, "it vouches", 1);
        if (popcl_mbedtls_net.end_point(&t)) bad = wrong(name, "it has an end point", 1);
        if (e != POPCL_ERR_STOPPED && popcl_mbedtls_net.code(&t) == 0) bad = wrong(name, "code", 0);
        popcl_mbedtls_net.close(&t);
        int closes = rows[i].p.opens_as ? 0 : again;
        if (p.opened != again || p.closed != closes) bad = wrong(name, "close", p.closed);
    }
    return bad;
}

int main(void) {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_config conf;
    int bad = 0;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_ssl_config_init(&conf);
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) ||
        mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT))
        return 2;
    mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bad |= try_row(i, &conf);
    mbedtls_ssl_config_free(&conf);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
    return bad;
}
