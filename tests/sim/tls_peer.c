/* SPDX-License-Identifier: MIT */
/* tls_peer - see tls_peer.h. */
#include "tls_peer.h"

#include <stdlib.h>
#include <string.h>

/* octets that a cipher needs around a record's text */
enum { HEADER = 5, CHANGE_CIPHER_SPEC = 20, BEFORE = 32, AFTER = 32 };

static void push(tls_octets *o, const void *p, size_t n) {
    if (o->at == o->n) o->at = o->n = 0;
    if (o->n + n > o->room) {
        o->room = (o->n + n) * 2 + 4096;
        o->p = realloc(o->p, o->room);
        if (!o->p) abort();
    }
    if (n) memcpy(o->p + o->n, p, n);
    o->n += n;
}

static size_t pull(tls_octets *o, void *p, size_t n) {
    if (n > o->n - o->at) n = o->n - o->at;
    if (n) memcpy(p, o->p + o->at, n);
    o->at += n;
    return n;
}

/* ---- the engine ---- */

/* Handshake messages in records of another length: what is hashed is messages, not records. */
static void flush_messages(tls_peer *p) {
    for (size_t at = 0, n; at < p->messages_n; at += n) {
        n = p->messages_n - at < p->setup.handshake_records ? p->messages_n - at
                                                            : p->setup.handshake_records;
        unsigned char header[HEADER] = {TLS_HANDSHAKE, 3, 3, (unsigned char)(n >> 8),
                                        (unsigned char)n};
        push(&p->wire, header, HEADER);
        push(&p->wire, p->messages + at, n);
    }
    p->messages_n = 0;
}

/* One record that the engine made. */
static void send_made(tls_peer *p, const unsigned char *record, size_t n) {
    if (p->setup.handshake_records && record[0] == TLS_HANDSHAKE && !p->ciphered) {
        if (p->messages_n + n > sizeof p->messages) abort();
        memcpy(p->messages + p->messages_n, record + HEADER, n - HEADER);
        p->messages_n += n - HEADER;
        return;
    }
    flush_messages(p);
    if (record[0] == CHANGE_CIPHER_SPEC) p->ciphered = 1;
    push(&p->wire, record, n);
}

static void drain(tls_peer *p) {
    br_ssl_engine_context *e = &p->ssl.eng;
    size_t n;
    unsigned char *made;
    while ((made = br_ssl_engine_sendrec_buf(e, &n)) != NULL) {
        for (size_t at = 0, len; at < n; at += len) {
            len = HEADER + ((size_t)made[at + 3] << 8 | made[at + 4]);
            send_made(p, made + at, len);
        }
        br_ssl_engine_sendrec_ack(e, n);
    }
    if (br_ssl_engine_current_state(e) & BR_SSL_RECVREC) flush_messages(p);
    while ((made = br_ssl_engine_recvapp_buf(e, &n)) != NULL) {
        push(&p->heard, made, n);
        br_ssl_engine_recvapp_ack(e, n);
    }
}

static void note_end(tls_peer *p) {
    int error = br_ssl_engine_last_error(&p->ssl.eng);
    if (br_ssl_engine_current_state(&p->ssl.eng) != BR_SSL_CLOSED || p->error || p->notified)
        return;
    p->error = error;
    if (error >= BR_ERR_RECV_FATAL_ALERT && error < BR_ERR_SEND_FATAL_ALERT)
        p->alert = error - BR_ERR_RECV_FATAL_ALERT;
    p->notified = error == BR_ERR_OK;
}

static void count_records(tls_peer *p, const unsigned char *from, size_t n) {
    while (n) {
        if (p->rest) {
            size_t some = n < p->rest ? n : p->rest;
            p->rest -= some, from += some, n -= some;
            continue;
        }
        p->header[p->header_n++] = *from++, n--;
        if (p->header_n < sizeof p->header) continue;
        p->header_n = 0;
        p->rest = (size_t)p->header[3] << 8 | p->header[4];
        p->records += p->header[0] == TLS_DATA;
    }
}

