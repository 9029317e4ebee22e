/* SPDX-License-Identifier: MIT */
/* store_pipe - a popcl sink that starts a command for each message: see popcl_posix_pipe.h. */
#define _POSIX_C_SOURCE 200809L
#include "popcl_posix_pipe.h"

#include <errno.h>
#include <stdlib.h>

#include "process.h"
#include "store_spooled.h"

enum {
    NAP_MAX_MS = 20, /* the longest of the naps until the command has ended */
    NAP_SHARE = 8,   /* a nap is this part of the time until then: so short commands lose little */
    FAILURES_MAX = 2 /* in a row: then the next message would fail too */
};

struct popcl_store_pipe {
    pop_spooled spooled; /* first: its functions get the store as context */
    popcl_store_pipe_config config;
    uint64_t opened_ms;
    popcl_pipe_fate fate;
    int number;
    unsigned failures; /* messages in a row */
};

static int pipe_begin(void *ctx, const popcl_msg *m) {
    popcl_store_pipe *s = ctx;
    if (!s->spooled.is_open) pop_spool_drop(&s->spooled.spool); /* an earlier command may have it */
    s->fate = POPCL_PIPE_NOT_RUN;
    s->number = 0;
    return pop_spooled_begin(ctx, m);
}

/* The signals of a terminal for a process that is not in its foreground. */
static int wants_terminal(const pop_process *p) {
    return p->stopped_by == SIGTTIN || p->stopped_by == SIGTTOU;
}

/* Waits until the command has ended. Returns 0, or -1 if it has to be killed. */
static int await_command(const popcl_store_pipe *s, pop_process *p) {
    const popcl_store_pipe_config *c = &s->config;
    uint64_t began = pop_process_now_ms(), stopped = 0;
    for (;;) {
        pop_process_look(p);
        if (p->has_ended) return 0;
        if (wants_terminal(p)) return -1;
        uint64_t now = pop_process_now_ms();
        if (!stopped && c->stop && *c->stop) stopped = now;
        if (c->limit_ms && now - began >= c->limit_ms) return -1;
        if (c->total_ms && now - s->opened_ms >= c->total_ms) return -1;
        if (stopped && now - stopped >= POPCL_PIPE_STOP_MS) return -1;
        uint64_t nap = 1 + (now - began) / NAP_SHARE;
        pop_process_nap(nap < NAP_MAX_MS ? (uint32_t)nap : NAP_MAX_MS);
    }
}

/* Runs the command for the message in the spool. */
static popcl_pipe_fate pipe_run(popcl_store_pipe *s) {
    pop_process p;
    if (pop_process_start(&p, s->config.command, s->spooled.spool.file.fd, s->config.output) < 0)
        return POPCL_PIPE_NOT_RUN;
    int ended = await_command(s, &p) == 0;
    popcl_pipe_fate fate = !ended && wants_terminal(&p) ? POPCL_PIPE_STOPPED
                           : !ended                     ? POPCL_PIPE_LATE
                           : p.is_killed                ? POPCL_PIPE_SIGNALLED
                           : p.status                   ? POPCL_PIPE_EXITED
                                                        : POPCL_PIPE_STORED;
    s->number = ended ? p.status : p.stopped_by;
    pop_process_end(&p, fate != POPCL_PIPE_STORED);
    return fate;
}

/* Returns whether the next message would have the same fate. */
static int is_hopeless(const popcl_store_pipe *s) {
    int cannot_run = s->fate == POPCL_PIPE_EXITED &&
                     (s->number == POP_PROCESS_NOT_RUN || s->number == POP_PROCESS_NOT_FOUND);
    return cannot_run || s->failures >= FAILURES_MAX;
}

static int pipe_commit(void *ctx) {
    popcl_store_pipe *s = ctx;
    int r = pop_spooled_end(&s->spooled);
    if (r < 0) return r;
    s->fate = pipe_run(s);
    r = s->fate == POPCL_PIPE_NOT_RUN ? pop_spooled_fail(&s->spooled, "fork") : 0;
    pop_spool_drop(&s->spooled.spool);
    if (r < 0) return r;
    s->failures = s->fate == POPCL_PIPE_STORED ? 0 : s->failures + 1;
    if (s->failures == 0) return 0;
    if (!is_hopeless(s)) return -ECANCELED;
    s->spooled.broken = 1;
    return POPCL_SINK_STOP;
}

const popcl_sink popcl_store_pipe_sink = {
    .begin = pipe_begin,
    .data = pop_spooled_data,
    .commit = pipe_commit,
    .abort = pop_spooled_abort,
};

popcl_store_pipe *popcl_store_pipe_open(const popcl_store_pipe_config *config,
                                        const popcl_disk *disk, void *sys) {
    popcl_store_pipe *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->config = *config;
    s->opened_ms = pop_process_now_ms();
    s->spooled.spool.place.disk.calls = disk ? disk : &popcl_posix_disk;
    s->spooled.spool.place.disk.sys = sys;
    if (pop_spooled_open(&s->spooled, NULL, NULL) == 0) return s;
    int error = errno;
    popcl_store_pipe_close(s);
    errno = error;
    return NULL;
}

popcl_pipe_fate popcl_store_pipe_fate(const popcl_store_pipe *s, int *number) {
    if (number) *number = s->number;
    return s->fate;
}

int popcl_store_pipe_error(const popcl_store_pipe *s, const char **call) {
    if (call) *call = s->spooled.call;
    return s->spooled.error;
}

void popcl_store_pipe_close(popcl_store_pipe *s) {
    if (!s) return;
    pop_spooled_close(&s->spooled);
    free(s);
}
