/* SPDX-License-Identifier: MIT */
/* blobform - the places of a blob's fields, for the files that write and show one. Numbers are
 * big-endian. The library's reader (popcl_blob.h) judges blobs; this file judges nothing. */
#ifndef POPCL_TA_BLOBFORM_H
#define POPCL_TA_BLOBFORM_H

#include <stddef.h>
#include <stdint.h>

#include "popcl_blob.h"

#define TA_BLOB_MAGIC  "PTB1"
#define TA_BLOB_DOMAIN "popcl-trust-blob" /* before the header, in the octets that are signed */

/* The room for a set in the slot of a device, as the examples have it: a larger one needs a place
 * of another size. */
#define TA_BLOB_USUAL 65520
#define TA_BLOB_LARGE                                                                              \
    "it has %zu octets: a device needs more than the usual slot of %zu octets for it; "            \
    "--max-bytes sets a limit"

enum {
    TA_BLOB_LEN_AT = 4,
    TA_BLOB_SEQUENCE_AT = 8,
    TA_BLOB_FLOOR_AT = 12,
    TA_BLOB_MADE_AT = 16,
    TA_BLOB_STALE_AT = 24,
    TA_BLOB_SCOPE_AT = 32,
    TA_BLOB_ANCHORS_AT = 48,
    TA_BLOB_PINS_AT = 50,
    TA_BLOB_DENIED_AT = 52,
    TA_BLOB_ROW_LEN_AT = 54,
    TA_BLOB_KEY_AT = 55,
    TA_BLOB_RETIRED_AT = 56,
    TA_BLOB_INDEX_HASH_AT = 72,
    TA_BLOB_SIGNATURE_AT = 104, /* also the octets of the header that are signed */
    TA_BLOB_SCOPE = 16,         /* octets */
    TA_BLOB_SIGNATURE = 64,
    TA_BLOB_DIGEST = 16, /* of an entry */
    TA_BLOB_ROW = 36,
    TA_BLOB_ROWS_MAX = 65535, /* of each kind */
    /* in the row of an anchor, after its name */
    TA_BLOB_ROW_DIGEST_AT = 8,
    TA_BLOB_ROW_OFFSET_AT = 24,
    TA_BLOB_ROW_ENTRY_LEN_AT = 28,
    /* in the row of a pin, after its hash */
    TA_BLOB_ROW_FROM_AT = 32,
    TA_BLOB_ROW_UNTIL_AT = 34
};

uint64_t ta_blob_get(const unsigned char *p, size_t octets);
void ta_blob_put(unsigned char *p, uint64_t value, size_t octets);

/* Writes the SHA-256 of n bytes. */
void ta_blob_hash(unsigned char hash[32], const void *p, size_t n);

/* Writes the hash of a product's label, as a blob has it. */
void ta_blob_scope(unsigned char scope[TA_BLOB_SCOPE], const char *label);

/* Writes the digest of an anchor's entry, as a row has it. */
void ta_blob_digest(unsigned char digest[TA_BLOB_DIGEST], const void *entry, size_t n);

#endif
