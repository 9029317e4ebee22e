/* SPDX-License-Identifier: MIT */
/* outlet - writing to a descriptor that may take nothing: a pipe that nobody reads, a terminal that
 * is stopped. A write waits at most as long as the run may last, and ends at the first signal. It
 * knows nothing of the text. */
#ifndef POPCL_CMD_OUTLET_H
#define POPCL_CMD_OUTLET_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds that a write may still wait once the run is to end. */
#define CMD_OUTLET_GRACE_MS 200u

/* How long all outlets of a run may wait. Zeroed = for ever. */
typedef struct cmd_patience {
    const volatile sig_atomic_t *stop; /* NULL, or not 0 once the run is to end */
    uint64_t end_ms;                   /* time by cmd_outlet_now_ms; 0 = no limit */
} cmd_patience;

typedef struct cmd_outlet {
    int fd;     /* -1 = nothing is written, which is no failure */
    int error;  /* errno of the first failure; ETIMEDOUT = it took nothing. After a failure no write
                   is tried */
    int own_fd; /* private: fd without blocking, or -1 */
    int is_socket;
    const cmd_patience *patience;
} cmd_outlet;

/* Prepares fd, which stays the caller's and keeps its flags. Each write looks at *patience. */
void cmd_outlet_open(cmd_outlet *o, int fd, const cmd_patience *patience);

/* Writes all. Returns 0, or -1 with o->error set: then a part may have been written. */
int cmd_outlet_write(cmd_outlet *o, const char *p, size_t n);

/* Writes all of up to 512 bytes if it can be done now, and returns 1. Otherwise writes nothing and
 * returns 0, which is no failure. */
int cmd_outlet_write_now(cmd_outlet *o, const char *p, size_t n);

/* Closes the descriptor that open opened. */
void cmd_outlet_close(cmd_outlet *o);

/* Returns milliseconds of a clock that never jumps. */
uint64_t cmd_outlet_now_ms(void);

#endif
