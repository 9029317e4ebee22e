/* SPDX-License-Identifier: MIT */
/* secure - see secure.h. Over Mbed TLS, as Zephyr's secure sockets are. A send goes to it as it
 * comes, also if it repeats another. */
#include "secure.h"

#include <errno.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "host_sockets/host.h"
#include "stubs.h"

enum { CONNECTIONS = 1024, HANDSHAKE_MS = 3000 };

static mbedtls_ssl_config conf;
static mbedtls_ssl_context *tls_of[CONNECTIONS];
static int authority_tag;

static int send_record(void *ctx, const unsigned char *p, size_t n) {
    long sent = host_send((int)(intptr_t)ctx, p, n);
    if (sent < 0) return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_NET_CONN_RESET;
    return (int)sent;
}

static int recv_record(void *ctx, unsigned char *p, size_t n) {
    long got = host_recv((int)(intptr_t)ctx, p, n, 0);
    if (got < 0) return errno == EAGAIN ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_NET_CONN_RESET;
    return (int)got;
}

static int is_waiting(int e) {
    return e == MBEDTLS_ERR_SSL_WANT_READ || e == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static void tls_close(int fd) {
    mbedtls_ssl_context *ssl = tls_of[fd];
    tls_of[fd] = NULL;
    if (!ssl) return;
    (void)mbedtls_ssl_close_notify(ssl);
    mbedtls_ssl_free(ssl);
    free(ssl);
}

static int tls_connect(int fd, const char *name, const int *tags, size_t tags_len) {
    mbedtls_ssl_context *ssl = malloc(sizeof *ssl);
    int e = -1, came, is_known = 0;
    for (size_t i = 0; i < tags_len; i++)
        is_known |= tags[i] == authority_tag;
    if (!ssl || fd >= CONNECTIONS) abort();
    tls_of[fd] = ssl;
    mbedtls_ssl_init(ssl);
    mbedtls_ssl_set_bio(ssl, (void *)(intptr_t)fd, send_record, recv_record, NULL);
    if (is_known && mbedtls_ssl_setup(ssl, &conf) == 0 && mbedtls_ssl_set_hostname(ssl, name) == 0)
        e = MBEDTLS_ERR_SSL_WANT_WRITE;
    while (is_waiting(e)) {
        e = mbedtls_ssl_handshake(ssl);
        if (e == MBEDTLS_ERR_SSL_WANT_READ && host_poll(fd, HOST_IN, HANDSHAKE_MS, &came) != 1)
            break;
    }
    if (e == 0) return 0;
    tls_close(fd);
    errno = ECONNABORTED;
    return -1;
}

static long tls_recv(int fd, void *p, size_t n) {
    int got = mbedtls_ssl_read(tls_of[fd], p, n);
    if (got >= 0) return got;
    if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || got == MBEDTLS_ERR_SSL_CONN_EOF) return 0;
    errno = is_waiting(got) ? EAGAIN : ECONNRESET;
    return -1;
}

static long tls_send(int fd, const void *p, size_t n) {
    int sent = mbedtls_ssl_write(tls_of[fd], p, n);
    if (sent >= 0) return sent;
    errno = is_waiting(sent) ? EAGAIN : ECONNRESET;
    return -1;
}

static int tls_has_octets(int fd) { return mbedtls_ssl_get_bytes_avail(tls_of[fd]) != 0; }

int secure_sockets_start(const char *pem, int tag) {
    static const stub_tls calls = {tls_connect, tls_recv, tls_send, tls_has_octets, tls_close};
    static mbedtls_entropy_context entropy;
    static mbedtls_ctr_drbg_context random;
    static mbedtls_x509_crt ca;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&ca);
    mbedtls_ssl_config_init(&conf);
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) ||
        mbedtls_x509_crt_parse(&ca, (const unsigned char *)pem, strlen(pem) + 1) ||
        mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT))
        return 0;
    mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&conf, &ca, NULL);
    mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random);
    authority_tag = tag;
    stub_secure_sockets = &calls;
    return 1;
}
