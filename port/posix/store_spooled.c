/* SPDX-License-Identifier: MIT */
/* store_spooled - see store_spooled.h. */
#define _POSIX_C_SOURCE 200809L
#include "store_spooled.h"

#include <limits.h>

int pop_spooled_open(pop_spooled *s, const char *directory, const char *line_end) {
    s->call = "";
    s->is_mbox = line_end != NULL;
    s->form.spool = &s->spool;
    s->form.line_end = line_end;
    return pop_spool_open(&s->spool, directory, &s->call);
}

static int spooled_result(const pop_spooled *s) {
    return s->broken || s->error != EFBIG ? POPCL_SINK_STOP : -s->error;
}

int pop_spooled_fail(pop_spooled *s, const char *call) {
    if (s->error == 0) {
        s->error = errno ? errno : EIO;
        s->call = call;
    }
    return spooled_result(s);
}

int pop_spooled_break(pop_spooled *s, const char *call) {
    s->error = 0;
    s->broken = 1;
    return pop_spooled_fail(s, call);
}

int pop_spooled_begin(void *ctx, const popcl_msg *m) {
    pop_spooled *s = ctx;
    const char *call;
    (void)m;
    if (s->broken) return POPCL_SINK_STOP;
    if (s->is_open) return -EBUSY;
    s->error = 0;
    s->call = "";
    if (pop_spool_begin(&s->spool, &call) < 0) return pop_spooled_fail(s, call);
    if (s->is_mbox) pop_mbox_begin(&s->form, time(NULL));
    s->is_open = 1;
    return 0;
}

int pop_spooled_data(void *ctx, const void *p, size_t n) {
    pop_spooled *s = ctx;
    const char *call = "write";
    if (!s->is_open) errno = EBADF;
    if (!s->is_open) return pop_spooled_fail(s, call);
    if (s->broken || s->error) return spooled_result(s);
    if (n > INT_MAX) n = INT_MAX;
    int r =
        s->is_mbox ? pop_mbox_add(&s->form, p, n, &call) : pop_spool_add(&s->spool, p, n, &call);
    return r < 0 ? pop_spooled_fail(s, call) : (int)n;
}

void pop_spooled_abort(void *ctx, popcl_err why) {
    pop_spooled *s = ctx;
    (void)why;
    pop_spool_back(&s->spool);
    s->is_open = 0;
}

int pop_spooled_end(pop_spooled *s) {
    const char *call = "write";
    int r = 0;
    if (!s->is_open) errno = EBADF;
    if (!s->is_open) return pop_spooled_fail(s, call);
    if (s->broken || s->error) r = spooled_result(s);
    if (r == 0 && s->is_mbox && pop_mbox_end(&s->form, &call) < 0) r = pop_spooled_fail(s, call);
    if (r == 0 && pop_spool_keep(&s->spool, &call) < 0) r = pop_spooled_fail(s, call);
    pop_spooled_abort(s, POPCL_OK); /* of a whole message nothing is left to drop */
    return r;
}

void pop_spooled_close(pop_spooled *s) { pop_spool_close(&s->spool); }
