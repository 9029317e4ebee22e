/* SPDX-License-Identifier: MIT */
/* text - the calls for texts that more than one layer needs. They check the argument of a command
 * and the name of a host, and read a secret, borrowed or pulled. */
#ifndef POPCL_CORE_TEXT_H
#define POPCL_CORE_TEXT_H

#include "popcl.h"

/* Returns whether CR, LF or NUL is in p. After CR or LF the rest would be another command, and NUL
 * ends strings elsewhere (RFC 1939, 3). */
int popcl_has_line_end(const void *p, size_t n);

/* Returns whether a server's name can be used at all. It has 1 to 255 bytes and is not a dot alone.
 * No byte is a space, a control character, %, or above 126. */
int popcl_is_host(const char *host);

/* Returns the length of a borrowed secret in bytes; 0 = it is pulled. */
size_t popcl_secret_len(const popcl_secret *s);

/* Returns the value by which the callback of a secret reports this error. For secrets that are made
 * of another one. */
int popcl_secret_failure(popcl_err e);

/* Copies up to cap bytes of a secret, from offset off, to buf: *n of them, 0 at its end. Returns
 * POPCL_OK, ERR_SECRET, ERR_SECRET_WAIT, or ERR_CREDENTIAL_OCTET if a line end is in them. */
popcl_err popcl_secret_read(const popcl_secret *s, size_t off, void *buf, size_t cap, size_t *n);

#endif
