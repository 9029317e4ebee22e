/* SPDX-License-Identifier: MIT */
/* blobform - see blobform.h. */
#include "blobform.h"

#include <string.h>

uint64_t ta_blob_get(const unsigned char *p, size_t octets) {
    uint64_t value = 0;
    while (octets--)
        value = value << 8 | *p++;
    return value;
}

void ta_blob_put(unsigned char *p, uint64_t value, size_t octets) {
    for (; octets; value >>= 8)
        p[--octets] = (unsigned char)value;
}

void ta_blob_hash(unsigned char hash[br_sha256_SIZE], const void *p, size_t n) {
    br_sha256_context sha;
    br_sha256_init(&sha);
    br_sha256_update(&sha, p, n);
    br_sha256_out(&sha, hash);
}

void ta_blob_scope(unsigned char scope[TA_BLOB_SCOPE], const char *label) {
    unsigned char hash[br_sha256_SIZE];
    ta_blob_hash(hash, label, strlen(label));
    memcpy(scope, hash, TA_BLOB_SCOPE);
}

void ta_blob_digest(unsigned char digest[TA_BLOB_DIGEST], const void *entry, size_t n) {
    unsigned char hash[br_sha256_SIZE];
    ta_blob_hash(hash, entry, n);
    memcpy(digest, hash, TA_BLOB_DIGEST);
}
