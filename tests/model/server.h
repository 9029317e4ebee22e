/* SPDX-License-Identifier: MIT */
/* server - see server.c: commands go in by server_answer, what it says waits in out[out_at..out_n).
 */
#ifndef TESTS_MODEL_SERVER_H
#define TESTS_MODEL_SERVER_H

#include <stddef.h>
#include <stdint.h>

enum { SERVER_OUT_MAX = 60000 };

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

typedef struct server {
    chance c;
    uint32_t odd;   /* one reply in so many is broken; 0: none */
    uint32_t count; /* messages */
    int uids;       /* 1: they are the messages' numbers; 2: some break the rules */
    int capa, apop, uidl, top, pipelining; /* what it knows */
    int exchange;                          /* AUTH was said */
    int closes;                            /* it ends the connection once all was said */
    size_t out_at, out_n;
    unsigned char out[SERVER_OUT_MAX];
} server;

void server_begin(server *s, uint64_t seed); /* says the greeting too */
void server_answer(server *s, const char *line, size_t n);
void server_said(server *s, size_t n); /* so many octets of out have left */

#endif
