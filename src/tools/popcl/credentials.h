/* SPDX-License-Identifier: MIT */
/* credentials - user name and secret of a run, from the one source that the options name. It is the
 * file of -a, a .netrc, a command, or a person at the terminal. It prints nothing. */
#ifndef POPCL_CMD_CREDENTIALS_H
#define POPCL_CMD_CREDENTIALS_H

#include <signal.h>
#include <stdint.h>

#include "login.h"
#include "options.h"

/* The source, for messages. */
typedef struct cmd_source_name {
    char text[512]; /* the path, or the option */
} cmd_source_name;

/* If the default file of --netrc is meant, writes its path (cap bytes) and puts it into the
 * options. `path` must stay as long as these. Without a HOME it does nothing. */
void cmd_credentials_find_netrc(cmd_options *o, char *path, size_t cap);

/* Fetches both. `left_ms`: milliseconds that the run may still last. A command or a pipe has
 * --timeout at most. `stop`: the signal that asked for an end, or 0. Returns 0, or an exit code
 * with the error in l and the source's name in *name. After a signal it is 128 and the number, and
 * there is no error. */
int cmd_credentials_get(cmd_login *l, const cmd_options *o, uint32_t left_ms,
                        const volatile sig_atomic_t *stop, cmd_source_name *name);

/* Leaves terminal and processes as they should be. May be called in a signal handler, right before
 * the process ends. */
void cmd_credentials_abandon(void);

#endif
