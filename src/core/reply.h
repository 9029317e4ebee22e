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

/* Begins a status line, or, if `listing` is not 0, a line of a listing. Its fields have this form;
 * in a status line they come after `+OK `. */
void popcl_reply_begin(popcl_reply_parser *x, popcl_reply *r, enum popcl_form form, int listing);

/* Takes the next octets of the line; caps is needed for POPCL_FORM_CAPA only. Returns how many of
 * them belong to the status itself: text follows them. r->status is a guess until the line ends. */
size_t popcl_reply_take(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps,
                        const unsigned char *p, size_t n);

/* Ends the line. Returns POPCL_OK, ERR_STATUS, ERR_NUMBER, ERR_NUMBER_RANGE, or ERR_GREETED_AGAIN
 * for a status in a list of capabilities. A size that cannot be read is unknown. A UID that breaks
 * the rules is replaced by its digest. */
popcl_err popcl_reply_end(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps);

#endif
