/* SPDX-License-Identifier: MIT */
/* link_tls - TLS below a session: BearSSL's engine between the transport's records and the
 * session's octets. The octets stay in the record buffer, at the place of their decryption. This
 * file knows TLS and the link's table, not POP3. It is a pump of popcl's own: it asks the engine
 * what it can take and give, a record at a time.
 *
 * It also watches the records go by, for two facts that the engine does not report. They are the
 * length of records, and whether the server granted the fragment length. Private fields of the
 * engine are written only in open, fit_buffer and secure. They are read only in secure, tls_state,
 * tls_forget and popcl_tls_get_diag. */
#include <string.h>

#include "../core/link.h"
#include "../core/seed.h"
#include "../core/text.h"
#include "../core/zero.h"
#include "name.h"
#include "profile.h"
#include "resume.h"

#define HEADER 5u /* octets of a record's header (RFC 5246, 6.2) */
/* bytes that BearSSL wants beside the text if it does not know that only AEAD suites are used */
#define HANDSHAKE_ROOM 325u
#define LARGEST        (16384 + HANDSHAKE_ROOM) /* bytes: more of one buffer is of no use */
/* a whole record: more octets than these without any text are no progress */
#define IDLE_OCTETS 16709u

static popcl_tls_session *session_of(const popcl_tls *t) { return t->storage; }

static void *x509_of(const popcl_tls *t) {
    return (unsigned char *)t->storage + t->profile->state_at;
}

static br_ssl_engine_context *engine_of(const popcl_link *l) {
    return &session_of(l->tls)->ssl.eng;
}

static void breathe(const popcl_tls_session *s) {
    if (s->tls->breathe) s->tls->breathe(s->tls->breathe_ctx);
}

/* ---- certificates ---- */

/* BearSSL calls the profile's judge through these functions, so that a watchdog is fed around each
 * of its steps. */

static popcl_tls_session *session_of_x509(const br_x509_class *const *ctx) {
    return (popcl_tls_session *)(void *)((unsigned char *)(void *)ctx -
                                         offsetof(popcl_tls_session, x509));
}

static void start_chain(const br_x509_class **ctx, const char *server_name) {
    popcl_tls_session *s = session_of_x509(ctx);
    (*s->judge)->start_chain(s->judge, server_name);
}

static void start_cert(const br_x509_class **ctx, uint32_t length) {
    popcl_tls_session *s = session_of_x509(ctx);
    (*s->judge)->start_cert(s->judge, length);
}

static void append(const br_x509_class **ctx, const unsigned char *p, size_t n) {
    popcl_tls_session *s = session_of_x509(ctx);
    breathe(s);
    (*s->judge)->append(s->judge, p, n);
    breathe(s);
}

static void end_cert(const br_x509_class **ctx) {
    popcl_tls_session *s = session_of_x509(ctx);
    (*s->judge)->end_cert(s->judge);
    breathe(s);
}

static unsigned end_chain(const br_x509_class **ctx) {
    popcl_tls_session *s = session_of_x509(ctx);
    unsigned e = (*s->judge)->end_chain(s->judge);
    breathe(s);
    return e;
}

/* The key is copied into the session, so that check_ecdsa and check_rsa find the session by the
 * key's place. */
static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages) {
    popcl_tls_session *s = session_of_x509(ctx);
    const br_x509_pkey *key = (*s->judge)->get_pkey((const br_x509_class *const *)s->judge, usages);
    breathe(s);
    if (!key) return NULL;
    s->key = *key;
    return &s->key;
}

static const br_x509_class judged = {
    sizeof(const br_x509_class *), start_chain, start_cert, append, end_cert, end_chain, get_pkey};

/* The server's signature over its half of ECDHE. The two multiplications of ECDHE follow in the
 * same step, so a watchdog is fed between. BearSSL's functions carry no context, but their key is
 * the session's. */

static uint32_t check_ecdsa(const br_ec_impl *ec, const void *hash, size_t hash_len,
                            const br_ec_public_key *key, const void *sig, size_t sig_len) {
    const popcl_tls_session *s =
        (const popcl_tls_session *)(const void *)((const unsigned char *)key -
                                                  offsetof(popcl_tls_session, key.key.ec));
    uint32_t ok = s->tls->profile->ecdsa(ec, hash, hash_len, key, sig, sig_len);
    breathe(s);
    return ok;
}

