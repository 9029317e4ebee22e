/* SPDX-License-Identifier: MIT */
/* signer - the public keys of those who sign trust (popcl_blob.h), from PEM: P-256 and nothing
 * else. It opens no file, and uses the heap. */
#ifndef POPCL_HOST_SIGNER_H
#define POPCL_HOST_SIGNER_H

#include "cert.h"
#include "popcl_blob.h"

#define POP_SIGNER_WRONG 160 /* of a sentence */

/* Zeroed = no keys. The number of a key is its place. */
typedef struct pop_signers {
    unsigned char keys[POPCL_BLOB_KEYS_MAX][POPCL_BLOB_KEY_LEN];
    size_t len;
    char wrong[POP_SIGNER_WRONG]; /* private */
} pop_signers;

/* Adds the keys of a text, blocks of PEM with the label PUBLIC KEY, in their order. Other blocks
 * are passed over. Returns NULL; or a sentence about the line *line, 0 = about all of it. Advice
 * may follow after ": ". It is valid as long as *s. */
const char *pop_signers_read(pop_signers *s, const unsigned char *p, size_t n, unsigned long *line);

/* Writes the sentence about a key of a kind that nobody signs trust with. */
void pop_signer_kind_wrong(const pop_cert *c, char text[POP_SIGNER_WRONG]);

/* Returns whether it is the label of a block with a private key, of any kind. */
int pop_signer_is_secret(const char *label);

#endif
