/* SPDX-License-Identifier: MIT */
/* authfile - user name and password from a file of two lines, `username = NAME` and `password =
 * SECRET`. It knows no POP3 and prints nothing. Its errors have no part of the file except line
 * numbers. */
#ifndef POPCL_CMD_AUTHFILE_H
#define POPCL_CMD_AUTHFILE_H

#include <stddef.h>

#define CMD_AUTH_MAX 4096 /* bytes of the file */

typedef struct cmd_auth {
    const char *user, *secret; /* into buf: as they are in the file, NUL-terminated */
    size_t user_len, secret_len;
    int readable;               /* 1 = others may read the file: give a warning */
    const char *odd;            /* NULL, or a value that is probably a mistake: give a warning */
    char what[96];              /* after a failed load: the fault, without any of the file's text */
    const char *cause, *advice; /* the rest of the error */
    char buf[CMD_AUTH_MAX + 1];
} cmd_auth;

/* Reads the file. Returns 0, or the exit code: 66 if it cannot be opened, 78 if its kind, owner,
 * mode or text is wrong. Never blocks, for any path. After a failure *a has nothing of the file. */
int cmd_auth_load(cmd_auth *a, const char *path);

/* Overwrites the values of the file. */
void cmd_auth_wipe(cmd_auth *a);

#endif
