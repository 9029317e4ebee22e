/* SPDX-License-Identifier: MIT */
/* commands - the commands of popcl-ta, each from its options to its output. Each returns an exit
 * code, and has reported why it is not 0. */
#ifndef POPCL_TA_COMMANDS_H
#define POPCL_TA_COMMANDS_H

#include "input.h"
#include "output.h"

/* make.c: the commands that make files */
int ta_command_gen(ta_run *r);
int ta_command_sign(ta_run *r);
int ta_command_keys(ta_run *r);

/* server.c: for-host and for-chain */
int ta_command_for(ta_run *r);

/* inspect.c: the commands that print about sets */
int ta_command_list(ta_run *r);
int ta_command_check(ta_run *r);
int ta_command_diff(ta_run *r);

/* Writes files, as ta_write_files does, and reports a failure. */
int ta_write_all(ta_file *files, size_t count);

/* A text in memory; the caller frees p. */
typedef struct ta_text {
    char *p;
    size_t n;
} ta_text;

#endif
