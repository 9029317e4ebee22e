/* SPDX-License-Identifier: MIT */
/* inputs - the files that the options name, apart from the trace. An mbox, a kept session and the
 * trace are written, so each must be none of the others. */
#ifndef POPCL_CMD_INPUTS_H
#define POPCL_CMD_INPUTS_H

#include <sys/stat.h>

#include "options.h"

/* Returns whether a file is one of them. `own` is the member of *o that names it: that one does not
 * count. NULL = all count. */
int cmd_inputs_have(const cmd_options *o, const char *own, const struct stat *file);

#endif
