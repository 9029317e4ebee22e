/* SPDX-License-Identifier: MIT */
/* system - the few functions of the C library that several files of the command need, in the form
 * that they need. */
#ifndef POPCL_CMD_SYSTEM_H
#define POPCL_CMD_SYSTEM_H

#include <stddef.h>

/* Overwrites memory in a way that no compiler leaves out. */
void cmd_wipe(void *p, size_t n);

/* Returns an errno in words; a negative number is getaddrinfo's, and others are popcl_posix_code.
 * "" = there is nothing to add to the error's sentence. Valid until the next call, from
 * the main thread only. */
const char *cmd_error_text(int error);

/* Returns an environment variable, NULL if it is not set or empty. Nothing in the command changes
 * the environment. */
const char *cmd_environment(const char *name);

#endif
