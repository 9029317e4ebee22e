/* SPDX-License-Identifier: MIT */
/* choice - which messages of the maildrop the command line chooses: it joins the selection, the
 * header that has passed, and the days in the record. */
#ifndef POPCL_CMD_CHOICE_H
#define POPCL_CMD_CHOICE_H

#include "job.h"

/* Returns whether --msg and --uidl choose a message. */
int cmd_choice_has(cmd_job *j, const popcl_msg *m);

/* Returns the answer for a message that is wanted, as far as --match and --since let it. key is its
 * name in the record, and e its entry, which may have moved afterwards. A message whose header
 * could not be had in an earlier run is fetched without it. */
unsigned cmd_choice_by_header(cmd_job *j, popcl_stage stage, const cmd_entry *e, const char *key,
                              size_t len, unsigned answer);

/* Reports numbers and UIDs of the command line that the maildrop does not have. */
void cmd_choice_tell_missing(cmd_job *j, const popcl_diag *d);

#endif
