/* reply - reads what stands in reply lines, octet by octet as they stream, and keeps no line: status, response code, two numbers, a UID,
 * the capabilities, and the first octets of text for people. It gets lines from wire and knows no connection. */
#ifndef POPCL_CORE_REPLY_H
#define POPCL_CORE_REPLY_H

#include "popcl_session.h"

/* What the fields of a line are. */
enum popcl_form {
    POPCL_FORM_TEXT, /* nothing but text */
    POPCL_FORM_STAT, /* count, octets */
    POPCL_FORM_LIST, /* message, octets */
    POPCL_FORM_UIDL, /* message, UID */
    POPCL_FORM_CAPA  /* tag, parameters */
};

/* A status line begins, whose fields (behind `+OK `) have this form; or one line of a listing. */
void popcl_reply_begin(popcl_reply_parser *x, popcl_reply *r, enum popcl_form form);
void popcl_reply_begin_line(popcl_reply_parser *x, popcl_reply *r, enum popcl_form form);

/* The next octets of a status line; *text becomes the offset in p where its text begins (n: not here). The status may stand in r->status
 * only after the end. */
void popcl_reply_status(popcl_reply_parser *x, popcl_reply *r, const unsigned char *p, size_t n, size_t *text);

/* The next octets of a listing's line; caps is needed for POPCL_FORM_CAPA only. */
void popcl_reply_line(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps, const unsigned char *p, size_t n);

/* The line is complete. POPCL_OK, or what is wrong with it: ERR_STATUS, ERR_NUMBER, ERR_NUMBER_RANGE. An unusable UID is no error here:
 * uid_len is 0. */
popcl_err popcl_reply_status_end(popcl_reply_parser *x, popcl_reply *r);
popcl_err popcl_reply_line_end(popcl_reply_parser *x, popcl_reply *r, popcl_caps *caps);

#endif
