/* SPDX-License-Identifier: MIT */
/* keyfile - the keys of those who sign blobs, from PEM files: P-256 and nothing else. It reports
 * what is wrong with a file, and signs nothing. */
#ifndef POPCL_TA_KEYFILE_H
#define POPCL_TA_KEYFILE_H

#include "report.h"
#include "signer.h"

/* A secret: its owner zeroes it. */
typedef struct ta_private_key {
    unsigned char number[32];                /* big-endian */
    unsigned char point[POPCL_BLOB_KEY_LEN]; /* the public key: uncompressed (SEC 1, 2.3.3) */
    char wrong[POP_SIGNER_WRONG];            /* private */
} ta_private_key;

/* Adds the public keys of a file (PEM: PUBLIC KEY), "-" is standard input. Returns TA_DONE, or what
 * was reported. */
int ta_keyfile_publics(pop_signers *keys, const char *path);

/* Reads a private key that is not encrypted (PEM: EC PRIVATE KEY of SEC 1, or PRIVATE KEY of
 * PKCS #8). Returns TA_DONE, or what was reported; then there is nothing to zero. */
int ta_keyfile_private(ta_private_key *key, const char *path);

#endif
