/* SPDX-License-Identifier: MIT */
/* letter - finds signed trust (popcl_blob.h) in a message while it streams by. It is an attachment
 * in base64 (RFC 2045, 6.8): a part whose first line begins as the base64 of a blob does. Neither
 * the sender nor the names of the parts count, for anybody can write those: the signature does. */
#ifndef LETTER_H
#define LETTER_H

#include <stddef.h>
#include <stdint.h>

typedef struct letter {
    /* private */
    uint8_t step;        /* the part of the message that goes by */
    uint8_t after_empty; /* the line before this one is empty */
    uint8_t at;          /* octets of this line so far, if they are those of the blob's begin */
    uint8_t held;        /* bits of base64 that make no octet yet */
    uint32_t bits;
} letter;

/* Takes octets of a message; a zeroed letter is at its begin. Gives the octets of the first blob to
 * `put`, one by one. */
void letter_feed(letter *l, const void *p, size_t n, void (*put)(unsigned char octet));

/* Returns whether the begin of a blob went by. */
int letter_has_blob(const letter *l);

#endif
