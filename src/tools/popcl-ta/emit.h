/* SPDX-License-Identifier: MIT */
/* emit - the files that popcl-ta makes, as text. It opens nothing. Its output depends on the
 * certificates and options alone, not on a clock, a path or the order of input. */
#ifndef POPCL_TA_EMIT_H
#define POPCL_TA_EMIT_H

#include <stdio.h>

#include "keyfile.h"
#include "options.h"

/* The anchors that are written, in order: rows of finding USABLE. */
typedef struct ta_set {
    const pop_anchor **anchors;
    size_t len;
    const pop_anchor **own; /* those whose hash goes into own_certs */
    size_t own_len;
    size_t octets;                           /* bytes in the memory of a 32-bit machine */
    const pop_anchor *first_expiry, *newest; /* the one that expires first; the one with the newest
                                                notBefore. NULL = there is no anchor */
} ta_set;

/* Collects and sorts: by subject, then by fingerprint. Returns 0, or -1: out of memory. */
int ta_set_make(ta_set *s, const pop_anchors *a, int pins);
void ta_set_free(ta_set *s);

/* Writes C source with the definition of PREFIX_trust. header: the file name to include for its
 * declaration; NULL = popcl_tls.h alone. */
void ta_emit_c(FILE *f, const ta_set *s, const ta_options *o, const char *header);

/* Writes the header that declares it. */
void ta_emit_h(FILE *f, const ta_options *o);

/* Writes C source with the table PREFIX_signers, for popcl_blob_policy.keys; header as above. */
void ta_emit_keys(FILE *f, const pop_signers *k, const ta_options *o, const char *header);

/* Writes the header that declares it. */
void ta_emit_keys_h(FILE *f, const pop_signers *k, const ta_options *o);

/* Writes PEM, with the subject as a comment above each. Returns 0, or -1: out of memory. */
int ta_emit_pem(FILE *f, const ta_set *s);

/* Writes a row of `popcl-ta list`. */
void ta_emit_row(FILE *f, const pop_anchor *a);

#endif
