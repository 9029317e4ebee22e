/* SPDX-License-Identifier: MIT */
/* process.h - a command that a shell runs in a process group of its own, so that it can be killed
 * with all that it started. One runs at a time. It knows no message and no secret. */
#ifndef POPCL_POSIX_PROCESS_H
#define POPCL_POSIX_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

enum { POP_PROCESS_NOT_RUN = 126, POP_PROCESS_NOT_FOUND = 127 }; /* exit codes of sh (POSIX) */

typedef struct pop_process {
    pid_t pid; /* and its group */
    int has_ended;
    int is_killed;  /* it ended by a signal */
    int status;     /* once it has ended: its exit code, or the signal */
    int stopped_by; /* the signal after which it waits to be continued; 0 = it runs */
} pop_process;

/* Starts `sh -c command` with these descriptors as standard input and output; in -1 = empty input.
 * Standard error is the caller's, and no other descriptor is open. Environment, directory and umask
 * are the caller's. Until pop_process_end SIGCHLD has its default action, so a handler of the
 * caller misses other children that end meanwhile. Returns 0, or -1 with errno. */
int pop_process_start(pop_process *p, const char *command, int in, int out);

/* Looks whether it has ended, or was stopped. Until pop_process_end it stays in the process table,
 * so that its group's number is not given to another one. */
void pop_process_look(pop_process *p);

/* Kills what is left of its group if `kills` is set, waits for its end, and takes it off the
 * process table. */
void pop_process_end(pop_process *p, int kills);

/* Kills the command, if one runs. May be called in a signal handler, right before the process
 * ends. */
void pop_process_abandon(void);

/* Returns milliseconds of a clock that never jumps. */
uint64_t pop_process_now_ms(void);

/* Waits so many milliseconds, or until a signal comes. */
void pop_process_nap(uint32_t ms);

#endif
