/* SPDX-License-Identifier: MIT */
/* look - the runs that only look: --list, --top, --dry-run and --catch-up. It prints what the job
 * decided about a message, as text or as a line of --json. --catch-up prints no message, and notes
 * it in the record. It asks for no whole message. */
#ifndef POPCL_CMD_LOOK_H
#define POPCL_CMD_LOOK_H

#include "job.h"

/* Returns whether the run is one of these. */
int cmd_look_is(const cmd_job *j);

/* Takes the answer that a run would give about a message at this stage. Prints or notes the message
 * once all is known of it. Returns the answer of a run that only looks. */
unsigned cmd_look_answer(cmd_job *j, const popcl_msg *m, popcl_stage stage, unsigned answer);

/* Prints the line of --top before a message. */
void cmd_look_separate(cmd_job *j, const popcl_msg *m);

#endif
