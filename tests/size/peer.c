/* SPDX-License-Identifier: MIT */
/* peer - see peer.h. Octets from the wire go through the engine to `line`, answers wait in `out`
 * until engine or wire takes them. */
#include "peer.h"

#include <string.h>

unsigned char peer_octet(uint32_t n) {
    uint32_t column = n % PEER_LINE;
    return (unsigned char)(column == PEER_LINE - 2   ? '\r'
                           : column == PEER_LINE - 1 ? '\n'
                                                     : 'a' + (n + n / PEER_LINE) % 26);
}

static void say(peer *p, const char *text) {
    size_t n = strlen(text);
    if (p->out_from == p->out_to) p->out_from = p->out_to = 0;
    if (n > sizeof p->out - p->out_to)
        p->wrong = 1;
    else
        memcpy(p->out + p->out_to, text, n), p->out_to += n;
}

static void say_number(peer *p, uint32_t n) {
    char digits[12], *at = digits + sizeof digits - 1;
    *at = 0;
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    say(p, at);
}

/* The next stretch of the message that is on its way. */
static void say_more(peer *p) {
    if (!p->sending || p->out_from != p->out_to) return;
    p->out_from = p->out_to = 0;
    while (p->at < p->body && p->out_to < sizeof p->out - 8)
        p->out[p->out_to++] = peer_octet(p->at++);
    if (p->at < p->body) return;
    say(p, ".\r\n");
    p->sending = 0;
}

static int is(const peer *p, const char *verb) { return memcmp(p->line, verb, strlen(verb)) == 0; }

static void answer(peer *p) {
    if (is(p, "CAPA"))
        say(p, p->clear && !p->plain ? "+OK\r\nUSER\r\nUIDL\r\nSTLS\r\n.\r\n"
                                     : "+OK\r\nUSER\r\nUIDL\r\n.\r\n");
    else if (p->clear && !p->plain && !is(p, "STLS"))
        p->wrong = 1;
    else if (is(p, "STAT"))
        say(p, "+OK 1 "), say_number(p, p->body), say(p, "\r\n");
    else if (is(p, "UIDL"))
        say(p, "+OK\r\n1 one\r\n.\r\n");
    else if (is(p, "RETR 1"))
        say(p, "+OK\r\n"), p->sending = 1;
    else if (is(p, "STLS") || is(p, "USER " PEER_USER) || is(p, "PASS " PEER_PASSWORD) ||
             is(p, "DELE 1") || is(p, "QUIT"))
        say(p, "+OK\r\n");
    else
        p->wrong = 1;
}

static void take(peer *p, const unsigned char *octets, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (p->line_len < sizeof p->line - 1) p->line[p->line_len++] = (char)octets[i];
        if (octets[i] != '\n') continue;
        p->line[p->line_len] = 0;
        answer(p);
        p->line_len = 0;
    }
}

/* Moves what can be moved between the engine's two sides. */
static void step(peer *p) {
    br_ssl_engine_context *e = &p->ssl.eng;
    size_t n;
    unsigned char *from = br_ssl_engine_recvapp_buf(e, &n);
    if (from) {
        p->secure = 1;
        take(p, from, n);
        br_ssl_engine_recvapp_ack(e, n);
    }
    for (;;) {
        unsigned char *to = br_ssl_engine_sendapp_buf(e, &n);
        say_more(p);
        size_t left = p->out_to - p->out_from;
        if (!to || !left) break;
        n = n < left ? n : left;
        memcpy(to, p->out + p->out_from, n);
        p->out_from += n;
        br_ssl_engine_sendapp_ack(e, n);
        if (p->out_from == p->out_to && !p->sending) br_ssl_engine_flush(e, 0);
    }
}

int peer_open(peer *p, const peer_chain *chain, enum peer_security security, int gcm,
              uint32_t body) {
    static const uint16_t chacha_suites[] = {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                             BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256};
    static const uint16_t gcm_suites[] = {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                          BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256};
    const br_ssl_session_cache_lru sessions = p->sessions;
    unsigned char sessions_room[sizeof p->sessions_room];
    memcpy(sessions_room, p->sessions_room, sizeof sessions_room);
    memset(p, 0, sizeof *p);
    p->sessions = sessions;
    memcpy(p->sessions_room, sessions_room, sizeof sessions_room);
    p->body = body;
    p->clear = security != PEER_TLS;
    p->plain = p->secure = security == PEER_CLEAR;
    br_skey_decoder_init(&p->key);
    br_skey_decoder_push(&p->key, chain->key.octets, chain->key.len);
    if (br_skey_decoder_key_type(&p->key) == BR_KEYTYPE_EC)
        br_ssl_server_init_full_ec(&p->ssl, chain->certs, chain->certs_len, BR_KEYTYPE_EC,
                                   br_skey_decoder_get_ec(&p->key));
    else if (br_skey_decoder_key_type(&p->key) == BR_KEYTYPE_RSA)
        br_ssl_server_init_full_rsa(&p->ssl, chain->certs, chain->certs_len,
                                    br_skey_decoder_get_rsa(&p->key));
    else
        return -1;
    if (strcmp(chain->name, "hostile") == 0) { /* ECDHE with the dearest curve */
        p->ec = *br_ssl_engine_get_ec(&p->ssl.eng);
        p->ec.supported_curves = 1u << BR_EC_secp384r1;
        br_ssl_engine_set_ec(&p->ssl.eng, &p->ec);
    }
    br_ssl_engine_set_suites(&p->ssl.eng, gcm ? gcm_suites : chacha_suites, 2);
    br_ssl_engine_set_versions(&p->ssl.eng, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_buffer(&p->ssl.eng, p->iobuf, sizeof p->iobuf, 1);
    if (!p->sessions.vtable)
        br_ssl_session_cache_lru_init(&p->sessions, p->sessions_room, sizeof p->sessions_room);
    br_ssl_server_set_cache(&p->ssl, &p->sessions.vtable);
    br_ssl_engine_inject_entropy(&p->ssl.eng, "no entropy: the same each time", 30);
    say(p, "+OK ready\r\n");
    return br_ssl_server_reset(&p->ssl) ? 0 : -1;
}

unsigned char *peer_recv_buf(peer *p, size_t *n) {
    if (!p->clear) return br_ssl_engine_recvrec_buf(&p->ssl.eng, n);
    *n = sizeof p->iobuf;
    return p->iobuf;
}

void peer_recv_ack(peer *p, size_t n) {
    if (p->clear)
        take(p, p->iobuf, n);
    else
        br_ssl_engine_recvrec_ack(&p->ssl.eng, n);
}

const unsigned char *peer_send_buf(peer *p, size_t *n) {
    if (!p->clear) {
        step(p);
        return br_ssl_engine_sendrec_buf(&p->ssl.eng, n);
    }
    say_more(p);
    *n = p->out_to - p->out_from;
    return p->out + p->out_from;
}

void peer_send_ack(peer *p, size_t n) {
    if (!p->clear) {
        br_ssl_engine_sendrec_ack(&p->ssl.eng, n);
        return;
    }
    p->out_from += n;
    /* the answer to STLS has left: from here on TLS */
    if (p->out_from == p->out_to && is(p, "STLS")) p->clear = 0;
}
