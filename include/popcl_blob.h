/* SPDX-License-Identifier: MIT */
/* popcl_blob.h - trust that a device can renew without new firmware: a blob, a signed set of trust
 * anchors, pins and denied keys. It is in flash or in a file, and is read in place, in pieces: no
 * copy of it is in memory. `popcl-ta gen --format blob` makes it; docs/TRUST.md has its format and
 * the procedures.
 *
 *     popcl_blob blob;
 *     popcl_err e = popcl_blob_open(&blob, &policy, read_slot, &slot, slot_len);
 *     if (!e) e = popcl_blob_check(&blob);
 *     if (!e) tls.trust = &blob.trust;
 *
 * Each pin has a first and a last day. Denied keys count in every profile. A blob without anchors
 * works as a popcl_trust with pins alone. With neither anchors nor pins, start returns
 * POPCL_ERR_NO_TRUST. The profile `pinned` works only with a blob without anchors: open refuses any
 * other. This profile does not use the clock, so the days of pins do not count.
 *
 * If the index or a needed entry changed after open, no anchor, pin or denied key is taken from the
 * blob. The handshake then ends with POPCL_ERR_BLOB_DAMAGED. */
#ifndef POPCL_BLOB_H
#define POPCL_BLOB_H

#include "popcl_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POPCL_BLOB_HEAD     168u /* bytes of the header: the least length of a blob */
#define POPCL_BLOB_KEY_LEN  65u  /* bytes of a signer's key */
#define POPCL_BLOB_KEYS_MAX 32u  /* the most keys of signers */

/* The keys of those who may sign, the product, and how old a blob may be. Read during open only. */
typedef struct popcl_blob_policy {
    /* Public keys of those who may sign: points on P-256, uncompressed (SEC 1, 2.3.3). The number
     * of a key is its place, from 0. A blob can retire only keys with smaller numbers than its
     * signer's. Have at least two keys, and keep the last one offline. The last key can retire a
     * key that leaked, and a thief with the leaked key cannot retire the last one. */
    const unsigned char (*keys)[POPCL_BLOB_KEY_LEN];
    size_t keys_len;                  /* number of keys, 1 to POPCL_BLOB_KEYS_MAX */
    const char *scope;                /* the product's label, as popcl-ta --scope has it: a C
                                         string of any length */
    uint32_t floor;                   /* the least sequence that is still usable; 0 = any. Give the
                                         largest floor of all blobs that were ever installed. A
                                         sequence does not wrap: 2^32 - 1 is the newest */
    uint32_t retired;                 /* keys that sign no more: bit n is keys[n]. Give the bits of
                                         each blob that was ever installed (popcl_blob.retired) */
    const popcl_tls_profile *profile; /* as in popcl_tls.profile. Its code for P-256 checks the
                                         signature. It must be able to use the set */
} popcl_blob_policy;

/* Reads n bytes from place `at` of the blob to p. n is 1 to 64, and no byte is after the length
 * that open got. Returns 0; any other value = they cannot be read. It is called often, also in a
 * handshake: for each certificate of the path the whole index is read some three times. So it is
 * also the place to feed a watchdog. It must not call popcl. */
typedef int (*popcl_blob_read)(void *ctx, uint32_t at, unsigned char *p, size_t n);

/* An open blob. The caller's; it must not move while a session uses `trust`. Nothing changes it
 * after open: several sessions may use it at once if `read` can serve them. */
typedef struct popcl_blob {
    popcl_trust trust; /* for popcl_tls.trust. It finds anchors, pins and denied keys in the blob */
    /* from the header, set by open */
    uint32_t len;                   /* bytes of the blob */
    uint32_t sequence, floor;       /* the blob's number; the least number of a blob that may still
                                       be used. Save the largest floor, for the policy */
    uint32_t retired;               /* keys that sign no more, those of the policy included. Save
                                       it for the policy: later blobs cannot take a bit back */
    int64_t made_s, stale_s;        /* Unix seconds: when it was signed, and from when it needs a
                                       successor; stale_s 0 = never */
    uint16_t anchors, pins, denied; /* number of rows */
    uint8_t key;                    /* number of the signer's key */
    /* private */
    uint8_t row_len;
    popcl_blob_read read;
    void *ctx;
    const popcl_tls_profile *profile;
    unsigned char index_hash[32];
} popcl_blob;

