/* SPDX-License-Identifier: MIT */
/* uid - collects the UID of a UIDL line, in pieces of any size, and gives one that breaks the rules
 * a name that keeps them. It knows nothing of the rest of the line. */
#ifndef POPCL_CORE_UID_H
#define POPCL_CORE_UID_H

#include "popcl.h"

/* Takes the next n octets of the line, after the spaces that follow the message's number. */
void popcl_uid_take(popcl_reply_parser *x, popcl_reply *r, const unsigned char *p, size_t n);

/* Ends the line: r->text and r->uid_len are then the UID, or its name. */
void popcl_uid_end(popcl_reply_parser *x, popcl_reply *r);

#endif
