/* SPDX-License-Identifier: MIT */
/* secretfile - reads a file with a secret whole, once its kind, its owner and its mode were judged.
 * Standard input and other open descriptors may be pipes: they are read to their end, with a
 * deadline. It knows nothing of the text. */
#ifndef POPCL_CMD_SECRETFILE_H
#define POPCL_CMD_SECRETFILE_H

#include <stddef.h>

#include "login.h"
#include "outlet.h"

/* A kind of file, for the limits and the words of an error. */
typedef struct cmd_secret_file {
    const char *noun;    /* "auth file" */
    size_t max;          /* octets; CMD_LOGIN_MAX at most */
    const char *max_kb;  /* "4 KB" */
    const char *form;    /* advice: the text that belongs into it */
    const char *missing; /* advice if it cannot be opened */
} cmd_secret_file;

/* Fills l->buf with the text, and writes its length to *len. NULL as patience takes no descriptor:
 * every path is a file's. Otherwise "-", /dev/stdin and /dev/fd/N are open descriptors. For a pipe,
 * a socket or a device there is no owner and no mode to judge.
 *
 * Returns 0, or an exit code with the error in l. 66: it cannot be opened or read. 78: its kind,
 * owner, mode or size is wrong, or a pipe does not end in time. 128 and a number: a signal came. No
 * path blocks. */
int cmd_secret_file_read(cmd_login *l, const cmd_secret_file *kind, const char *path,
                         const cmd_patience *patience, size_t *len);

#endif
