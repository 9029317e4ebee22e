/* SPDX-License-Identifier: MIT */
/* popcl_posix_line_ends.h - a filter before any sink: lines end with LF instead of CRLF, as in
 * files on POSIX. */
#ifndef POPCL_POSIX_LINE_ENDS_H
#define POPCL_POSIX_LINE_ENDS_H

#include "popcl_fetch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The memory of the filter, the caller's. Set sink and ctx, and the rest to zero. Both are borrowed
 * as long as the filter is in use. */
typedef struct popcl_line_ends {
    const popcl_sink *sink; /* gets the messages */
    void *ctx;              /* of sink */
    int has_cr;             /* private: a CR came, and is not passed on yet */
} popcl_line_ends;

/* The filter, as a sink with a popcl_line_ends as its context. Only CRLF becomes LF: a CR or an LF
 * alone stays, wherever the spans are cut. data returns the number of octets that it took from the
 * message, the CRs included. A failure has the value that the sink after it returned. */
extern const popcl_sink popcl_line_ends_sink;

#ifdef __cplusplus
}
#endif
#endif