static uint32_t check_rsa(const unsigned char *sig, size_t sig_len, const unsigned char *hash_oid,
                          size_t hash_len, const br_rsa_public_key *key, unsigned char *hash) {
    const popcl_tls_session *s =
        (const popcl_tls_session *)(const void *)((const unsigned char *)key -
                                                  offsetof(popcl_tls_session, key.key.rsa));
    uint32_t ok = s->tls->profile->rsa(sig, sig_len, hash_oid, hash_len, key, hash);
    breathe(s);
    return ok;
}

/* ---- watching records ---- */

/* One octet of the ServerHello (RFC 5246, 7.4.1.3). Its extensions are searched for
 * max_fragment_length (RFC 6066, 4). Octets after the message are not looked at, nor is any other
 * message. */
enum { AT_LENGTH = 2, AT_ID_LENGTH = 38, BEHIND_ID = 44, NO_HELLO = 0xffff };

static void watch_hello(popcl_tls_session *s, unsigned octet) {
    unsigned at = s->hello_at++;
    if (at == 0 && octet != 2) s->hello_at = NO_HELLO;
    /* up to 8 KB; real ones have up to 200 octets */
    if (at == AT_LENGTH) s->hello_end = (uint16_t)((octet & 0x1fu) << 8);
    if (at == AT_LENGTH + 1) s->hello_end = (uint16_t)(s->hello_end + octet + 4);
    if (at == AT_ID_LENGTH) s->extension_at = (uint16_t)(BEHIND_ID + octet);
    if (at > AT_ID_LENGTH && at >= s->extension_at) {
        unsigned field = at - s->extension_at;
        if (field == 0 || field == 2)
            s->extension = (uint16_t)(octet << 8);
        else
            s->extension = (uint16_t)(s->extension | octet);
        if (field == 1 && s->extension == 1) s->fragment = POPCL_FRAGMENT_GRANTED;
        if (field == 3) s->extension_at = (uint16_t)(s->extension_at + 4 + (s->extension & 0x1fff));
    }
    if (at > AT_LENGTH && s->hello_at >= s->hello_end) {
        if (s->fragment == POPCL_FRAGMENT_UNKNOWN && s->fragment_asked)
            s->fragment = POPCL_FRAGMENT_IGNORED;
        s->hello_at = NO_HELLO;
    }
}

/* Octets that the transport put into the buffer. They never cross the end of a record, since the
 * engine asks for no more. */
static void watch(popcl_tls_session *s, const unsigned char *p, size_t n) {
    for (; n && s->record_at < HEADER; n--, p++) {
        unsigned at = s->record_at++;
        if (at == 1 && *p == 3 && !s->minor) s->minor = 1;
        if (at == 2 && s->minor) s->minor = (uint8_t)(1 + (*p & 0x7f));
        if (at == 3) s->record_len = (uint32_t)*p << 8;
        if (at == 4) s->record_len += *p + HEADER;
    }
    for (; n && s->hello_at != NO_HELLO; n--, p++, s->record_at++)
        watch_hello(s, *p);
    s->record_at += (uint32_t)n;
    if (s->record_at >= HEADER && s->record_at >= s->record_len) s->record_at = 0;
}

/* ---- towards the transport ---- */

/* A full handshake ends with a message of the server's, a resumed one with ours. */
static void note_up(popcl_tls_session *s) {
    if (br_ssl_engine_current_state(&s->ssl.eng) & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)) s->is_up = 1;
}

static unsigned char *tls_recv_buf(const popcl_link *l, size_t *n) {
    return br_ssl_engine_recvrec_buf(engine_of(l), n);
}

