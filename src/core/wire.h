/* SPDX-License-Identifier: MIT */
/* wire - framing of RFC 1939, 3, and nothing else of POP3: splits what a server sends into the
 * octets of lines and the spans of bodies. It keeps no octet: it hands out stretches of the
 * caller's input, and withholds at most a dot and a CR, as a state.
 *
 *   BOL --'.'--> DOT --CR--> DOT_CR --LF--> end
 *    |            |             `--else--> CR_OWED: the dot is stripped, the CR is content
 *    |            `--else--> MID: the dot is stripped
 *    `--else--> MID <--> AFTER_CR --LF--> BOL
 */
#ifndef POPCL_CORE_WIRE_H
#define POPCL_CORE_WIRE_H

#include "popcl.h"

typedef enum popcl_wire_event {
    POPCL_WIRE_MORE, /* the input is used up */
    POPCL_WIRE_SPAN, /* *span holds octets of the line or body */
    POPCL_WIRE_EOL,  /* a line ended (lines only) */
    POPCL_WIRE_END,  /* the line with the single dot was read: the reply is complete */
    POPCL_WIRE_LF,   /* an LF without CR (lines only) */
    POPCL_WIRE_NUL   /* a NUL octet (lines only) */
} popcl_wire_event;

/* At the start of a line. */
void popcl_wire_reset(popcl_wire *w);

/* The next event of a reply line in p[0..n). *used says how many octets of p are done with, those
 * of the span included. dotted: the line belongs to a multi-line reply, where a leading dot is
 * stripped and a single one ends it. The span may also point to a constant CR. */
popcl_wire_event popcl_wire_line(popcl_wire *w, int dotted, const unsigned char *p, size_t n,
                                 size_t *used, const unsigned char **span, size_t *span_n);

/* The same for a body; events MORE, SPAN, END. *used counts the octets before the span only:
 * popcl_wire_take says how many of the span were taken, and returns how many more octets of p that
 * uses up. What is not taken is offered again. */
popcl_wire_event popcl_wire_body(popcl_wire *w, const unsigned char *p, size_t n, size_t *used,
                                 const unsigned char **span, size_t *span_n);
size_t popcl_wire_take(popcl_wire *w, const unsigned char *span, size_t n);

#endif
