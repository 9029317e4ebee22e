/* SPDX-License-Identifier: MIT */
/* line_ends - see popcl_posix_line_ends.h. A CR is kept until the next octet shows what it is. */
#include "popcl_posix_line_ends.h"

#include <string.h>

static int ends_begin(void *ctx, const popcl_msg *m) {
    popcl_line_ends *e = ctx;
    e->has_cr = 0;
    return e->sink->begin(e->ctx, m);
}

/* Returns how many octets the sink took; <0 if it failed. More than it was given is a failure. */
static int pass(popcl_line_ends *e, const char *p, size_t n) {
    int r = e->sink->data(e->ctx, p, n);
    return r > 0 && (size_t)r > n ? -1 : r;
}

/* Passes a CR on that was kept. Returns 1; 0 if the sink pauses; <0 if it failed. */
static int pass_cr(popcl_line_ends *e) {
    int r = pass(e, "\r", 1);
    if (r == 1) e->has_cr = 0;
    return r;
}

static int ends_data(void *ctx, const void *p, size_t n) {
    popcl_line_ends *e = ctx;
    const char *from = p;
    size_t done = 0;
    while (done < n) {
        if (e->has_cr && from[done] != '\n') {
            int r = pass_cr(e);
            if (r < 0) return r;
            if (r == 0) return (int)done;
        }
        const char *cr = memchr(from + done, '\r', n - done);
        size_t len = cr ? (size_t)(cr - from) - done : n - done;
        int taken = len ? pass(e, from + done, len) : 0;
        if (taken < 0) return taken;
        if (taken > 0) e->has_cr = 0; /* it was that of this LF */
        done += (size_t)taken;
        if ((size_t)taken < len) break;
        if (cr) {
            e->has_cr = 1;
            done++;
        }
    }
    return (int)done;
}

static int ends_commit(void *ctx) {
    popcl_line_ends *e = ctx;
    int r = e->has_cr ? pass_cr(e) : 1;
    if (r == 0) return POPCL_AGAIN;
    if (r == 1) return e->sink->commit(e->ctx);
    e->sink->abort(e->ctx, POPCL_ERR_SINK); /* after this result nothing else ends the message */
    return r;
}

static int ends_sync(void *ctx) {
    popcl_line_ends *e = ctx;
    return e->sink->sync ? e->sink->sync(e->ctx) : 0;
}

static void ends_abort(void *ctx, popcl_err why) {
    popcl_line_ends *e = ctx;
    e->sink->abort(e->ctx, why);
}

const popcl_sink popcl_line_ends_sink = {
    .begin = ends_begin,
    .data = ends_data,
    .commit = ends_commit,
    .sync = ends_sync,
    .abort = ends_abort,
};
