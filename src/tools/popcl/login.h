/* SPDX-License-Identifier: MIT */
/* login - a user name and a secret, wherever they came from. It has the memory for them, the rules
 * for a secret of one line, and the error of a source that gives none. It knows no source and
 * prints nothing. No text in it repeats anything of the secret. */
#ifndef POPCL_CMD_LOGIN_H
#define POPCL_CMD_LOGIN_H

#include <stddef.h>

#define CMD_SECRET_MAX 16384 /* octets of a secret; a token may have some thousand */
#define CMD_LOGIN_MAX  65536 /* octets of the longest file that it may come from */

typedef struct cmd_login {
    const char *user, *secret; /* NUL-terminated; in buf, or the user name in the options */
    size_t user_len, secret_len;
    int readable;               /* 1 = others may read the file: give a warning */
    const char *odd;            /* NULL, or a value that is probably a mistake: give a warning */
    char what[640];             /* after a failure: the fault, without any text of the source */
    const char *cause, *advice; /* the rest of the error */
    size_t used;                /* octets at the start of buf that may hold a secret */
    char buf[CMD_LOGIN_MAX + 1];
} cmd_login;

/* Prepares l for a source. The bytes of buf that are not in use stay as they are. */
void cmd_login_begin(cmd_login *l);

/* Overwrites all that a source wrote, and forgets user name and secret. The error stays. */
void cmd_login_wipe(cmd_login *l);

/* Notes the error and returns the code. cause and advice must be literals. */
int cmd_login_refuse(cmd_login *l, int code, const char *what, const char *cause,
                     const char *advice);

/* Makes the first n octets of buf, a line without its LF, the secret. A CR at its end is not a part
 * of it. Returns 0, or 78 if it is empty, has a NUL or a CR, or is longer than CMD_SECRET_MAX.
 * `whole` names it in the error: "the password". */
int cmd_login_take_line(cmd_login *l, size_t n, const char *whole, const char *advice);

/* Notes in odd a space or a tab at an end of user name or secret. They count, and are hard to
 * see. */
void cmd_login_look_at_ends(cmd_login *l);

#endif
