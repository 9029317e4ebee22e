/* SPDX-License-Identifier: MIT */
/* accounts - the file of --config: a section for each account, with lines `key = value`. A section
 * becomes the arguments of a command line, which the ordinary parser judges. So a key is the long
 * name of an option, or `server`. The whole file is judged before anything is connected. */
#ifndef POPCL_CMD_ACCOUNTS_H
#define POPCL_CMD_ACCOUNTS_H

#include "login.h"
#include "options.h"
#include "report.h"

#define CMD_ACCOUNTS_MAX     CMD_NAMES_MAX
#define CMD_ACCOUNT_NAME_MAX 64
#define CMD_ACCOUNT_ARGS     72 /* 60 lines of a section, and what the command line adds */

typedef struct cmd_account {
    const char *name;
    unsigned line; /* of its [name] */
    int argc;
    char *argv[CMD_ACCOUNT_ARGS + 1];
    unsigned lines[CMD_ACCOUNT_ARGS + 1]; /* of each argument; 0 = of the command line */
    unsigned char is_no[CMD_GIVEN_MAX];   /* 1 = this option of the command line is not for it */
    int is_wanted;
} cmd_account;

/* Zeroed is empty. It is large: not for a stack. */
typedef struct cmd_accounts {
    cmd_account list[CMD_ACCOUNTS_MAX];
    size_t len;
    /* private */
    cmd_login file; /* the text: read like a file with a login, though it has no secret */
    size_t used;
    char text[2 * CMD_LOGIN_MAX]; /* the arguments */
    cmd_options judged;
} cmd_accounts;

/* Reads the file that o->config names, and marks the accounts of o->names as wanted, or all without
 * names. Options of *o that are for all accounts are added to each. Returns 0, or
 * an exit code after an error was printed, with file, line and section. 64: a name has no section.
 * 66: the file cannot be read. 78: it is refused. */
int cmd_accounts_read(cmd_accounts *a, const cmd_options *o, cmd_report *report);

#endif
