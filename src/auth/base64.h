/* SPDX-License-Identifier: MIT */
/* base64 - base64 (RFC 4648, 4) of a mechanism's text, made while it is sent. The whole text is
 * never in memory, so memory does not limit its length. Each byte takes the same time, because the
 * text has the password in it. */
#ifndef POPCL_AUTH_BASE64_H
#define POPCL_AUTH_BASE64_H

#include "popcl.h"

/* Copies cap bytes of a text, from offset off, to buf; fewer only at its end. Sets *n to the number
 * of bytes. Returns POPCL_OK, ERR_SECRET, ERR_SECRET_WAIT or ERR_CREDENTIAL_OCTET. */
typedef popcl_err (*popcl_text_read)(void *ctx, size_t off, unsigned char *buf, size_t cap,
                                     size_t *n);

/* Copies base64 of that text to buf. Parameters and results are those of popcl_secret.get. */
int popcl_base64_get(popcl_text_read read, void *ctx, size_t off, char *buf, size_t cap);

#endif
