/* SPDX-License-Identifier: MIT */
/* text - which bytes a command's argument or a host's name may not have, and how a secret is read,
 * borrowed or pulled: more than one layer needs it. */
#ifndef POPCL_CORE_TEXT_H
#define POPCL_CORE_TEXT_H

#include "popcl.h"

/* Whether CR, LF or NUL is in it: the first two would begin a command of their own, and NUL ends
 * strings elsewhere (RFC 1939, 3). */
int popcl_has_line_end(const void *p, size_t n);

/* Whether a server's name can be used at all: 1 to 255 octets, none of them a space, a control
 * character, %, or above 126; not a dot alone. */
int popcl_is_host(const char *host);

/* Octets of a borrowed secret; 0 for one that is pulled. */
size_t popcl_secret_len(const popcl_secret *s);

/* What the callback of a secret returns for such an error: for secrets that are made of another. */
int popcl_secret_failure(popcl_err e);

/* Copies up to cap bytes of a secret, from offset off, to buf: *n of them, 0 at its end. Returns
 * POPCL_OK, ERR_SECRET, ERR_SECRET_WAIT, or ERR_CREDENTIAL_OCTET if a line end is in them. */
popcl_err popcl_secret_read(const popcl_secret *s, size_t off, void *buf, size_t cap, size_t *n);

#endif