/* Reads and checks header, signature and index of a blob that has at most `len` bytes; bytes after
 * its end are not looked at. On success b->trust can be used for as long as `read` works. May be
 * called at any time, also in callbacks of popcl. Exceptions are the callbacks of the handshake:
 * popcl_tls.breathe, popcl_trust.find and .key, and popcl_blob_read. b is not NULL. Returns
 * POPCL_OK, or the first of:
 *
 * - ERR_ARGUMENT: policy, its keys, scope or profile, or read is NULL. Or the number of keys is not
 *   1 to POPCL_BLOB_KEYS_MAX. Or a key does not begin with 4, as an uncompressed point does
 * - ERR_BLOB_READ: `read` failed
 * - ERR_BLOB_DAMAGED: no blob, cut, or of another form
 * - ERR_BLOB_FEATURE: it needs a newer reader; bytes that are reserved count too
 * - ERR_BLOB_SCOPE: it is for another product
 * - ERR_BLOB_PROFILE: it has anchors, and the profile is `pinned`
 * - ERR_BLOB_KEY: its signer is unknown, or retired by the policy or by the blob itself. A blob
 *   retires only keys with smaller numbers than its signer's; other bits do not count
 * - ERR_BLOB_OLD: its sequence is below policy.floor, or below its own floor
 * - ERR_BLOB_SIGNATURE: the signature is wrong
 * - ERR_BLOB_DAMAGED: the index is not the one that was signed. Or an entry is outside of the blob
 *   or above POPCL_ANCHOR_ROOM. Or anchors are out of order, or one of them is there twice
 * - ERR_BLOB_FEATURE: reserved bytes of a row are not zero
 *
 * The errors in front of ERR_BLOB_SIGNATURE come from bytes that anybody may have made: refuse the
 * blob, and conclude nothing else from them. On error *b is zero. A blob that is stale is not
 * refused: compare stale_s with the clock. The check of the signature takes as long as one of a
 * certificate with P-256 (docs/SIZING.md). During this check `read` is not called. */
popcl_err popcl_blob_open(popcl_blob *b, const popcl_blob_policy *policy, popcl_blob_read read,
                          void *ctx, uint32_t len);

/* Does the first part of open: the header and its signature, without the index. It is for a blob of
 * which no more than the first POPCL_BLOB_HEAD bytes have come. So a device can refuse it before
 * its flash is erased. `read` is called for these bytes alone. `len` is the most that the whole
 * blob may have. On success the public fields of *b are those of the header, except `trust`, which
 * is zero: *b is not open. May be called as open may, with the same arguments. Returns the errors
 * of open up to ERR_BLOB_SIGNATURE, in the same order. On error *b is zero. */
popcl_err popcl_blob_judge_head(popcl_blob *b, const popcl_blob_policy *policy,
                                popcl_blob_read read, void *ctx, uint32_t len);

/* Reads the index and every entry of an open blob again, and compares them with their digests. Call
 * it before a blob is installed, and at start. Do not call it during a handshake that uses the
 * blob; otherwise it may be called as open may. Takes POPCL_ANCHOR_ROOM bytes of stack for one
 * entry. Returns POPCL_OK, ERR_BLOB_READ, or ERR_BLOB_DAMAGED. Returns ERR_BLOB_PROFILE if there
 * are anchors, and the profile of the policy can use none of them: such a blob would refuse every
 * server. */
popcl_err popcl_blob_check(const popcl_blob *b);

#ifdef __cplusplus
}
#endif
#endif
