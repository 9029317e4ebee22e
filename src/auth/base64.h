/* SPDX-License-Identifier: MIT */
/* base64 - base64 (RFC 4648, 4) in both directions, without a buffer: a mechanism's text is encoded
 * while it is sent, and a challenge is decoded while it comes. So memory limits the length of
 * neither. Encoding takes the same time for each byte, because the text has the password in it. */
#ifndef POPCL_AUTH_BASE64_H
#define POPCL_AUTH_BASE64_H

#include "popcl.h"

/* Copies cap bytes of a text, from offset off, to buf; fewer only at its end. Sets *n to the number
 * of bytes. Returns POPCL_OK, ERR_SECRET, ERR_SECRET_WAIT or ERR_CREDENTIAL_OCTET. */
typedef popcl_err (*popcl_text_read)(void *ctx, size_t off, unsigned char *buf, size_t cap,
                                     size_t *n);

/* Copies base64 of that text to buf. Parameters and results are those of popcl_secret.get. */
int popcl_base64_get(popcl_text_read read, void *ctx, size_t off, char *buf, size_t cap);

/* A reader of base64 that takes one character at a time. Zeroed at the start. */
typedef struct popcl_base64_reader {
    uint16_t bits;  /* of the present group that make no byte yet */
    uint8_t place;  /* characters of the present group */
    uint8_t padded; /* a padding character came */
    uint8_t bad;    /* a character that cannot follow came */
} popcl_base64_reader;

/* Takes a character. Returns 1 if it completes a byte, which is put into *byte; else 0. After a
 * character that is wrong, always returns 0. */
int popcl_base64_take(popcl_base64_reader *r, unsigned char c, unsigned char *byte);

/* Returns whether the characters so far are whole base64. No character is whole too. */
int popcl_base64_is_whole(const popcl_base64_reader *r);

#endif
