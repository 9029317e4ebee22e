/* SPDX-License-Identifier: MIT */
/* entry - the entry of a trust anchor: its octets, as popcl_anchor of popcl_tls.h describes them,
 * read and checked. The caller looks entries up by name, and judges their keys. */
#ifndef POPCL_TLS_ENTRY_H
#define POPCL_TLS_ENTRY_H

#include "popcl_tls.h"

typedef struct popcl_entry {
    uint8_t flags, path_len;
    uint16_t names_len;
    const unsigned char *names; /* the permitted bases */
    br_x509_pkey key;           /* a view */
} popcl_entry;

/* Reads an entry. *e borrows its octets. Returns 0 if the entry counts as absent. */
int popcl_entry_read(popcl_entry *e, const unsigned char *p, size_t n);

/* Returns whether the host, and the names of the server's certificate that r keeps, obey the limits
 * of the anchor. They are judged as a permitted list of name constraints in a certificate. */
int popcl_entry_permits(const popcl_entry *e, popcl_leaf *r);

#endif
