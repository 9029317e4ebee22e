/* SPDX-License-Identifier: MIT */
/* openssl - a second transport with TLS of its own (POPCL_TLS_BELOW), over OpenSSL, and a program
 * that fetches through it. It knows TLS 1.3 alone, which popcl's own TLS does not have.
 *
 *     openssl HOST PORT USER PASSWORD-FILE CA-FILE [what]
 *
 * what: `lies` = secured returns 0 after a good handshake; `end` = also prints the end point. It
 * prints the messages as examples/mbedtls.c does, and an error as `openssl: NAME: what failed`. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "owner.h"
#include "popcl_fetch.h"
#include "popcl_posix.h"

typedef struct transport {
    popcl_posix_net tcp;
    SSL_CTX *settings;
    SSL *ssl;
    int answers; /* of secured, if the handshake is complete */
    popcl_end_point end_point;
} transport;

/* ---- OpenSSL's way to the port below ---- */

static int below_write(BIO *b, const char *p, int n) {
    int32_t sent = popcl_posix.send(BIO_get_data(b), p, (size_t)n);
    BIO_clear_retry_flags(b);
    if (sent == POPCL_NET_AGAIN) BIO_set_retry_write(b);
    return sent > 0 ? sent : -1;
}

static int below_read(BIO *b, char *p, int n) {
    int32_t got = popcl_posix.recv(BIO_get_data(b), p, (size_t)n);
    BIO_clear_retry_flags(b);
    if (got == POPCL_NET_AGAIN) BIO_set_retry_read(b);
    if (got == POPCL_NET_EOF) BIO_set_flags(b, BIO_FLAGS_IN_EOF);
    return got >= 0 ? got : -1;
}

static long below_ctrl(BIO *b, int what, long n, void *p) {
    (void)n, (void)p;
    if (what == BIO_CTRL_EOF) return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
    return what == BIO_CTRL_FLUSH;
}

static BIO *below_new(void *tcp) {
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "popcl_net");
        BIO_meth_set_write(method, below_write);
        BIO_meth_set_read(method, below_read);
        BIO_meth_set_ctrl(method, below_ctrl);
    }
    BIO *b = BIO_new(method);
    BIO_set_data(b, tcp);
    BIO_set_init(b, 1);
    return b;
}

/* ---- the port ---- */

static uint32_t net_now_ms(void *ctx) { return popcl_posix.now_ms(&((transport *)ctx)->tcp); }

static popcl_err verdict(const transport *t) {
    switch (SSL_get_verify_result(t->ssl)) {
    case X509_V_OK: return POPCL_ERR_TLS_PROTOCOL;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return POPCL_ERR_CERT_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED: return POPCL_ERR_CERT_EXPIRED;
    default: return POPCL_ERR_CERT_UNTRUSTED;
    }
}

static popcl_err shake_hands(transport *t, uint32_t began_ms, uint32_t limit_ms) {
    int done;
    while ((done = SSL_do_handshake(t->ssl)) != 1) {
        int why = SSL_get_error(t->ssl, done);
        uint32_t passed = net_now_ms(t) - began_ms;
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return verdict(t);
        if (passed >= limit_ms) return POPCL_ERR_TIMEOUT_TLS;
        popcl_posix.wait(&t->tcp, why == SSL_ERROR_WANT_READ ? POPCL_RECV : POPCL_SEND,
                         limit_ms - passed);
    }
    return POPCL_OK;
}

/* RFC 5929, 4.1, with OpenSSL's own reading of the signature's hash. */
static void note_end_point(transport *t) {
    X509 *own = SSL_get1_peer_certificate(t->ssl);
    int hash = NID_undef;
    unsigned len = 0;
    if (!X509_get_signature_info(own, &hash, NULL, NULL, NULL)) hash = NID_undef;
    if (hash == NID_md5 || hash == NID_sha1) hash = NID_sha256;
    const EVP_MD *md = EVP_get_digestbynid(hash);
    if (md && X509_digest(own, md, t->end_point.hash, &len)) t->end_point.len = (uint8_t)len;
    X509_free(own);
}

static void net_close(void *ctx) {
    transport *t = ctx;
    SSL_shutdown(t->ssl);
    SSL_free(t->ssl);
    popcl_posix.close(&t->tcp);
}

