/* SPDX-License-Identifier: MIT */
/* reply - reads what stands in reply lines, octet by octet as they stream, and keeps no line:
 * status, response code, two numbers, a UID, the capabilities, and the first octets of a refusal's
 * text for people. It gets lines from wire and knows no connection. */
#ifndef POPCL_CORE_REPLY_H
#define POPCL_CORE_REPLY_H

#include "popcl.h"

/* What the fields of a line are. */
enum popcl_form {
    POPCL_FORM_TEXT,      /* nothing but text */
    POPCL_FORM_CHALLENGE, /* the same; a challenge may come instead of a status */
    /* from here on with fields */
    POPCL_FORM_STAT, /* count, octets */
    POPCL_FORM_LIST, /* message, octets */
    POPCL_FORM_UIDL, /* message, UID */
    POPCL_FORM_CAPA  /* tag, parameters */
};

/* A status line begins, or a line of a listing: its fields (behind `+OK ` in a status line) have
 * this form. */
void popcl_reply_begin(popcl_reply_parser *x, popcl_reply *r, enum popcl_form form);

/* The next octets of a status line. Returns the offset in p where its text begins (n: not here).
 * r->status is a guess until the end. */
size_t popcl_reply_status(popcl_reply_parser *x, popcl_reply *r, const unsigned char *p, size_t n);

/* The next octets of a listing's line; caps is needed for POPCL_FORM_CAPA only. */
void popcl_reply_line(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps,
                      const unsigned char *p, size_t n);

/* The line is complete. POPCL_OK, or what is wrong with it: ERR_STATUS, ERR_NUMBER,
 * ERR_NUMBER_RANGE; ERR_GREETED_AGAIN for a status in a list of capabilities. A size that cannot be
 * read is unknown, and a UID that breaks the rules is its digest. */
popcl_err popcl_reply_status_end(popcl_reply_parser *x, popcl_reply *r);
popcl_err popcl_reply_line_end(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps);

#endif
