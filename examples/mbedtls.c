/* SPDX-License-Identifier: MIT */
/* mbedtls - prints a maildrop by TLS of the system (Mbed TLS 2.28) in place of popcl's own:
 *
 *     mbedtls HOST PORT USER PASSWORD-FILE CA-FILE */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "popcl_fetch.h"
#include "popcl_mbedtls.h"
#include "popcl_posix.h"

static int begin(void *ctx, const popcl_msg *m) {
    return (void)ctx, printf("--- %lu %s\n", (unsigned long)m->number, m->uid) < 0 ? -1 : 0;
}
static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, fwrite(p, 1, n, stdout) == n ? (int)n : -1;
}
static int commit(void *ctx) { return (void)ctx, fflush(stdout) ? -1 : 0; }
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why, puts("--- cut"); }

/* The settings of Mbed TLS: a client that accepts only a server that one of these authorities
 * vouches for. Returns an error of Mbed TLS; 0 = none. */
static int trust(mbedtls_ssl_config *conf, const char *ca_file) {
    static mbedtls_entropy_context entropy;
    static mbedtls_ctr_drbg_context random;
    static mbedtls_x509_crt ca;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&ca);
    mbedtls_ssl_config_init(conf);
    int e = mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0);
    if (!e) e = mbedtls_x509_crt_parse_file(&ca, ca_file);
    if (!e)
        e = mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                        MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(conf, &ca, NULL);
    mbedtls_ssl_conf_rng(conf, mbedtls_ctr_drbg_random, &random);
    return e;
}

int main(int argc, char **argv) {
    static popcl_fetch job;
    static unsigned char iobuf[4096], plan[4096];
    static char password[256];
    static mbedtls_ssl_config conf;
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    FILE *f = argc == 6 ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1)
        return fprintf(stderr, "usage: mbedtls HOST PORT USER PASSWORD-FILE CA-FILE\n"), 64;
    fclose(f);
    int code = trust(&conf, argv[5]);
    if (code) return fprintf(stderr, "mbedtls: CA-FILE cannot be used (%d)\n", code), 66;
    popcl_fetch_config config = {.session = {.host = argv[1],
                                             .port = (uint16_t)atoi(argv[2]),
                                             .security = POPCL_TLS_BELOW,
                                             .user = argv[3],
                                             .iobuf = iobuf,
                                             .iobuf_len = sizeof iobuf},
                                 .secret = {.octets = password},
                                 .plan = plan,
                                 .plan_len = sizeof plan,
                                 .passes = UINT16_MAX,
                                 .sink = &sink};
    popcl_posix_net tcp = {0};
    popcl_mbedtls tls = {.below = &popcl_posix, .below_ctx = &tcp, .conf = &conf};
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, &popcl_mbedtls_net, &tls);
    if (e)
        fprintf(stderr, "mbedtls: %s: %s; %s\n", popcl_err_what(e), popcl_err_cause(e),
                popcl_err_advice(e));
    popcl_fetch_wipe(&job);
    memset(password, 0, sizeof password);
    return e && e != POPCL_MORE;
}
