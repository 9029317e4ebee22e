/* SPDX-License-Identifier: MIT */
/* refusal - reads the words of a refused login as they stream, and says what they mean where no
 * response code does. It keeps no line and knows no session. */
#ifndef POPCL_AUTH_REFUSAL_H
#define POPCL_AUTH_REFUSAL_H

#include "popcl.h"

/* Zeroed before each reply. */
typedef struct popcl_refusal {
    uint8_t found;    /* kinds of words, in refusal.c */
    uint8_t brackets; /* the text is inside of [ ] */
    uint8_t pair;     /* what the last word was, if it may mean something with the next */
    uint8_t word_len; /* octets of the word that were collected */
    char word[12];
} popcl_refusal;

/* Octets of the text behind -ERR, from its beginning. */
void popcl_refusal_text(popcl_refusal *x, const unsigned char *p, size_t n);

/* The text is complete: what it stands for. `r` is the reply; a response code other than [AUTH]
 * says more than words, but for words about encryption beside [SYS/PERM]: those say what to do.
 * They count in clear text only. */
popcl_err popcl_refusal_error(popcl_refusal *x, const popcl_reply *r, int clear, popcl_err refused);

#endif
