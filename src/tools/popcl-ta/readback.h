/* SPDX-License-Identifier: MIT */
/* readback - sets of trust that popcl-ta made, read again: blobs, and C source. A blob is judged by
 * the library's own reader. C source must be octet for octet as gen writes it: it is read, written
 * again in memory, and compared. */
#ifndef POPCL_TA_READBACK_H
#define POPCL_TA_READBACK_H

#include "blobform.h"
#include "emit.h"

typedef enum ta_back_kind { TA_BACK_CERTIFICATES, TA_BACK_BLOB, TA_BACK_C } ta_back_kind;

typedef struct ta_back_anchor {
    unsigned char name[POPCL_ANCHOR_NAME];
    const unsigned char *entry;
    size_t entry_len;
    const char *subject; /* NULL = not known */
} ta_back_anchor;

/* A set. Zeroed = nothing; ta_back_free frees it. */
typedef struct ta_back {
    ta_back_kind kind;
    unsigned char *octets; /* of the file, len of them; NULL = it is a directory */
    size_t len;
    size_t surplus; /* octets of the file after the end of a blob */
    ta_back_anchor *anchors;
    size_t anchors_len;
    ta_named_keys pins, denied, own; /* own: of popcl_trust.own_certs */
    uint32_t sequence, floor, retired;
    uint8_t key_number, is_signed;
    int64_t made, stale; /* Unix seconds; made of C source is the floor of the clock */
    void *memory;        /* private, as is the one below */
    char *text;
} ta_back;

/* Reads a file, or standard input if path is "-", and finds out its kind by its first octets.
 * Returns TA_DONE, or what was reported. */
int ta_back_read(ta_back *b, const char *path);

/* Judges a blob, except its signature, and sets all fields. Returns NULL, or what is wrong with
 * it. */
const char *ta_back_judge_blob(ta_back *b);

/* Judges a blob as a device with this policy does, its signature included. ta_back_judge_blob came
 * before. Returns POPCL_OK, or the error of popcl_blob_open or popcl_blob_check. */
popcl_err ta_back_judge_as(const ta_back *b, const popcl_blob_policy *policy);

/* Reads C source, and sets all fields. Returns 0, the number of a line that is not as gen writes
 * it, or -1: out of memory. */
long ta_back_read_c(ta_back *b);

/* Takes the anchors of a set of certificates, which must stay. Returns 0, or -1: out of memory. */
int ta_back_take(ta_back *b, const ta_set *s);

void ta_back_free(ta_back *b);

#endif