static int tls_recv_ack(popcl_link *l, size_t n) {
    popcl_tls_session *s = session_of(l->tls);
    size_t got, text;
    watch(s, br_ssl_engine_recvrec_buf(&s->ssl.eng, &got), n);
    br_ssl_engine_recvrec_ack(&s->ssl.eng, n);
    if (!s->is_up) breathe(s); /* ECDHE may have been in these octets */
    br_ssl_engine_recvapp_buf(&s->ssl.eng, &text);
    l->in_from = text ? 0 : l->in_from + n;
    note_up(s);
    return l->in_from <= IDLE_OCTETS;
}

static const unsigned char *tls_send_buf(const popcl_link *l, size_t *n) {
    return br_ssl_engine_sendrec_buf(engine_of(l), n);
}

static void tls_send_ack(popcl_link *l, size_t n) {
    br_ssl_engine_sendrec_ack(engine_of(l), n);
    note_up(session_of(l->tls));
    br_ssl_engine_sendrec_buf(engine_of(l), &n);
    if (n == 0) l->out_to = 0;
}

/* ---- towards the session ---- */

static const unsigned char *tls_in(const popcl_link *l, size_t *n) {
    return br_ssl_engine_recvapp_buf(engine_of(l), n);
}

static void tls_in_ack(popcl_link *l, size_t n) {
    if (n) br_ssl_engine_recvapp_ack(engine_of(l), n);
}

static unsigned char *tls_out(const popcl_link *l, size_t *n) {
    return br_ssl_engine_sendapp_buf(engine_of(l), n);
}

static void tls_out_ack(popcl_link *l, size_t n) {
    br_ssl_engine_sendapp_ack(engine_of(l), n);
    l->out_to = (uint16_t)(l->out_to + n);
}

/* All commands that can leave now are one record. The server can read no part of them before the
 * last octet of the record came. */
static void tls_flush(const popcl_link *l) { br_ssl_engine_flush(engine_of(l), 0); }

static size_t tls_unsent(const popcl_link *l) { return l->out_to; }

/* Takes the records from the engine, so that its buffer is free to read into. out_to, the count of
 * unsent octets, stays. */
static void tls_give_up_sending(popcl_link *l) {
    size_t n;
    while (br_ssl_engine_sendrec_buf(engine_of(l), &n))
        br_ssl_engine_sendrec_ack(engine_of(l), n);
}

static enum popcl_link_state tls_state(const popcl_link *l) {
    const br_ssl_engine_context *e = engine_of(l);
    if (br_ssl_engine_last_error(e)) return POPCL_LINK_FAILED;
    /* the peer's close_notify came */
    if (e->shutdown_recv || br_ssl_engine_current_state(e) == BR_SSL_CLOSED)
        return POPCL_LINK_ENDED;
    /* stuck: the engine has to answer, and half a handshake message is in the buffer */
    if (br_ssl_engine_current_state(e) == 0) return POPCL_LINK_FAILED;
    return session_of(l->tls)->is_up ? POPCL_LINK_UP : POPCL_LINK_SECURING;
}

/* The results for BearSSL's errors and for the server's alerts. An error that is in neither table
 * is a server that breaks the protocol. */
static const unsigned char errors[][2] = {
    {BR_ERR_TOO_LARGE, POPCL_ERR_TLS_RECORD_SIZE},
    {BR_ERR_BAD_MAC, POPCL_ERR_TLS_CORRUPT},
    {BR_ERR_BAD_FINISHED, POPCL_ERR_TLS_CORRUPT},
    {BR_ERR_NO_RANDOM, POPCL_ERR_SEED},
    {BR_ERR_UNSUPPORTED_VERSION, POPCL_ERR_TLS_VERSION},
    {BR_ERR_BAD_CIPHER_SUITE, POPCL_ERR_TLS_ALGORITHMS},
    {BR_ERR_INVALID_ALGORITHM, POPCL_ERR_TLS_ALGORITHMS},
    {BR_ERR_BAD_SIGNATURE, POPCL_ERR_TLS_PROOF},
    {BR_ERR_WRONG_KEY_USAGE, POPCL_ERR_CERT_USAGE},
};
enum { HANDSHAKE_FAILURE = 40, TLS12_MINOR = 3 };
static const unsigned char alerts[][2] = {
    {HANDSHAKE_FAILURE, POPCL_ERR_TLS_ALGORITHMS},
    {71, POPCL_ERR_TLS_ALGORITHMS}, /* insufficient_security */
    {70, POPCL_ERR_TLS_VERSION},    /* protocol_version: from a server for TLS 1.3 alone */
};

