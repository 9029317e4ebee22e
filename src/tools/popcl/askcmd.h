/* SPDX-License-Identifier: MIT */
/* askcmd - runs a command for its secret: a password or a token is the first line that it prints.
 * It ends in time, and after a failure nothing of it goes on running. It knows no option and prints
 * nothing.
 *
 *     pipe, fork -> /bin/sh -c, in a process group of its own, without standard input
 *     first line -> buf; the rest is read and forgotten; then the exit status counts */
#ifndef POPCL_CMD_ASKCMD_H
#define POPCL_CMD_ASKCMD_H

#include "login.h"
#include "outlet.h"

/* Runs `command`. `whole` names the secret in an error: "the password". Returns 0 with l->secret
 * set, or an exit code with the error in l.
 *
 *     78    it cannot be started, fails, or does not end within *patience;
 *           its first line is empty, has a NUL, or is longer than CMD_SECRET_MAX octets
 *     128+  a signal came: patience->stop
 *
 * Its standard error is the caller's, and no other descriptor is. The caller's process must have no
 * other child. Later calls run it again. */
int cmd_ask_command(cmd_login *l, const char *command, const char *whole,
                    const cmd_patience *patience);

/* Kills the command, if one runs. May be called in a signal handler, right before the process
 * ends. */
void cmd_ask_abandon(void);

#endif
