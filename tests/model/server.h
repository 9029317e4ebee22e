/* SPDX-License-Identifier: MIT */
/* server - see server.c: lines of commands wait in its input until server_serve answers them. What
 * it says waits in out[out_at..out_n). */
#ifndef TESTS_MODEL_SERVER_H
#define TESTS_MODEL_SERVER_H

#include <stddef.h>
#include <stdint.h>

enum {
    SERVER_OUT_MAX = 60000,
    SERVER_IN_MAX = 8000,
    SERVER_MAIL = 300, /* messages at most */
    SERVER_UID = 80
};

/* ---- chance ---- */

typedef struct chance {
    uint64_t state;
} chance;

static inline uint32_t below(chance *c, uint32_t n) { /* splitmix64 */
    uint64_t z = c->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z >> 32) * (uint64_t)n >> 32);
}

static inline int one_in(chance *c, uint32_t n) { return n && below(c, n) == 0; }

/* ---- the server ---- */

/* How a server counts the octets of its messages. */
enum { EXACT, WITHOUT_LAST_END, ONE_OCTET, THREE_OCTETS, ALL_EQUAL, LIES, HUGE, SIZES };

/* What goes wrong at one command, if nothing else is broken. */
enum { NOTHING, LOSES_ONE, DOUBLES_ONE, DROPS_BURST, TROUBLES };

typedef struct server {
    chance c;
    uint64_t seed;  /* of its mail */
    int sizes;      /* of the enums above */
    int trouble;    /* and */
    uint32_t until; /* commands until then */
    int happened;   /* which of them did */
    uint32_t odd;   /* one reply in so many is broken; 0: none */
    uint32_t count; /* messages */
    int uids;       /* 1: they are the messages' numbers; 2: some break the rules */
    int capa, apop, uidl, top, pipelining; /* what it knows */
    int user, stls, late;                  /* in CAPA; PIPELINING only after the login */
    int logged_in, quit;
    unsigned char marked[SERVER_MAIL + 1];
    int exchange; /* AUTH was said */
    int closes;   /* it ends the connection once all was said */
    size_t out_at, out_n;
    size_t in_n;
    char in[SERVER_IN_MAX];
    unsigned char out[SERVER_OUT_MAX];
} server;

/* Says the greeting too. many: it has many messages, and offers PIPELINING. */
void server_begin(server *s, uint64_t seed, int many);
/* Octets of commands come in. */
void server_takes(server *s, const unsigned char *p, size_t n);
/* Answers the oldest command. Returns 0 if none is whole. */
int server_serve(server *s);
void server_said(server *s, size_t n); /* so many octets of out have left */

/* Its mail: a digest of the whole message, and its UID. */
uint64_t server_digest(server *s, uint32_t number);
void server_uid(const server *s, uint32_t number, char uid[SERVER_UID]);

/* A digest of octets that come in pieces; 0 to begin with. */
uint64_t digest_of(uint64_t before, const unsigned char *p, size_t n);

#endif
