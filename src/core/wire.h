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
void popcl_wire_reset(popcl_wire *w);

/* Returns the next event of a reply line in p[0..n). Sets *used to the number of octets of p that
 * are done with, those of the span included. dotted: the line belongs to a multi-line reply, in
 * which a leading dot is stripped and a single dot ends the reply. The span may also point to a
 * constant CR. */
popcl_wire_event popcl_wire_line(popcl_wire *w, int dotted, const unsigned char *p, size_t n,
                                 size_t *used, const unsigned char **span, size_t *span_n);

/* The same for a body; events MORE, SPAN, END. *used counts only the octets before the span.
 * popcl_wire_take then takes n octets of the span, and returns how many more octets of p are done
 * with. Octets that are not taken are offered again. */
popcl_wire_event popcl_wire_body(popcl_wire *w, const unsigned char *p, size_t n, size_t *used,
                                 const unsigned char **span, size_t *span_n);
size_t popcl_wire_take(popcl_wire *w, const unsigned char *span, size_t n);

#endif
