/* SPDX-License-Identifier: MIT */
/* tls_peer - the server side of TLS, in memory: BearSSL's server engine shakes hands and reads, and
 * a record writer of our own says what a server says, in records of any length and kind, or breaks
 * TLS in all the ways that somebody on the way could. Octets go in and out by calls; it knows no
 * POP3, no transport and no time.
 *
 *     wire octets from the client -> tls_peer_take   tls_peer_hear -> what the client said
 *     wire octets to the client   <- tls_peer_give   tls_peer_say  <- what the server says */
#ifndef TESTS_SIM_TLS_PEER_H
#define TESTS_SIM_TLS_PEER_H

#include "pki.h"

enum { TLS_ALERT = 21, TLS_HANDSHAKE = 22, TLS_DATA = 23 }; /* record types (RFC 5246, 6.2.1) */
enum { TLS_WARNING = 1, TLS_FATAL = 2 };

/* What a server remembers of sessions, beyond a connection. All zero: nothing yet, and it resumes
 * what it knows, as it should. */
typedef struct tls_sessions {
    const br_ssl_session_cache_class *calls; /* set by tls_peer_init */
    br_ssl_session_parameters kept[4];
    unsigned n;              /* that were kept, ever: the last four are known */
    unsigned asked, resumed; /* times that a client named a session, and that it was resumed */
    unsigned connections;
    unsigned char last_asked[32];
    /* orders */
    uint16_t other_suite; /* it resumes with another suite */
    int other_secret;     /* it says that it resumes, and does not have the session's key */
    int same_number;      /* it does not resume, and says the number that the client named */
} tls_sessions;

/* What kind of server it is. All zero: the right certificate, TLS 1.2, the client's favourite
 * suite, whatever fragment length it asks for. */
typedef struct tls_peer_setup {
    pki_kind certificate;
    uint16_t suite;       /* this one alone */
    uint16_t version;     /* this one alone: BR_TLS10 ... */
    int ignores_fragment; /* does not answer the client's extension (RFC 6066, 4) */
    size_t
        handshake_records; /* octets a record of its handshake messages, 0: as BearSSL makes them */
    tls_sessions
        *sessions; /* NULL: it resumes none, and shakes hands in the same octets every time */
} tls_peer_setup;

typedef struct tls_octets {
    unsigned char *p;
    size_t n, room, at; /* of p[0..n) those before at were taken */
} tls_octets;

typedef struct tls_peer {
    /* how records are written; may be changed at any time. All zero: as a good server would */
    size_t fragment; /* octets of text a record at most; 0: what was agreed */
    size_t empty;    /* so many empty records before each */
    int corrupt;     /* the next record has one bit wrong */
    /* what is known of the client */
    int notified;     /* it sent close_notify */
    int alert;        /* the fatal alert that it sent; -1: none */
    int error;        /* BearSSL's, 0: none */
    unsigned records; /* of text, that it began */
    /* private */
    tls_peer_setup setup;
    br_ssl_server_context ssl;
    const br_ssl_server_policy_class *policy;
    unsigned char in[BR_SSL_BUFSIZE_INPUT], out[BR_SSL_BUFSIZE_OUTPUT];
    unsigned char messages[8192]; /* of a handshake, waiting for their records */
    size_t messages_n;
    int ciphered;
    unsigned char header[5]; /* of the client's record */
    size_t header_n, rest;   /* octets of it that came, and octets of the record to come */
    tls_octets wire, heard;
} tls_peer;

void tls_peer_init(tls_peer *p, const tls_peer_setup *setup); /* *p is zeroed, or was used before */
void tls_peer_free(tls_peer *p);

void tls_peer_take(tls_peer *p, const void *octets, size_t n);
size_t tls_peer_give(tls_peer *p, void *octets, size_t n);
size_t tls_peer_waiting(const tls_peer *p); /* what give would give */
size_t tls_peer_hear(tls_peer *p, void *text, size_t n);
int tls_peer_open(const tls_peer *p); /* the handshake is complete, and no alert has closed it */

void tls_peer_say(tls_peer *p, const void *text, size_t n);
/* One record of any type and length up to 65000, under the keys of the session once there are any.
 */
void tls_peer_record(tls_peer *p, int type, const void *text, size_t n);
void tls_peer_alert(tls_peer *p, int level, int number);        /* 1, 0: close_notify */
void tls_peer_clear(tls_peer *p, const void *octets, size_t n); /* past TLS */

/* Snapshots: saved must not be used but by these, and the peer stays where it is. Nothing may wait
 * in it. */
void tls_peer_save(const tls_peer *p, tls_peer *saved);
void tls_peer_restore(tls_peer *p, const tls_peer *saved);

#endif
