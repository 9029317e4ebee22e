/* SPDX-License-Identifier: MIT */
/* scram - what the SCRAM mechanisms share (RFC 5802): the state of a login, and its steps. The
 * hash is that of the mechanism's table, and the channel binding comes from scram_plus.c. So a
 * program links only what the mechanisms use that it names. */
#ifndef POPCL_AUTH_SCRAM_H
#define POPCL_AUTH_SCRAM_H

#include <bearssl.h>

#include "base64.h"
#include "sasl.h"

#define POPCL_SCRAM_MESSAGE  320u /* octets of a challenge that are kept */
#define POPCL_SCRAM_HASH_MAX 32u  /* bytes of the longest hash */
/* octets of a nonce of ours, and of a proof, in base64. The nonce of RFC 7677's example is shorter.
 */
#ifndef POPCL_SCRAM_NONCE
#define POPCL_SCRAM_NONCE 24u
#endif
#define POPCL_SCRAM_PROOF 44u
/* octets of a last message: "c=", the channel binding, a comma, the place of the nonce, ",p=", the
 * proof */
#define POPCL_SCRAM_LAST(binding) (2 + (binding) + 1 + 1 + 3 + POPCL_SCRAM_PROOF)

/* The first message of the client with its GS2 header, and the part that the proof covers. */
#define POPCL_SCRAM_FIRST_BARE "n=\3,r=\6"

/* The scratch of each SCRAM mechanism begins with it. */
typedef struct popcl_scram {
    popcl_sasl sasl;
    popcl_base64_reader reader; /* of the challenge */
    uint8_t step;               /* of the login, which the octets in `message` answer */
    uint8_t is_long;            /* the challenge is longer than `message` */
    uint8_t is_proven;          /* the server knows the password */
    uint8_t first_len, last_len;
    uint16_t message_len, nonce_len, salt_len;
    uint16_t facts_len;        /* of salt and iterations in the message, after the nonce */
    uint32_t iterations, left; /* left: to compute */
    const char *first;         /* form of the first message */
    char *last;                /* form of the last message: last_len octets, up to the nonce */
    br_hmac_key_context key;   /* the password */
    /* u: the newest hash of the iteration, then the proof that is expected from the server */
    unsigned char u[POPCL_SCRAM_HASH_MAX], salted[POPCL_SCRAM_HASH_MAX];
    unsigned char binding[POPCL_SCRAM_HASH_MAX]; /* of the key, if the caller keeps it */
    char nonce[POPCL_SCRAM_NONCE];               /* the client's */
    char message[POPCL_SCRAM_MESSAGE];           /* the challenge, decoded */
} popcl_scram;

/* popcl_mech.nonce: SHA-256 over the seed. */
popcl_err popcl_scram_nonce(unsigned char nonce[POPCL_NONCE_LEN], const popcl_seed *seed);

/* Prepares a login whose messages are `first` and `last`. `last` holds "c=" and the channel binding
 * in base64, last_len octets. After them it has room for the rest. Returns as popcl_mech.step. */
popcl_err popcl_scram_begin(const popcl_login *l, const char *first, size_t first_len, char *last,
                            size_t last_len);

/* Writes base64 of n bytes to `to`. Returns its length. */
size_t popcl_scram_base64(char *to, const void *p, size_t n);

/* popcl_mech.step for the steps after popcl_scram_begin; and the other functions of popcl_mech. */
popcl_err popcl_scram_step(const popcl_login *l, unsigned n, popcl_command *c);
void popcl_scram_challenge(void *scratch, unsigned n, const unsigned char *p, size_t len);
popcl_err popcl_scram_answered(const popcl_login *l, unsigned n, const popcl_reply *r);
popcl_err popcl_scram_respond(const popcl_login *l, unsigned number);

/* The part of popcl_mech that all SCRAM mechanisms have in common. */
#define POPCL_SCRAM_COMMON                                                                         \
    .reads = 1, .initial = 1, .responses = 3, .refused = POPCL_ERR_DIGEST_REFUSED,                 \
    .nonce = popcl_scram_nonce, .challenge = popcl_scram_challenge,                                \
    .answered = popcl_scram_answered, .respond = popcl_scram_respond

#endif
