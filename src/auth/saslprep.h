/* SPDX-License-Identifier: MIT */
/* saslprep - judges whether SASLprep (RFC 4013) leaves a text as it is. A text is taken only if it
 * surely does: it then needs no tables of Unicode. The characters are ASCII from space to ~, and
 * the letters of Latin, Greek and Cyrillic script that normalization keeps (NFKC). None of them
 * combines with another one, is prohibited, is written from right to left, or is younger than
 * Unicode 3.2. */
#ifndef POPCL_AUTH_SASLPREP_H
#define POPCL_AUTH_SASLPREP_H

#include "popcl.h"

/* A judge of one text. Zeroed at the start. */
typedef struct popcl_saslprep {
    uint16_t lead; /* bits of a character that its first octet brought; 0 = none is begun */
    uint8_t bad;
} popcl_saslprep;

/* Takes octets of the text, which is UTF-8. It may be cut anywhere. judge is a popcl_saslprep. */
void popcl_saslprep_take(void *judge, const void *p, size_t n);

/* Returns whether SASLprep leaves the whole text as it is. */
int popcl_saslprep_keeps(const popcl_saslprep *x);

#endif
