/* SPDX-License-Identifier: MIT */
/* line.h - what goes over the line between the port and its relay: a pipe in either direction, as a
 * serial line to a modem would be. Frames of
 *
 *     type (1 octet), call (1), length of the rest (2, the high one first), the rest
 *
 * A call is one connection, numbered by the port, so that what is late of the last one is not taken
 * for the next one's:
 *
 *     port                          relay
 *     OPEN limit, port, host  --->
 *                             <---  FOUND                        the host has addresses
 *                             <---  UP | NO_NAME | REFUSED | SILENT | SHORT, and code
 *     DATA, CREDIT            <-->  DATA, CREDIT
 *                             <---  DEAF code                    the server takes nothing more
 *                             <---  END | RESET code             behind all that it said
 *     CLOSE                   --->                                     behind all that was said to
 * it
 *
 * Credit is what keeps either side from being flooded: both begin with LINE_WINDOW octets, and
 * CREDIT gives back what has left the other's buffer. So either side can always read the line, and
 * a CLOSE never stands behind octets that nobody takes. */
#ifndef TESTS_PORT_PIPE_LINE_H
#define TESTS_PORT_PIPE_LINE_H

#include <stddef.h>
#include <stdint.h>

enum {
    LINE_OPEN = 'O', /* limit_ms (4 octets), port (2), host */
    LINE_CLOSE = 'C',
    LINE_DATA = 'D',
    LINE_CREDIT = '+', /* octets (2) */
    /* From the relay alone, with a code (2): an errno, 0 where there is none. */
    LINE_FOUND = 'F',
    LINE_UP = 'U',
    LINE_NO_NAME = 'N',
    LINE_REFUSED = 'R',
    LINE_SILENT = 'S',
    LINE_SHORT = 'M',
    LINE_DEAF = 'X',
    LINE_END = 'E',
    LINE_RESET = '!'
};

#define LINE_WINDOW 1000u /* octets of a buffer, in either direction */
#define LINE_HEAD   4u
#define LINE_PAYLOAD                                                                               \
    508u /* a frame has 512 octets at most, the smallest PIPE_BUF there is: so much goes into a    \
            pipe as a whole or not at all */

typedef struct line_frame {
    unsigned char head[LINE_HEAD], payload[LINE_PAYLOAD];
    size_t have; /* octets of it that came; the sum of both: it is whole */
    size_t n;    /* of the payload */
} line_frame;

/* One frame, with at most LINE_PAYLOAD octets. Returns 1; 0: there is no room now; -1: nobody is
 * there. */
int line_put(int fd, unsigned type, unsigned call, const void *payload, size_t n);
/* The next frame of the line, in *f, zeroed before the first call. Returns 1: it is there; 0: not
 * yet; -1: nobody is there, or it says no frames. */
int line_get(int fd, line_frame *f);
/* Whether the line (or a socket) is ready for POLLIN or POLLOUT now. */
int line_ready(int fd, short event);

/* Numbers of n octets, the high one first. */
void line_number(unsigned char *at, uint32_t value, size_t n);
uint32_t line_number_at(const unsigned char *at, size_t n);

#endif
