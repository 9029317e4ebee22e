/* SPDX-License-Identifier: MIT */
/* text - what may not stand in a command's arguments or a host's name, and how long a borrowed
 * secret is: asked in more than one layer, answered here. */
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

#endif
