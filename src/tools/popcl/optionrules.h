/* SPDX-License-Identifier: MIT */
/* optionrules - the rules between options, once all are read, and the argument SERVER. It opens
 * nothing. */
#ifndef POPCL_CMD_OPTIONRULES_H
#define POPCL_CMD_OPTIONRULES_H

#include "options.h"

/* Judges the options together, with the argument SERVER (NULL = it is missing), and fills in
 * defaults. Returns 0, or -1 with error and advice set. */
int cmd_option_rules(cmd_options *o, const char *server);

#endif
