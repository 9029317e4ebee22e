/* SPDX-License-Identifier: MIT */
/* net - popcl over Mbed TLS over another port (popcl_mbedtls.h). The port below looks up names,
 * connects, waits and has the clock; Mbed TLS checks the server and carries the records. */
#include "popcl_mbedtls.h"

#include <mbedtls/md.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/x509_crt.h>

#include <string.h>

#define ENDED 1000 /* added to the end of recv, so that no end is 0 */

/* ---- towards the port below ---- */

static int from_below(int32_t n, int again) {
    if (n == POPCL_NET_AGAIN) return again;
    return n < 0 ? MBEDTLS_ERR_NET_CONN_RESET : n; /* 0 is the end: MBEDTLS_ERR_SSL_CONN_EOF */
}

static int send_below(void *ctx, const unsigned char *p, size_t n) {
    const popcl_mbedtls *t = ctx;
    int32_t sent = t->below->send(t->below_ctx, p, n);
    return from_below(sent ? sent : POPCL_NET_AGAIN, MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int recv_below(void *ctx, unsigned char *p, size_t n) {
    const popcl_mbedtls *t = ctx;
    return from_below(t->below->recv(t->below_ctx, p, n), MBEDTLS_ERR_SSL_WANT_READ);
}

static int mbed_is_again(int e) {
    return e == MBEDTLS_ERR_SSL_WANT_READ || e == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static uint32_t mbed_now_ms(void *ctx) {
    const popcl_mbedtls *t = ctx;
    return t->below->now_ms(t->below_ctx);
}

/* ---- the handshake ---- */

/* Several things may be wrong with a certificate. The first of these is the one that the others
 * cannot mend. */
static popcl_err mbed_refused(uint32_t flags) {
    static const struct {
        uint32_t flags;
        popcl_err e;
    } rows[] = {
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_MISSING, POPCL_ERR_CERT_UNTRUSTED},
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, POPCL_ERR_CERT_NAME},
        {MBEDTLS_X509_BADCERT_EXPIRED, POPCL_ERR_CERT_EXPIRED},
        {MBEDTLS_X509_BADCERT_FUTURE, POPCL_ERR_CERT_NOT_YET},
        {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
             MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
         POPCL_ERR_CERT_USAGE},
        {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY,
         POPCL_ERR_CERT_WEAK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (flags & rows[i].flags) return rows[i].e;
    }
    return POPCL_ERR_CERT_UNTRUSTED;
}

/* Returns the meaning of an error of the handshake. */
static popcl_err mbed_failed(const popcl_mbedtls *t, int e) {
    switch (e) {
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
        return mbed_refused(mbedtls_ssl_get_verify_result(&t->ssl));
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: return POPCL_ERR_TLS_ALERT;
    case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION: return POPCL_ERR_TLS_VERSION;
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_NET_CONN_RESET: return POPCL_ERR_TLS_CLOSED;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED: return POPCL_ERR_NET;
    default: return POPCL_ERR_TLS_PROTOCOL;
    }
}

/* Without a name Mbed TLS would accept the certificate of any server. A dot at the end of a name is
 * not in certificates. */
static int mbed_prepare(popcl_mbedtls *t, const char *host) {
    char name[256];
    size_t n = strlen(host);
    if (n && host[n - 1] == '.') n--;
    mbedtls_ssl_init(&t->ssl);
    mbedtls_ssl_set_bio(&t->ssl, t, send_below, recv_below, NULL);
    if (n == 0 || n >= sizeof name) return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
    memcpy(name, host, n);
    name[n] = '\0';
    int e = mbedtls_ssl_setup(&t->ssl, t->conf);
    return e ? e : mbedtls_ssl_set_hostname(&t->ssl, name);
}

static popcl_err mbed_shake_hands(popcl_mbedtls *t, uint32_t began_ms, uint32_t limit_ms) {
    int e;
    while ((e = mbedtls_ssl_handshake(&t->ssl)) != 0) {
        unsigned want = e == MBEDTLS_ERR_SSL_WANT_READ ? POPCL_RECV : POPCL_SEND;
        uint32_t passed_ms = mbed_now_ms(t) - began_ms;
        t->code = e;
        if (!mbed_is_again(e)) return mbed_failed(t, e);
        if (passed_ms >= limit_ms) return POPCL_ERR_TIMEOUT_TLS;
        if (t->below->wait(t->below_ctx, want | POPCL_NET_STOP, limit_ms - passed_ms) ==
            POPCL_NET_STOP)
            return POPCL_ERR_STOPPED;
    }
    return POPCL_OK;
}

/* The hash is that of the certificate's signature, or SHA-256 in place of MD5 and SHA-1 (RFC 5929,
 * 4.1). */
static void mbed_note_end_point(popcl_mbedtls *t) {
    const mbedtls_x509_crt *own = mbedtls_ssl_get_peer_cert(&t->ssl);
    t->end_point.len = 0;
    if (!own) return;
    int is_old = own->sig_md == MBEDTLS_MD_MD5 || own->sig_md == MBEDTLS_MD_SHA1;
    const mbedtls_md_info_t *hash =
        mbedtls_md_info_from_type(is_old ? MBEDTLS_MD_SHA256 : own->sig_md);
    if (!hash || mbedtls_md_get_size(hash) > sizeof t->end_point.hash) return;
    if (mbedtls_md(hash, own->raw.p, own->raw.len, t->end_point.hash) == 0)
        t->end_point.len = mbedtls_md_get_size(hash);
}

/* ---- the port ---- */

static void mbed_close(void *ctx) {
    popcl_mbedtls *t = ctx;
    if (!t->up) return;
    t->up = 0;
    (void)mbedtls_ssl_close_notify(&t->ssl); /* leaves if there is room for it now */
    mbedtls_ssl_free(&t->ssl);
    t->below->close(t->below_ctx);
}

static popcl_err mbed_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    popcl_mbedtls *t = ctx;
    uint32_t began_ms = mbed_now_ms(t);
    popcl_err e = t->below->open(t->below_ctx, host, port, limit_ms);
    t->code = t->below->code ? t->below->code(t->below_ctx) : 0;
    if (e) return e;
    t->up = 1;
    t->held = t->ahead = 0;
    t->end = 0;
    t->code = mbed_prepare(t, host);
    e = t->code ? POPCL_ERR_NET : mbed_shake_hands(t, began_ms, limit_ms);
    if (e) {
        mbed_close(t);
        return e;
    }
    t->code = 0;
    mbed_note_end_point(t);
    return POPCL_OK;
}

static int32_t mbed_recv(void *ctx, void *p, size_t n) {
    popcl_mbedtls *t = ctx;
    if (t->end) return t->end - ENDED;
    int got = mbedtls_ssl_read(&t->ssl, p, n);
    if (got > 0) return got;
    if (mbed_is_again(got)) return POPCL_NET_AGAIN;
    int is_end =
        got == 0 || got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || got == MBEDTLS_ERR_SSL_CONN_EOF;
    if (!is_end) t->code = got;
    t->end = ENDED + (is_end ? POPCL_NET_EOF : POPCL_NET_FAILED);
    return t->end - ENDED;
}

/* After WANT_WRITE Mbed TLS has made a record of some octets, and sends it when it is called again.
 * It does not look at the octets then, and counts as many as it is given: so it is given as many as
 * before. If fewer are offered now, the rest has left already when it is offered. */
static int32_t mbed_send(void *ctx, const void *p, size_t n) {
    popcl_mbedtls *t = ctx;
    if (t->ahead) {
        if (n > t->ahead) n = t->ahead;
        t->ahead -= n;
        return (int32_t)n;
    }
    size_t len = t->held ? t->held : n;
    int sent = mbedtls_ssl_write(&t->ssl, p, len);
    t->held = mbed_is_again(sent) ? len : 0;
    if (sent > 0) {
        t->ahead = (size_t)sent > n ? (size_t)sent - n : 0;
        return (int32_t)((size_t)sent - t->ahead);
    }
    if (sent == 0 || mbed_is_again(sent)) return POPCL_NET_AGAIN;
    t->code = sent;
    return POPCL_NET_FAILED;
}

/* A record may have more octets than the last recv took. The port below does not know of them. */
static int32_t mbed_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    popcl_mbedtls *t = ctx;
    unsigned has = (t->end || mbedtls_ssl_check_pending(&t->ssl) ? POPCL_RECV : 0u) |
                   (t->ahead ? POPCL_SEND : 0u);
    has &= want;
    int32_t can = t->below->wait(t->below_ctx, want, has ? 0 : limit_ms);
    return can < 0 || can == POPCL_NET_STOP ? can : (int32_t)((unsigned)can | has);
}

static int mbed_code(void *ctx) {
    const popcl_mbedtls *t = ctx;
    return t->code;
}

/* Mbed TLS's verdict is on the chain, and on the name that mbed_prepare gave. But it is 0 also if
 * the settings let it judge nothing. */
static int mbed_secured(void *ctx) {
    const popcl_mbedtls *t = ctx;
    int judges = t->conf->authmode == MBEDTLS_SSL_VERIFY_REQUIRED;
    return t->up && judges && mbedtls_ssl_get_verify_result(&t->ssl) == 0;
}

static const popcl_end_point *mbed_end_point(void *ctx) {
    const popcl_mbedtls *t = ctx;
    return t->end_point.len ? &t->end_point : NULL;
}

const popcl_net popcl_mbedtls_net = {
    .open = mbed_open,
    .recv = mbed_recv,
    .send = mbed_send,
    .wait = mbed_wait,
    .close = mbed_close,
    .now_ms = mbed_now_ms,
    .code = mbed_code,
    .secured = mbed_secured,
    .end_point = mbed_end_point,
};
