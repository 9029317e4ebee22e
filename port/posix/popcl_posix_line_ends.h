/* SPDX-License-Identifier: MIT */
/* popcl_posix_line_ends.h - a filter before any sink: lines end with LF instead of CRLF, as files
 * on POSIX do. */
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

/* With a popcl_line_ends as its context. Only CRLF becomes LF: a CR or an LF alone stays, wherever
 * the spans are cut. data counts its own octets, the CRs included. Every failure is that of the
 * sink after it. */
extern const popcl_sink popcl_line_ends_sink;

#ifdef __cplusplus
}
#endif
#endif