static popcl_err net_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    transport *t = ctx;
    uint32_t began_ms = net_now_ms(t);
    popcl_err e = popcl_posix.open(&t->tcp, host, port, limit_ms);
    if (e) return e;
    t->ssl = SSL_new(t->settings);
    BIO *below = below_new(&t->tcp);
    SSL_set_bio(t->ssl, below, below);
    SSL_set_connect_state(t->ssl);
    if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), host)) {
        char name[256] = "";
        (void)snprintf(name, sizeof name, "%s", host);
        if (*name && name[strlen(name) - 1] == '.') name[strlen(name) - 1] = '\0';
        SSL_set1_host(t->ssl, name);
        SSL_set_tlsext_host_name(t->ssl, name);
    }
    e = shake_hands(t, began_ms, limit_ms);
    if (e)
        net_close(t);
    else
        note_end_point(t);
    return e;
}

static int32_t moved(const transport *t, int n) {
    if (n > 0) return n;
    switch (SSL_get_error(t->ssl, n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return POPCL_NET_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return POPCL_NET_EOF;
    default: return POPCL_NET_FAILED;
    }
}

static int cut(size_t n) { return n < 16384 ? (int)n : 16384; }

static int32_t net_recv(void *ctx, void *p, size_t n) {
    transport *t = ctx;
    ERR_clear_error();
    return moved(t, SSL_read(t->ssl, p, cut(n)));
}

static int32_t net_send(void *ctx, const void *p, size_t n) {
    transport *t = ctx;
    ERR_clear_error();
    return moved(t, SSL_write(t->ssl, p, cut(n)));
}

static int32_t net_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    transport *t = ctx;
    int has = want & POPCL_RECV && SSL_pending(t->ssl);
    int32_t can = popcl_posix.wait(&t->tcp, want, has ? 0 : limit_ms);
    return has && can >= 0 ? can | (int32_t)POPCL_RECV : can;
}

static int net_secured(void *ctx) {
    const transport *t = ctx;
    return SSL_get_verify_result(t->ssl) == X509_V_OK ? t->answers : 0;
}

static const popcl_end_point *net_end_point(void *ctx) { return &((transport *)ctx)->end_point; }

static const popcl_net net = {
    .open = net_open,
    .recv = net_recv,
    .send = net_send,
    .wait = net_wait,
    .close = net_close,
    .now_ms = net_now_ms,
    .secured = net_secured,
    .end_point = net_end_point,
};

/* ---- the program ---- */

static int begin(void *ctx, const popcl_msg *m) {
    return (void)ctx, printf("--- %lu %s\n", (unsigned long)m->number, m->uid) < 0 ? -1 : 0;
}

static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, fwrite(p, 1, n, stdout) == n ? (int)n : -1;
}

static int commit(void *ctx) { return (void)ctx, fflush(stdout) ? -1 : 0; }

static void drop(void *ctx, popcl_err why) {
    (void)ctx;
    printf("--- cut: %s\n", popcl_err_name(why));
}

static void print_end_point(const popcl *c) {
    unsigned char hash[POPCL_END_POINT_MAX];
    size_t n = popcl_machine_end_point(c, hash);
    for (size_t i = 0; i < n; i++)
        printf("%02x", hash[i]);
    printf("\n");
}

int main(int argc, char **argv) {
    static popcl_fetch job;
    static unsigned char iobuf[POPCL_IOBUF_MIN], plan[400];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = drop};
    static char password[256];
    const char *what = argc == 7 ? argv[6] : "";
    transport t = {.settings = SSL_CTX_new(TLS_client_method()),
                   .answers = strcmp(what, "lies") != 0};
    FILE *f = argc == 6 || argc == 7 ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1 || !t.settings ||
        !SSL_CTX_load_verify_locations(t.settings, argv[5], NULL) ||
        !SSL_CTX_set_min_proto_version(t.settings, TLS1_3_VERSION))
        return fprintf(stderr, "openssl HOST PORT USER PASSWORD-FILE CA-FILE [lies|end]\n"), 64;
    fclose(f);
    SSL_CTX_set_verify(t.settings, SSL_VERIFY_PEER, NULL);
    /* popcl itself knows where a message and a session end */
    SSL_CTX_set_options(t.settings, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(t.settings,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
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
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, &net, &t);
    if (e) fprintf(stderr, "openssl: %s: %s\n", popcl_err_name(e), popcl_err_what(e));
    if (strcmp(what, "end") == 0) print_end_point(&job.session);
    popcl_fetch_wipe(&job);
    SSL_CTX_free(t.settings);
    return e && e != POPCL_MORE;
}
