/* SPDX-License-Identifier: MIT */
/* netrc - user name and password of one machine from a .netrc file, as ftp, curl and others read
 * it. Its errors have no part of the file except line numbers. */
#ifndef POPCL_CMD_NETRC_H
#define POPCL_CMD_NETRC_H

#include "login.h"

/* Finds the first entry of the machine that has a password. `machine` is the server's name as it
 * was typed, machine_len octets; case does not count. With a user (not NULL) the entry's login must
 * be the same, or be missing. An entry `default` is never used: it would give a password to any
 * server.
 *
 * The text is tokens between white space:
 *
 *     machine NAME  login NAME  password SECRET  account TEXT  default
 *     macdef NAME, and lines up to an empty one
 *
 * A token that begins with " ends at the next ". Inside, \n, \r and \t are controls, and \ takes
 * the octet after it as it is. A # at the place of a keyword begins a comment up to the line's end.
 * Other keywords are passed over.
 *
 * Returns 0, or the exit code. 66: the file cannot be opened. 78: its kind, owner, mode or text is
 * wrong, or it has no such entry. Never blocks. After a failure *l has nothing of the file. */
int cmd_netrc_load(cmd_login *l, const char *path, const char *machine, size_t machine_len,
                   const char *user);

#endif
