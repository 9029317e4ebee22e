/* SPDX-License-Identifier: MIT */
/* wire - framing of RFC 1939, 3, and nothing else of POP3. It splits a server's octets into lines
 * and bodies, and returns them as spans. It keeps no octet: the spans are in the caller's input. It
 * holds back at most a dot and a CR, as a state.
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

/* Resets the decoder to the start of a line. */
static inline void popcl_wire_reset(popcl_wire *w) { w->at = 0; }

/* The kinds of text. In a listing and a body a leading dot is stripped, and a single dot ends the
 * reply. */
typedef enum popcl_wire_kind {
    POPCL_WIRE_STATUS,
    POPCL_WIRE_LISTING,
    POPCL_WIRE_BODY
} popcl_wire_kind;

typedef struct popcl_wire_piece {
    size_t used; /* octets of the input that are done with. Those of a line's span are included;
                    those of a body's span are not */
    const unsigned char *span; /* with POPCL_WIRE_SPAN; it may also point to a constant CR */
    size_t span_n;
} popcl_wire_piece;

/* Returns the next event of the text in p[0..n), and the piece of it. */
popcl_wire_event popcl_wire_next(popcl_wire *w, popcl_wire_kind kind, const unsigned char *p,
                                 size_t n, popcl_wire_piece *x);

/* Takes n octets of a body's span. Returns how many more octets of the input are done with. Octets
 * that are not taken are offered again. */
size_t popcl_wire_take(popcl_wire *w, const unsigned char *span, size_t n);

#endif