static popcl_err look_up(const unsigned char (*table)[2], size_t rows, int key,
                         popcl_err otherwise) {
    for (size_t i = 0; i < rows; i++) {
        if (table[i][0] == key) return (popcl_err)table[i][1];
    }
    return otherwise;
}
#define LOOK_UP(table, key, otherwise)                                                             \
    look_up(table, sizeof table / sizeof table[0], key, otherwise)

static popcl_err tls_why(const popcl_link *l) {
    const popcl_tls_session *s = session_of(l->tls);
    int e = br_ssl_engine_last_error(&s->ssl.eng);
    if (!s->minor && e == BR_ERR_UNSUPPORTED_VERSION) return POPCL_ERR_TLS_NOT_TLS;
    if (s->is_up && e == BR_ERR_UNSUPPORTED_VERSION) return POPCL_ERR_TLS_PROTOCOL;
    /* A server for TLS 1.1 takes our hello as one of 1.1 and finds none of its suites there. It
     * reports that in a record of 1.1. */
    if (e == BR_ERR_RECV_FATAL_ALERT + HANDSHAKE_FAILURE && s->minor < 1 + TLS12_MINOR)
        return POPCL_ERR_TLS_VERSION;
    /* Once version and suite are agreed, the same alerts have other reasons. For example,
     * handshake_failure is about a certificate of ours. */
    if (e >= BR_ERR_RECV_FATAL_ALERT && e < BR_ERR_SEND_FATAL_ALERT) {
        popcl_err early = LOOK_UP(alerts, e - BR_ERR_RECV_FATAL_ALERT, POPCL_ERR_TLS_ALERT);
        /* not all suites were offered: see resume.c */
        if (s->offered && early == POPCL_ERR_TLS_ALGORITHMS) early = POPCL_ERR_RESUME_REFUSED;
        return s->hello_end ? POPCL_ERR_TLS_ALERT : early;
    }
    if (e > BR_ERR_X509_OK && e < BR_ERR_RECV_FATAL_ALERT) {
        popcl_err verdict = l->tls->profile->x509->verdict(x509_of(l->tls));
        return verdict ? verdict : POPCL_ERR_CERT_UNCHECKED;
    }
    return LOOK_UP(errors, e, POPCL_ERR_TLS_PROTOCOL);
}

/* close_notify can go out only if the buffer is free. So text that was not taken is dropped, and
 * inside a record nothing is sent. */
static int tls_close(popcl_link *l) {
    br_ssl_engine_context *e = engine_of(l);
    size_t n;
    while (br_ssl_engine_recvapp_buf(e, &n))
        br_ssl_engine_recvapp_ack(e, n);
    br_ssl_engine_close(e);
    br_ssl_engine_sendrec_buf(e, &n);
    return n != 0;
}

static const popcl_link_ops ops = {
    .recv_buf = tls_recv_buf,
    .recv_ack = tls_recv_ack,
    .send_buf = tls_send_buf,
    .send_ack = tls_send_ack,
    .in = tls_in,
    .in_ack = tls_in_ack,
    .out = tls_out,
    .out_ack = tls_out_ack,
    .flush = tls_flush,
    .unsent = tls_unsent,
    .give_up_sending = tls_give_up_sending,
    .state = tls_state,
    .why = tls_why,
    .close = tls_close,
};

/* ---- the layer ---- */

typedef char ssl_is_the_last[sizeof(popcl_tls_session) - offsetof(popcl_tls_session, ssl) -
                                         sizeof(br_ssl_client_context) <
                                     sizeof(uint64_t)
                                 ? 1
                                 : -1];

static int aligned(const void *storage) {
    struct probe {
        char c;
        popcl_tls_session s;
    };
    return (uintptr_t)storage % offsetof(struct probe, s) == 0;
}

