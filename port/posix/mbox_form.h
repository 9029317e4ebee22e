/* SPDX-License-Identifier: MIT */
/* mbox_form.h - a message as a part of an mbox file, in the form mboxrd. It has a line
 * `From SENDER DATE` before it, and an empty line after it. A line of it that begins with `From `,
 * after any number of `>`, gets one `>` more. So a reader can undo the form exactly. The form is
 * written to a spool. */
#ifndef POPCL_POSIX_MBOX_FORM_H
#define POPCL_POSIX_MBOX_FORM_H

#include <time.h>

#include "spool.h"

enum { POP_MBOX_HEAD = 8192 }; /* octets of the header in which Return-Path is looked for */

typedef struct pop_mbox_form {
    pop_spool *spool;
    const char *line_end; /* of the lines that the form adds: "\n" or "\r\n" */
    /* private */
    time_t now;
    int is_line_start; /* only '>' came since the last LF */
    unsigned held;     /* letters of "From " that came since then, and are not written yet */
    int ends_with_lf;
    int has_head; /* the first line is written */
    size_t head_len, head_seen;
    char head[POP_MBOX_HEAD];
} pop_mbox_form;

/* Begins a message: spool and line_end are set. `now` is the date of its first line, in UTC. */
void pop_mbox_begin(pop_mbox_form *f, time_t now);

/* Returns 0, or -1 with errno and *call. */
int pop_mbox_add(pop_mbox_form *f, const char *p, size_t n, const char **call);
int pop_mbox_end(pop_mbox_form *f, const char **call);

#endif
