/* SPDX-License-Identifier: MIT */
/* store_spooled.h - what the stores share that spool a message whole before anybody gets it: mbox,
 * pipe and stream. It is a sink without commit and sync. */
#ifndef POPCL_POSIX_STORE_SPOOLED_H
#define POPCL_POSIX_STORE_SPOOLED_H

#include "mbox_form.h"

typedef struct pop_spooled {
    pop_spool spool;
    pop_mbox_form form;
    int is_mbox; /* 1 = messages get the form */
    int is_open; /* between begin and its end */
    int broken;  /* nothing is accepted any more */
    int error;   /* of the message that failed, with the call; 0 = no failure */
    const char *call;
} pop_spooled;

/* Opens the spool: see pop_spool_open. *s is zeroed, except for spool.place.disk. line_end is that
 * of the form; NULL = messages stay as they are. Returns 0, or -1 with errno. */
int pop_spooled_open(pop_spooled *s, const char *directory, const char *line_end);

/* Keeps the first failure of a message, from errno, and returns the sink's result for it. Only a
 * message that is too large (EFBIG) fails alone. */
int pop_spooled_fail(pop_spooled *s, const char *call);

/* Nothing is accepted from now on. Keeps this failure, and returns POPCL_SINK_STOP. */
int pop_spooled_break(pop_spooled *s, const char *call);

/* For a popcl_sink, with a pop_spooled as the first member of its context. */
int pop_spooled_begin(void *ctx, const popcl_msg *m);
int pop_spooled_data(void *ctx, const void *p, size_t n);
void pop_spooled_abort(void *ctx, popcl_err why);

/* The first half of commit: the message is whole in the spool. Returns 0, or the failure of the
 * message, which has been dropped. */
int pop_spooled_end(pop_spooled *s);

void pop_spooled_close(pop_spooled *s);

#endif