void tls_peer_take(tls_peer *p, const void *octets, size_t n) {
    const unsigned char *from = octets;
    size_t room;
    count_records(p, from, n);
    while (n) {
        unsigned char *to = br_ssl_engine_recvrec_buf(&p->ssl.eng, &room);
        if (!to) break; /* it is closed */
        if (room > n) room = n;
        memcpy(to, from, room);
        from += room;
        n -= room;
        br_ssl_engine_recvrec_ack(&p->ssl.eng, room);
        drain(p);
    }
    note_end(p);
}

int tls_peer_open(const tls_peer *p) {
    return (br_ssl_engine_current_state(&p->ssl.eng) & BR_SSL_SENDAPP) != 0;
}

/* ---- the server's sessions ---- */

static void save_session(const br_ssl_session_cache_class **calls, br_ssl_server_context *ssl,
                         const br_ssl_session_parameters *session) {
    tls_sessions *s = (tls_sessions *)(void *)calls;
    (void)ssl;
    s->kept[s->n++ % (sizeof s->kept / sizeof s->kept[0])] = *session;
}

static int load_session(const br_ssl_session_cache_class **calls, br_ssl_server_context *ssl,
                        br_ssl_session_parameters *session) {
    tls_sessions *s = (tls_sessions *)(void *)calls;
    (void)ssl;
    s->asked++;
    memcpy(s->last_asked, session->session_id, sizeof s->last_asked);
    for (size_t i = 0; i < sizeof s->kept / sizeof s->kept[0] && !s->same_number; i++) {
        if (!s->kept[i].session_id_len ||
            memcmp(s->kept[i].session_id, session->session_id, sizeof session->session_id) != 0)
            continue;
        *session = s->kept[i];
        if (s->other_suite) session->cipher_suite = s->other_suite;
        if (s->other_secret) session->master_secret[7] ^= 0x10;
        s->resumed++;
        return 1;
    }
    return 0;
}

static const br_ssl_session_cache_class session_calls = {sizeof(tls_sessions), save_session,
                                                         load_session};

/* ---- the server's choices ---- */

/* Between the ClientHello and the ServerHello: the moment to forget what the client asked for. */
static int choose(const br_ssl_server_policy_class **policy, const br_ssl_server_context *ssl,
                  br_ssl_server_choices *choices) {
    tls_peer *p = (tls_peer *)(void *)((char *)policy - offsetof(tls_peer, policy));
    int chosen = p->ssl.chain_handler.vtable->choose(&p->ssl.chain_handler.vtable, ssl, choices);
    if (p->setup.ignores_fragment) p->ssl.eng.peer_log_max_frag_len = 0;
    if (p->setup.sessions && p->setup.sessions->same_number)
        memcpy(p->ssl.eng.session.session_id, p->setup.sessions->last_asked, 32);
    return chosen;
}

static size_t sign(const br_ssl_server_policy_class **policy, unsigned algorithm,
                   unsigned char *data, size_t hash_len, size_t len) {
    tls_peer *p = (tls_peer *)(void *)((char *)policy - offsetof(tls_peer, policy));
    return p->ssl.chain_handler.vtable->do_sign(&p->ssl.chain_handler.vtable, algorithm, data,
                                                hash_len, len);
}

static const br_ssl_server_policy_class policy_calls = {sizeof(br_ssl_server_policy_class *),
                                                        choose, NULL, sign};

