/* SPDX-License-Identifier: MIT */
/* authfile - user name and password from a file of two lines, `username = NAME` and `password =
 * SECRET`. It knows no POP3, prints nothing, and no part of the file but line numbers gets into
 * what it tells. */
#ifndef POPCL_CMD_AUTHFILE_H
#define POPCL_CMD_AUTHFILE_H

#include <stddef.h>

#define CMD_AUTH_MAX 4096 /* octets of the file */

typedef struct cmd_auth {
    const char *user, *secret; /* into buf: as they stand in the file, not NUL-terminated */
    size_t user_len, secret_len;
    int readable;    /* 1: others may read the file: a warning is due */
    const char *odd; /* NULL, or a value that was probably meant otherwise: a warning is due */
    char what[96];   /* load failed: what is wrong, without any of the file's text, and */
    const char *cause, *advice; /* the rest of the error */
    char buf[CMD_AUTH_MAX + 1];
} cmd_auth;

/* Reads the file. Returns 0, or the exit code: 66 where it cannot be opened, 78 where its kind,
 * owner, mode or text is wrong. Never blocks, whatever path names. After a failure nothing of the
 * file is left in *a. */
int cmd_auth_load(cmd_auth *a, const char *path);

/* Overwrites what was read. */
void cmd_auth_wipe(cmd_auth *a);

#endif
