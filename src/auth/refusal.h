/* SPDX-License-Identifier: MIT */
/* refusal - reads the words of a refused login as they stream, and finds the reason if no response
 * code gives it. It keeps no line and knows no session. */
#ifndef POPCL_AUTH_REFUSAL_H
#define POPCL_AUTH_REFUSAL_H

#include "popcl.h"

/* Zeroed before each reply. */
typedef struct popcl_refusal {
    uint8_t found;    /* kinds of words, in refusal.c */
    uint8_t brackets; /* 1 = the text is now inside of [ ] */
    uint8_t pair;     /* the last word, if it may have a meaning together with the next one */
    uint8_t word_len; /* octets of the word that were kept */
    char word[12];
} popcl_refusal;

/* Takes octets of the text after -ERR, from its beginning. */
void popcl_refusal_text(popcl_refusal *x, const unsigned char *p, size_t n);

/* Returns the error of a complete text. `r` is the reply. `clear`: the session has no TLS. A
 * response code other than [AUTH] counts before words, with one exception. Words about encryption
 * count before [SYS/PERM], because they name the remedy; they count in clear text only. `refused`,
 * of class LOGIN, is the result if neither code nor words give one. `coded`: the server offers
 * AUTH-RESP-CODE. It then sends [AUTH] if the credentials are wrong, and they are right if it does
 * not (RFC 3206, 6).
 */
popcl_err popcl_refusal_error(popcl_refusal *x, const popcl_reply *r, int clear, int coded,
                              popcl_err refused);

#endif
