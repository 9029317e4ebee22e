/* SPDX-License-Identifier: MIT */
/* constraints - name constraints (RFC 5280, 4.2.1.10). An issuer's certificate comes after the
 * certificates below it. So leaf.c keeps the names of the server's certificate here, in little
 * room. When the constraints of an issuer stream by, each of their bases is compared with all names
 * at once. Judged are the names of the server's certificate, and the host that was asked for. A
 * name that found no room breaks every constraint of its kind. */
#ifndef POPCL_TLS_CONSTRAINTS_H
#define POPCL_TLS_CONSTRAINTS_H

#include "popcl_tls.h"

/* The kinds of names, by their tag's number (RFC 5280, 4.2.1.6). */
enum { KIND_DNS = 2, KIND_DIRECTORY = 4, KIND_IP = 7 };

/* A name of the server's certificate: its begin, with its length in r->len, and its octets.
 * popcl_certified_end keeps it. One that need not be kept has no end. */
void popcl_certified_begin(popcl_leaf *r, unsigned kind);
void popcl_certified_octet(popcl_leaf *r, unsigned char c);
void popcl_certified_end(popcl_leaf *r, unsigned kind);

/* Octets of the server's subject, without the header, and the end of each of its parts. */
void popcl_subject_octet(popcl_leaf *r, unsigned char c);
void popcl_subject_part(popcl_leaf *r);

/* A list of subtrees begins and ends. popcl_subtrees_end returns whether all names obey it. */
void popcl_subtrees_begin(popcl_leaf *r, int are_excluded);
int popcl_subtrees_end(popcl_leaf *r);

/* The base of a subtree, of r->len octets: its begin, each octet, its end. popcl_base_end returns 0
 * if the base is malformed. */
void popcl_base_begin(popcl_leaf *r, unsigned kind);
void popcl_base_octet(popcl_leaf *r, unsigned kind, unsigned at, unsigned char c);
int popcl_base_end(popcl_leaf *r, unsigned kind);

#endif