static popcl_err tls_check(const popcl_config *cfg) {
    const popcl_tls *t = cfg->tls;
    char name[256];
    if (!t->storage || t->storage_len < t->profile->storage_len || !aligned(t->storage))
        return POPCL_ERR_TLS_STORAGE;
    const char *given = t->name ? t->name : cfg->host;
    if (!given || !popcl_is_host(given) || !popcl_name_copy(name, given)) return POPCL_ERR_HOST;
    if (t->fragment &&
        (t->fragment < 512 || t->fragment > 4096 || t->fragment & (t->fragment - 1u)))
        return POPCL_ERR_ARGUMENT;
    if (t->names && !t->names_len) return POPCL_ERR_ARGUMENT;
    if (t->resume && !t->resumption) return POPCL_ERR_ARGUMENT;
    if (cfg->iobuf_len < POPCL_IOBUF_SIZE(512)) return POPCL_ERR_IOBUF_SMALL;
    if (!popcl_seed_is_usable(cfg->seed)) return POPCL_ERR_SEED;
    return t->profile->x509->check(t);
}

static popcl_err open(const popcl_config *cfg) {
    const popcl_tls *t = cfg->tls;
    const popcl_tls_profile *p = t->profile;
    popcl_err e = tls_check(cfg);
    if (e) return e;
    popcl_tls_session *s = session_of(t);
    br_ssl_engine_context *eng = &s->ssl.eng;
    memset(s, 0, offsetof(popcl_tls_session, ssl)); /* the judge's state, after it, is zeroed too */
    br_ssl_client_zero(&s->ssl);
    memset(s + 1, 0, p->storage_len - sizeof *s);
    br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_suites(eng, p->suites, p->suites_len);
    for (const br_hash_class *const *h = p->hashes; *h; h++)
        br_ssl_engine_set_hash(eng, popcl_tls_hash_id(*h), *h);
    p->ciphers(eng);
    s->ec = *p->ec;
    s->ec.supported_curves &= p->curves;
    br_ssl_engine_set_ec(eng, &s->ec);
    br_ssl_engine_set_ecdsa(eng, check_ecdsa);
    if (p->rsa) br_ssl_engine_set_rsavrfy(eng, check_rsa);
    br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
    eng->rng_os_rand_done = 1; /* the seed is all the randomness: the library does no I/O */
    br_ssl_engine_inject_entropy(eng, cfg->seed->bytes, sizeof cfg->seed->bytes);
    popcl_name_copy(eng->server_name, t->name ? t->name : cfg->host);
    if (t->resume) t->resumption->open(cfg);
    return POPCL_OK;
}

/* Gives the buffer to the engine. BearSSL does not know that only AEAD records come, which need 29
 * octets beside their text and not 325. So it first gets the size that it wants for the fragment.
 * Then, before anything is in the buffer, it gets the real size. A large buffer becomes two, one
 * for each direction: BearSSL can then do both at a time. */
static void fit_buffer(popcl_tls_session *s, popcl_link *l) {
    size_t len = l->len < LARGEST ? l->len : LARGEST;
    br_ssl_engine_context *e = &s->ssl.eng;
    const popcl_tls *t = s->tls;
    size_t fragment = 16384;
    /* 8192 is left out: RFC 6066, 4 */
    while (fragment + 29 > len || (t->fragment && fragment > t->fragment))
        fragment = fragment == 16384 ? 4096 : fragment / 2;
    br_ssl_engine_set_buffer(e, l->buf, fragment + HANDSHAKE_ROOM, 0);
    e->ibuf_len = e->obuf_len = len;
    l->one_way = l->len < POPCL_IOBUF_DUPLEX;
    if (!l->one_way) {
        e->obuf = l->buf + len;
        e->obuf_len = l->len - len < LARGEST ? l->len - len : LARGEST;
    }
    if (t->ask_no_fragment) e->log_max_frag_len = 14;
    s->iobuf_len = (uint32_t)e->ibuf_len;
    if (e->log_max_frag_len < 14) s->fragment_asked = (uint16_t)fragment;
}

