/* SPDX-License-Identifier: MIT */
/* authfile - user name and password from two lines, `username = NAME` and `password = SECRET`. It
 * knows no POP3 and prints nothing. Its errors have no part of the file except line numbers. */
#ifndef POPCL_CMD_AUTHFILE_H
#define POPCL_CMD_AUTHFILE_H

#include "login.h"
#include "outlet.h"

#define CMD_AUTH_MAX 4096 /* octets of the file */

/* Reads the file. "-", /dev/stdin and /dev/fd/N are open descriptors, which may be pipes: they are
 * read until *patience is over. With a user (not NULL) the line with the user name may be missing;
 * if it is there, it must be the same.
 *
 * Returns 0, or the exit code. 64: the user names differ. 66: it cannot be opened. 78: its kind,
 * owner, mode or text is wrong. 128 and a number: a signal came. Never blocks for longer, for
 * any path. After a failure *l has nothing of the file. */
int cmd_auth_load(cmd_login *l, const char *path, const char *user, const cmd_patience *patience);

#endif
