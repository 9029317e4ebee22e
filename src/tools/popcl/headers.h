/* SPDX-License-Identifier: MIT */
/* headers - judges the header of a message as it streams by: conditions such as `From: TEXT`, and
 * the Date. It keeps one field at a time in a fixed buffer, unfolded, and knows no session.
 *
 * A condition compares octets as the server sent them, without regard to the case of ASCII letters.
 * It decodes no encoded words (RFC 2047). A tab counts as a space. A field that is longer than the
 * buffer is judged by its beginning. If that does not decide, or if the header has no end, the
 * condition counts as true: no message is lost for that. */
#ifndef POPCL_CMD_HEADERS_H
#define POPCL_CMD_HEADERS_H

#include <stddef.h>
#include <stdint.h>

#define CMD_FIELD_MAX   2048u /* octets of a field that are kept, with its name */
#define CMD_MATCHES_MAX 16u

/* A condition. The texts point into the argument that was read. */
typedef struct cmd_match {
    const char *name; /* of the field, name_len octets, without the colon */
    size_t name_len;
    const char *text; /* NUL-terminated; "" = the field need only be there */
} cmd_match;

typedef struct cmd_headers {
    const cmd_match *matches; /* borrowed */
    size_t matches_len;
    uint32_t holds;  /* private: a bit for each condition that holds, */
    uint32_t unsure; /* or that a cut field left open */
    int64_t date_s;
    uint8_t at; /* private: enum position in headers.c */
    uint8_t cr, cut, has_date;
    size_t len; /* private: of the field */
    char field[CMD_FIELD_MAX];
} cmd_headers;

/* Reads "Name: text". Spaces around text do not count. Returns 0, or -1 if there is no colon, or no
 * name that a field can have (RFC 5322, 2.2). */
int cmd_match_read(cmd_match *m, const char *argument);

/* Begins a header, with up to CMD_MATCHES_MAX conditions. */
void cmd_headers_begin(cmd_headers *h, const cmd_match *matches, size_t matches_len);

/* Takes the next octets of the message; octets after the header are ignored. */
void cmd_headers_data(cmd_headers *h, const void *p, size_t n);

/* Ends the header, at any place. Returns whether every condition holds or cannot be judged. */
int cmd_headers_end(cmd_headers *h);

/* Returns the seconds since 1970 of the first Date, once the header has ended. Returns INT64_MIN if
 * it is missing or odd. */
int64_t cmd_headers_date(const cmd_headers *h);

/* Reads a date of RFC 5322, 3.3, or one of its obsolete forms (4.3). Comments may be anywhere.
 * Returns seconds since 1970; INT64_MIN = there is no date. */
int64_t cmd_headers_read_date(const char *text);

#endif
