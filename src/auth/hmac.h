/* SPDX-License-Identifier: MIT */
/* hmac - what mechanisms with a digest share: a password as the key of HMAC, and hex digits. */
#ifndef POPCL_AUTH_HMAC_H
#define POPCL_AUTH_HMAC_H

#include <bearssl.h>

#include "popcl.h"

/* Prepares HMAC with a secret as its key (RFC 2104). The secret is read in pieces and may have any
 * length. `look` gets each piece with ctx; NULL = nobody looks at them. Returns POPCL_OK,
 * ERR_SECRET, ERR_SECRET_WAIT or ERR_CREDENTIAL_OCTET. */
popcl_err popcl_hmac_key(br_hmac_key_context *key, const br_hash_class *hash, const popcl_secret *s,
                         void (*look)(void *ctx, const void *p, size_t n), void *ctx);

/* Writes n bytes as 2 * n lower-case hex digits. */
void popcl_hex(char *hex, const unsigned char *p, size_t n);

#endif
