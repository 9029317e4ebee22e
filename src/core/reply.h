/* SPDX-License-Identifier: MIT */
/* reply - reads reply lines, octet by octet as they stream, and keeps no line. It finds status,
 * response code, two numbers, a UID, the capabilities, and the first octets of a refusal's
 * human-readable text. It gets lines from wire.h and knows no connection. */
#ifndef POPCL_CORE_REPLY_H
#define POPCL_CORE_REPLY_H

#include "popcl.h"

/* The fields of a line. */
enum popcl_form {
    POPCL_FORM_TEXT,      /* nothing but text */
    POPCL_FORM_CHALLENGE, /* the same; a challenge may come instead of a status */
    /* from here on with fields */
    POPCL_FORM_STAT, /* count, octets */
    POPCL_FORM_LIST, /* message, octets */
    POPCL_FORM_UIDL, /* message, UID */
    POPCL_FORM_CAPA  /* tag, parameters */
};

/* Begins a status line, or a line of a listing. Its fields have this form; in a status line they
 * come after `+OK `. */
void popcl_reply_begin(popcl_reply_parser *x, popcl_reply *r, enum popcl_form form);

/* Takes the next octets of a status line. Returns the offset in p at which its text begins; n = not
 * in these octets. r->status is a guess until the line ends. */
size_t popcl_reply_status(popcl_reply_parser *x, popcl_reply *r, const unsigned char *p, size_t n);

/* Takes the next octets of a listing's line; caps is needed for POPCL_FORM_CAPA only. */
void popcl_reply_line(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps,
                      const unsigned char *p, size_t n);

/* End the line. Return POPCL_OK, ERR_STATUS, ERR_NUMBER, ERR_NUMBER_RANGE, or ERR_GREETED_AGAIN for
 * a status in a list of capabilities. A size that cannot be read is unknown. A UID that breaks the
 * rules is replaced by its digest. */
popcl_err popcl_reply_status_end(popcl_reply_parser *x, popcl_reply *r);
popcl_err popcl_reply_line_end(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps);

#endif
