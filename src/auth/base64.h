/* SPDX-License-Identifier: MIT */
/* base64 - base64 (RFC 4648, 4) of what a mechanism says, made while it is sent. The text lies
 * nowhere as a whole, so its length is not bounded by memory. It takes the same time for every
 * byte: a password is among them. */
#ifndef POPCL_AUTH_BASE64_H
#define POPCL_AUTH_BASE64_H

#include "popcl.h"

/* Copies cap bytes of a text, from offset off, to buf, and fewer only at its end: *n of them.
 * Returns POPCL_OK, ERR_SECRET, ERR_SECRET_WAIT or ERR_CREDENTIAL_OCTET. */
typedef popcl_err (*popcl_text_read)(void *ctx, size_t off, unsigned char *buf, size_t cap,
                                     size_t *n);

/* Base64 of that text, as popcl_secret.get returns it. */
int popcl_base64_get(popcl_text_read read, void *ctx, size_t off, char *buf, size_t cap);

#endif
