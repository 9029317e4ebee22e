/* SPDX-License-Identifier: MIT */
/* store - the store that the options name: a directory, a Maildir, an mbox, a command for each
 * message, or standard output. It opens one of the library's, with the line ends of --eol, and has
 * the words for its failures. It knows no session. */
#ifndef POPCL_CMD_STORE_H
#define POPCL_CMD_STORE_H

#include <signal.h>

#include "options.h"
#include "popcl_fetch.h"
#include "popcl_posix_line_ends.h"

/* A failure of another program, after which the message is tried again in the next run: exit code
 * 75. In three parts. */
typedef struct cmd_store_refusal {
    char what[288], advice[320];
    const char *cause;
    int of_message; /* 1 = it concerns one message; 0 = all that were not stored yet */
} cmd_store_refusal;

typedef struct cmd_store {
    const popcl_sink *sink; /* gets whole messages; NULL = the store is not open */
    void *ctx;              /* of sink */
    /* private */
    const cmd_options *options;
    const volatile sig_atomic_t *stop;
    uint32_t left_ms;
    void *opened; /* of the library */
    popcl_line_ends line_ends;
} cmd_store;

/* Opens the store. Both pointers are borrowed until close. After left_ms nothing waits for another
 * program any more. Returns 0, or -1 with errno. */
int cmd_store_open(cmd_store *s, const cmd_options *o, uint32_t left_ms,
                   const volatile sig_atomic_t *stop);

/* For a further session of the run: the directory counts the names of one session, and recognises
 * its files of an earlier one. Returns 0, or -1: then the store is as it was. A store that is not
 * open stays so. */
int cmd_store_open_again(cmd_store *s);

/* Returns the errno of a failure, with the call and the file; 0 = there was none. */
int cmd_store_error(const cmd_store *s, const char **call, const char **name);

/* Returns 1 with *r if the last failure is another program's: the command of --pipe, or the owner
 * of a lock; else 0. */
int cmd_store_refused(const cmd_store *s, cmd_store_refusal *r);

/* Returns the name of the last message that was committed. */
const char *cmd_store_name(const cmd_store *s);

/* Returns what the user calls the place of the messages. */
const char *cmd_store_place(const cmd_options *o);

/* Returns the likely cause of a failure to open, with the advice, if it is special to this kind of
 * store. NULL = it is as for any directory. */
const char *cmd_store_open_cause(const cmd_options *o, int error, const char **advice);

/* Returns whether the dot lock that a killed run left for an mbox was removed. */
int cmd_store_has_replaced(const cmd_store *s);

/* Returns the errno with which an mbox cannot have its dot lock; 0 = it can, or this is no mbox. */
int cmd_store_no_dot_lock(const cmd_store *s);

/* A zeroed object is fine. */
void cmd_store_close(cmd_store *s);

#endif
