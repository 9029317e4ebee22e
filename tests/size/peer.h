/* SPDX-License-Identifier: MIT */
/* peer - a POP3 server with one message, over BearSSL's server engine, without I/O: for counting
 * what a client needs in the same process. Speed before size: nothing of it is counted. */
#ifndef PEER_H
#define PEER_H

#include <bearssl.h>
#include <stdint.h>

typedef struct der {
    const unsigned char *octets;
    size_t len;
} der;

/* Certificates made for a run (tests/size/chains.py). */
typedef struct peer_chain {
    const char *name;
    der root;
    br_x509_certificate certs[8]; /* the server's own first */
    size_t certs_len;
    der key;               /* of the server's certificate, as OpenSSL writes it */
    unsigned char pin[32]; /* SHA-256 of its SubjectPublicKeyInfo */
} peer_chain;

extern const peer_chain peer_chains[];
extern const size_t peer_chains_len;
extern const int64_t peer_utc_s; /* when they are valid */

#define PEER_HOST     "mail.example.org"
#define PEER_USER     "user"
#define PEER_PASSWORD "a secret password"

typedef struct peer {
    br_ssl_server_context ssl;
    br_ec_impl ec; /* of a hostile one: P-384 alone */
    br_skey_decoder_context key;
    unsigned char iobuf[BR_SSL_BUFSIZE_BIDI];
    br_ssl_session_cache_lru
        sessions; /* zeroed before the first connection, and kept until the last */
    unsigned char sessions_room[200];
    int clear;  /* no TLS yet */
    int plain;  /* and none will be */
    int secure; /* the handshake is over, or there is none: application data came */
    int wrong;  /* a command that the client should not have sent, or a password that is not ours */
    uint32_t body;  /* octets of the message */
    uint32_t at;    /* octets of it that were sent */
    int sending;    /* the message is on its way */
    char line[128]; /* the command that comes */
    size_t line_len;
    unsigned char out[4096]; /* what is to be sent, clear text as the client will see it */
    size_t out_from, out_to;
} peer;

#define PEER_LINE 78 /* the message's length is a multiple of it */

/* The n-th octet of the message: lines of 76 octets and CRLF. */
unsigned char peer_octet(uint32_t n);

/* gcm: AES-128-GCM, else ChaCha20-Poly1305. */
enum peer_security { PEER_TLS, PEER_STLS, PEER_CLEAR };
int peer_open(peer *p, const peer_chain *chain, enum peer_security security, int gcm,
              uint32_t body);

unsigned char *peer_recv_buf(peer *p, size_t *n);
void peer_recv_ack(peer *p, size_t n);
const unsigned char *peer_send_buf(peer *p, size_t *n);
void peer_send_ack(peer *p, size_t n);

#endif
