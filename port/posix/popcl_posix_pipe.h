/* SPDX-License-Identifier: MIT */
/* popcl_posix_pipe.h - message stores that hand each message to another program: a command that is
 * started for it, and an open descriptor. */
#ifndef POPCL_POSIX_PIPE_H
#define POPCL_POSIX_PIPE_H

#include <signal.h>

#include "popcl_posix_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a command for each message ---- */

#define POPCL_PIPE_STOP_MS 5000u /* ms that a command still has once `stop` is nonzero */

/* The settings of a store. */
typedef struct popcl_store_pipe_config {
    const char *command;               /* for `sh -c`; borrowed until the store is closed */
    int output;                        /* the descriptor that is its standard output; the caller's,
                                          who keeps it open until the store is closed */
    uint32_t limit_ms;                 /* ms from the start of a command until it is killed; 0 =
                                          never */
    uint32_t total_ms;                 /* ms from open on, after which a command is killed too; 0 =
                                          never */
    const volatile sig_atomic_t *stop; /* nonzero: the program is to end, and the command still has
                                          POPCL_PIPE_STOP_MS. NULL = never */
} popcl_store_pipe_config;

/* How the command ended for the last message. */
typedef enum popcl_pipe_fate {
    POPCL_PIPE_STORED,    /* it exited with 0, or there was no message yet */
    POPCL_PIPE_EXITED,    /* with another code */
    POPCL_PIPE_SIGNALLED, /* it was ended by a signal */
    POPCL_PIPE_STOPPED,   /* it wanted the terminal, which its process group does not have: such a
                             command waits for ever, and was killed */
    POPCL_PIPE_LATE,      /* it was killed at limit_ms or total_ms, or after `stop` */
    POPCL_PIPE_NOT_RUN    /* it was not started: the message is not whole, or the store failed
                             (popcl_store_pipe_error) */
} popcl_pipe_fate;

/* Each message is the standard input of a command of its own, a file without a name. The command is
 * started only once the whole message is in that file: it never sees a part of a message. It runs
 * in a process group of its own, which is killed if the command fails. It has standard input,
 * output and error, and no other descriptor. Its command line, environment, directory and umask are
 * the caller's: nothing of them comes from the server.
 *
 * Exit code 0 = the message is stored, and durable as far as the command makes it so; commit
 * returns 0. After any other end the message is not stored, and commit returns a negative value.
 * After two such messages in a row it returns POPCL_SINK_STOP: the next message would fail too.
 * After exit code 126 or 127 it returns POPCL_SINK_STOP at once: the command cannot be run.
 *
 * Commit waits for the command by its process id. Meanwhile SIGCHLD has its default action, so a
 * handler of the caller misses other children that end then. Another thread must not wait for just
 * any child, nor be in the commit of another such store.
 *
 * A header (POPCL_HEADERS) gets a command of its own, as a message does: see popcl_posix_store.h.
 *
 * Uses about 40 KB of the heap. */
typedef struct popcl_store_pipe popcl_store_pipe;

/* The file is made in the directory of TMPDIR, else in /tmp. `sys` is for the functions of `disk`,
 * which is borrowed until the store is closed; NULL = popcl_posix_disk. config is copied. Returns
 * NULL with errno if the file cannot be made, or if there is no memory. */
popcl_store_pipe *popcl_store_pipe_open(const popcl_store_pipe_config *config,
                                        const popcl_disk *disk, void *sys);

/* The sink of such a store, which is its context. */
extern const popcl_sink popcl_store_pipe_sink;

/* Returns how the command ended for the last message. *number becomes the exit code or the signal
 * with POPCL_PIPE_EXITED, _SIGNALLED and _STOPPED, and has no meaning otherwise; it may be NULL. */
popcl_pipe_fate popcl_store_pipe_fate(const popcl_store_pipe *s, int *number);

/* Returns the errno of a failure of this store itself, 0 = no failure. *call becomes the call that
 * failed, "" without one; it may be NULL. Valid until the next begin. */
int popcl_store_pipe_error(const popcl_store_pipe *s, const char **call);

/* Drops a message that is not whole, and frees the store. NULL is harmless. */
void popcl_store_pipe_close(popcl_store_pipe *s);

/* ---- an open descriptor ---- */

/* Each message is written to a descriptor, such as standard output, once it is whole: in the form
 * mboxrd, or as it is. Commit returns 0 after the write. That is no promise that a reader has
 * stored the message: do not delete it. After a write that failed the store takes no more. A header
 * (POPCL_HEADERS) is written as a message of its own: see popcl_posix_store.h. */
typedef struct popcl_store_stream popcl_store_stream;

/* fd stays the caller's, who keeps it open until the store is closed. Writes to it must block.
 * Ignore SIGPIPE if a reader may go away: the write then fails with EPIPE. line_end: "\n" or
 * "\r\n", the end of the lines that mboxrd adds, borrowed for the same time; NULL = messages are
 * written as they are. The rest is as for popcl_store_pipe_open. */
popcl_store_stream *popcl_store_stream_open(int fd, const char *line_end, const popcl_disk *disk,
                                            void *sys);

/* The sink of such a store, which is its context. */
extern const popcl_sink popcl_store_stream_sink;

/* As popcl_store_pipe_error and popcl_store_pipe_close. */
int popcl_store_stream_error(const popcl_store_stream *s, const char **call);
void popcl_store_stream_close(popcl_store_stream *s);

#ifdef __cplusplus
}
#endif
#endif
