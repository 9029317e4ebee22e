/* SPDX-License-Identifier: MIT */
/* prompt - asks a person for a secret on the terminal, without showing what is typed. The terminal
 * is as it was before on every way out, also while the process is stopped. It never reads standard
 * input. */
#ifndef POPCL_CMD_PROMPT_H
#define POPCL_CMD_PROMPT_H

#include "login.h"
#include "outlet.h"

/* Writes `question`, in printable ASCII, to the terminal of the process, and reads one line from
 * it. Returns 0 with l->secret set, or an exit code with the error in l. 64: there is no terminal.
 * 78: the line is empty, or does not come within *patience. 128 and a number: a signal came. */
int cmd_prompt(cmd_login *l, const char *question, const cmd_patience *patience);

/* Gives the terminal back as it was, if a prompt changed it. May be called in a signal handler,
 * right before the process ends. */
void cmd_prompt_abandon(void);

#endif
