/* SPDX-License-Identifier: MIT */
/* hmac - see hmac.h. */
#include "hmac.h"

#include <string.h>

#include "../core/text.h"
#include "../core/zero.h"

/* bytes of a block of MD5, SHA-1 and SHA-256; a longer key is hashed first (RFC 2104, 2) */
#define BLOCK 64u

popcl_err popcl_hmac_key(br_hmac_key_context *key, const br_hash_class *hash, const popcl_secret *s,
                         void (*look)(void *ctx, const void *p, size_t n), void *ctx) {
    unsigned char piece[32], block[BLOCK];
    br_hash_compat_context whole;
    popcl_err e = POPCL_OK;
    size_t len = 0, n;
    hash->init(&whole.vtable);
    do {
        e = popcl_secret_read(s, len, piece, sizeof piece, &n);
        if (!e && len + n == 0) e = POPCL_ERR_CREDENTIAL_OCTET;
        if (e) break;
        if (look) look(ctx, piece, n);
        hash->update(&whole.vtable, piece, n);
        if (len < BLOCK) memcpy(block + len, piece, n < BLOCK - len ? n : BLOCK - len);
        len += n;
    } while (n);
    if (len > BLOCK) {
        hash->out(&whole.vtable, block);
        len = hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
    }
    br_hmac_key_init(key, hash, block, len);
    popcl_zero(&whole, sizeof whole);
    popcl_zero(piece, sizeof piece);
    popcl_zero(block, sizeof block);
    return e;
}

void popcl_hex(char *hex, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = "0123456789abcdef"[p[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
}