static void secure(popcl_link *l) {
    popcl_tls_session *s = session_of(l->tls);
    unsigned char address[16];
    /* The buffer holds the name until the ClientHello is written there, after the name is read. */
    char *name = (char *)l->buf, *kept = s->ssl.eng.server_name;
    s->tls = l->tls;
    memcpy(name, kept, sizeof s->ssl.eng.server_name);
    enum popcl_name_kind kind = popcl_name_kind(name, address);
    /* If no name is sent, BearSSL makes the first octet 0. So an address is kept after that
     * octet. */
    if (kind == POPCL_NAME_IPV4 || kind == POPCL_NAME_IPV6) memcpy(++kept, name, strlen(name) + 1);
    s->x509 = &judged;
    s->judge = l->tls->profile->x509->open(x509_of(l->tls), l->tls, kept);
    br_ssl_engine_set_x509(&s->ssl.eng, &s->x509);
    fit_buffer(s, l);
    if (l->tls->resume) s->offered = (uint8_t)l->tls->resumption->offer(l->tls);
    br_ssl_client_reset(&s->ssl, kind == POPCL_NAME_HOST ? name : NULL, s->offered);
    l->in_from = 0;
    l->out_to = 0;
    l->ops = &ops;
}

static void tls_logged_in(const popcl_tls *t) {
    if (t->resume) t->resumption->keep(t);
}

static void *spare(const popcl_tls *t, size_t *n) { return t->profile->x509->spare(x509_of(t), n); }

static size_t tls_end_point(const popcl_tls *t, unsigned char *hash) {
    const popcl_tls_session *s = session_of(t);
    popcl_tls_diag d = {.end_point_len = 0};
    if (!s->is_up) return 0;
    t->profile->x509->tell(x509_of(t), &d);
    if (s->offered) t->resumption->tell(t, &d);
    memcpy(hash, d.end_point, d.end_point_len);
    return d.end_point_len;
}

static void tls_forget(const popcl_tls *t) {
    popcl_tls_session *s = session_of(t);
    if (t->resume) t->resumption->end(t);
    s->error = (int16_t)br_ssl_engine_last_error(&s->ssl.eng);
    if (s->hello_end) { /* otherwise they may be those of the session that was offered */
        s->version = s->ssl.eng.session.version;
        s->suite = s->ssl.eng.session.cipher_suite;
    }
    s->curve = s->ssl.eng.ecdhe_curve;
    popcl_zero(&s->ssl, sizeof s->ssl);
}

static void wipe(const popcl_tls *t) {
    if (t->resume) t->resumption->end(t);
    popcl_zero(t->storage, t->profile->storage_len);
}

const popcl_tls_layer popcl_tls_link = {
    .open = open,
    .secure = secure,
    .logged_in = tls_logged_in,
    .spare = spare,
    .end_point = tls_end_point,
    .forget = tls_forget,
    .wipe = wipe,
};

/* ---- diagnosis ---- */

void popcl_tls_get_diag(const popcl_tls *t, popcl_tls_diag *d) {
    const popcl_tls_session *s = session_of(t);
    const br_ssl_engine_context *e = &s->ssl.eng;
    int running = e->ibuf != NULL; /* otherwise the session is over, or has not come to TLS yet */
    memset(d, 0, sizeof *d);
    d->version = running && s->hello_end ? e->session.version : s->version;
    d->suite = running && s->hello_end ? e->session.cipher_suite : s->suite;
    d->curve = running ? e->ecdhe_curve : s->curve;
    d->error = running ? br_ssl_engine_last_error(e) : s->error;
    if (d->error >= BR_ERR_RECV_FATAL_ALERT) d->alert = (uint8_t)(d->error & 0xff);
    d->fragment_asked = s->fragment_asked;
    d->fragment = s->fragment;
    if (s->minor) d->record_len = s->record_len; /* otherwise the length is made of letters */
    d->iobuf_len = s->iobuf_len;
    if (s->is_up || t->profile->x509->verdict(x509_of(t))) t->profile->x509->tell(x509_of(t), d);
    if (s->is_up && s->offered) t->resumption->tell(t, d);
}

const char *popcl_tls_suite_name(uint16_t suite) {
    static const struct {
        uint16_t number;
        char name[31];
    } names[] = {
        {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305"},
        {BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305"},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256"},
        {BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384"},
        {BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].number == suite) return names[i].name;
    }
    return "";
}