void tls_peer_init(tls_peer *p, const tls_peer_setup *setup) {
    static const uint16_t suites[] = {
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    };
    const br_x509_certificate *shown = pki_certificate(setup->certificate);
    tls_peer_free(p);
    memset(p, 0, sizeof *p);
    p->setup = *setup;
    p->alert = -1;
    if (setup->certificate == PKI_RSA)
        br_ssl_server_init_full_rsa(&p->ssl, shown, 1, pki_rsa_key());
    else
        br_ssl_server_init_full_ec(&p->ssl, shown, 1, BR_KEYTYPE_EC, pki_key(setup->certificate));
    p->policy = &policy_calls;
    br_ssl_server_set_policy(&p->ssl, &p->policy);
    br_ssl_engine_context *e = &p->ssl.eng;
    unsigned version = setup->version ? setup->version : BR_TLS12;
    br_ssl_engine_set_versions(e, version, version);
    if (setup->suite)
        br_ssl_engine_set_suites(e, &p->setup.suite, 1);
    else if (version == BR_TLS12)
        br_ssl_engine_set_suites(e, suites, sizeof suites / sizeof suites[0]);
    br_ssl_engine_set_buffers_bidi(e, p->in, sizeof p->in, p->out, sizeof p->out);
    e->rng_os_rand_done = 1; /* the same octets every time */
    br_ssl_engine_inject_entropy(e, "a server's seed, for tests alone", 32);
    if (setup->sessions) {
        setup->sessions->calls = &session_calls;
        setup->sessions->connections++;
        br_ssl_engine_inject_entropy(e, &setup->sessions->connections,
                                     sizeof setup->sessions->connections);
        br_ssl_server_set_cache(&p->ssl, &setup->sessions->calls);
    }
    br_ssl_server_reset(&p->ssl);
}

void tls_peer_free(tls_peer *p) {
    free(p->wire.p);
    free(p->heard.p);
    memset(&p->wire, 0, sizeof p->wire);
    memset(&p->heard, 0, sizeof p->heard);
}

size_t tls_peer_give(tls_peer *p, void *octets, size_t n) { return pull(&p->wire, octets, n); }

size_t tls_peer_waiting(const tls_peer *p) { return p->wire.n - p->wire.at; }

size_t tls_peer_hear(tls_peer *p, void *text, size_t n) { return pull(&p->heard, text, n); }

/* ---- the record writer ---- */

void tls_peer_clear(tls_peer *p, const void *octets, size_t n) { push(&p->wire, octets, n); }

void tls_peer_record(tls_peer *p, int type, const void *text, size_t n) {
    br_ssl_engine_context *e = &p->ssl.eng;
    unsigned char *room = malloc(BEFORE + n + AFTER);
    if (!room || n > 65000) abort();
    if (n) memcpy(room + BEFORE, text, n);
    unsigned char *record =
        e->out.vtable->encrypt(&e->out.vtable, type, BR_TLS12, room + BEFORE, &n);
    if (p->corrupt) record[n - 1] ^= 1;
    p->corrupt = 0;
    push(&p->wire, record, n);
    free(room);
}

void tls_peer_say(tls_peer *p, const void *text, size_t n) {
    const unsigned char *from = text;
    size_t most = p->fragment                        ? p->fragment
                  : p->ssl.eng.peer_log_max_frag_len ? (size_t)1 << p->ssl.eng.peer_log_max_frag_len
                                                     : 16384;
    while (n) {
        size_t piece = n < most ? n : most;
        for (size_t i = 0; i < p->empty; i++)
            tls_peer_record(p, TLS_DATA, "", 0);
        tls_peer_record(p, TLS_DATA, from, piece);
        from += piece;
        n -= piece;
    }
}

void tls_peer_alert(tls_peer *p, int level, int number) {
    unsigned char text[2] = {(unsigned char)level, (unsigned char)number};
    tls_peer_record(p, TLS_ALERT, text, sizeof text);
}

/* ---- snapshots ---- */

void tls_peer_save(const tls_peer *p, tls_peer *saved) {
    if (p->wire.at != p->wire.n || p->heard.at != p->heard.n) abort();
    *saved = *p;
}

void tls_peer_restore(tls_peer *p, const tls_peer *saved) {
    tls_octets wire = p->wire, heard = p->heard;
    *p = *saved;
    wire.at = wire.n = heard.at = heard.n = 0;
    p->wire = wire;
    p->heard = heard;
}
