/* SPDX-License-Identifier: MIT */
/* optionrules - the rules between options, once all are read, and the argument SERVER. It opens
 * nothing. */
#ifndef POPCL_CMD_OPTIONRULES_H
#define POPCL_CMD_OPTIONRULES_H

#include "options.h"
#include "optiontable.h"

/* Judges the options together, with the names that are arguments, and fills in defaults. Returns 0,
 * or -1 with error and advice set. */
int cmd_option_rules(cmd_options *o);

/* Returns whether the option is on the command line, and is one for each account of --config. */
int cmd_option_goes_to_account(const cmd_options *o, cmd_option_id id);

#endif
