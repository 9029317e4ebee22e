/* SPDX-License-Identifier: MIT */
/* scram_side - the server side of SCRAM (RFC 5802), made of BearSSL's HMAC alone: nothing of it is
 * popcl's. Texts go in and out; it knows no session. */
#ifndef TESTS_SIM_SCRAM_SIDE_H
#define TESTS_SIM_SCRAM_SIDE_H

#include <bearssl.h>

typedef struct scram_side {
    const br_hash_class *hash;
    size_t len; /* of a hash */
    uint32_t iterations;
    unsigned char salted[32], client_key[32], server_key[32];
    char bare[200], first[400]; /* the client's first message without its header, and ours */
    char header[64];
    char wants_binding[64]; /* the binding that the client has to give, */
    size_t wants_n;
} scram_side;

void scram_side_digest(const br_hash_class *hash, const void *p, size_t n, unsigned char *out);

/* len: bytes of a hash. */
void scram_side_init(scram_side *s, const br_hash_class *hash, size_t len, uint32_t iterations,
                     const char *password);

/* Writes a challenge with this text: the line without its end, which has less than 700 octets. */
void scram_side_challenge(const char *text, char *line);

/* The client's first message in base64 -> the line with ours. Returns 0 if it is wrong. */
int scram_side_first(scram_side *s, const char *response, char *line);

/* The client's last message in base64 -> the line with our proof. Returns 0 if the client's proof
 * or its binding is wrong. */
int scram_side_last(const scram_side *s, const char *response, char *line);

#endif
