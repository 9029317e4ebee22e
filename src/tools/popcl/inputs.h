/* SPDX-License-Identifier: MIT */
/* inputs - the files that the options name for reading, and the record. The trace and a kept
 * session must be none of them. */
#ifndef POPCL_CMD_INPUTS_H
#define POPCL_CMD_INPUTS_H

#include <sys/stat.h>

#include "options.h"

/* Returns whether an open file is one of them. */
int cmd_inputs_have(const cmd_options *o, const struct stat *file);

#endif
