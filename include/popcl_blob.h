/* SPDX-License-Identifier: MIT */
/* popcl_blob.h - trust that a device can renew without new firmware: a signed set of trust anchors,
 * pins and denied keys, in flash or in a file. `popcl-ta gen --format blob` makes it; docs/TRUST.md
 * has its format and the procedures. It is read in pieces, in place: no copy of it is in memory.
 *
 *     popcl_blob blob;
 *     popcl_err e = popcl_blob_open(&blob, &policy, read_slot, &slot, slot_len);
 *     if (!e) e = popcl_blob_check(&blob);
 *     if (!e) tls.trust = &blob.trust;
 */
#ifndef POPCL_BLOB_H
#define POPCL_BLOB_H

#include "popcl_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POPCL_BLOB_HEAD     168u /* bytes of the header: the least length of a blob */
#define POPCL_BLOB_KEY_LEN  65u  /* bytes of a signer's key */
#define POPCL_BLOB_KEYS_MAX 32u  /* the most keys of signers */

/* Who may sign, for which product, and how old a blob may be. Constant, borrowed until the last use
 * of the blob. */
typedef struct popcl_blob_policy {
    /* Public keys of those who may sign: points on P-256, uncompressed (SEC 1, 2.3.3). The number
     * of a key is its place. At least two, one of them offline: a key that leaked can then be
     * retired. */
    const unsigned char (*keys)[POPCL_BLOB_KEY_LEN];
    size_t keys_len;                  /* number of keys, 1 to POPCL_BLOB_KEYS_MAX */
    const char *scope;                /* the product's label, as popcl-ta --scope has it */
    uint32_t floor;                   /* the least sequence that is still usable; 0 = any */
    uint32_t retired;                 /* keys that sign no more: bit n is keys[n] */
    const popcl_tls_profile *profile; /* the one that popcl_tls.profile names: its code for P-256
                                         checks the signature */
} popcl_blob_policy;

/* Reads n bytes from place `at` of the blob to p; n is 1 to 64. Returns 0, or -1: they cannot be
 * read. It is called often: also the place to feed a watchdog. */
typedef int (*popcl_blob_read)(void *ctx, uint32_t at, unsigned char *p, size_t n);

/* An open blob. The caller's; it may not move while `trust` is in use. */
typedef struct popcl_blob {
    popcl_trust trust; /* for popcl_tls.trust. It finds anchors, pins and denied keys in the blob */
    /* from the header, set by open */
    uint32_t len;                   /* bytes of the blob */
    uint32_t sequence, floor;       /* its number, and the least number that is usable beside it */
    uint32_t retired;               /* keys that sign no more, those of the policy included */
    int64_t made_s, stale_s;        /* Unix seconds: when it was signed, and from when it needs a
                                       successor; stale_s 0 = never */
    uint16_t anchors, pins, denied; /* number of rows */
    uint8_t key;                    /* number of the signer's key */
    /* private */
    uint8_t row_len;
    popcl_blob_read read;
    void *ctx;
    unsigned char index_hash[32];
} popcl_blob;

/* Reads and checks header, signature and index of a blob that has at most `len` bytes; bytes after
 * its end are not looked at. On success b->trust can be used. Returns POPCL_OK, or:
 *
 * - ERR_BLOB_READ: `read` failed
 * - ERR_BLOB_DAMAGED: no blob, cut, or of another form
 * - ERR_BLOB_FEATURE: it needs a newer reader
 * - ERR_BLOB_SCOPE: it is for another product
 * - ERR_BLOB_KEY: its signer is unknown, or retired
 * - ERR_BLOB_SIGNATURE: the signature is wrong
 * - ERR_BLOB_OLD: its sequence is below policy.floor, or below its own floor
 *
 * On error *b is zero. A blob that is stale is not refused: compare stale_s with the clock. */
popcl_err popcl_blob_open(popcl_blob *b, const popcl_blob_policy *policy, popcl_blob_read read,
                          void *ctx, uint32_t len);

/* Reads the index again and every entry, and compares them with their digests. Call it before a
 * blob is installed, and at start. Returns POPCL_OK, ERR_BLOB_READ, or ERR_BLOB_DAMAGED. */
popcl_err popcl_blob_check(const popcl_blob *b);

#ifdef __cplusplus
}
#endif
#endif
