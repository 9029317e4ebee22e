/* SPDX-License-Identifier: MIT */
/* recordshow - the text of --record: an account's record in lines. It knows no option and no
 * file name. */
#ifndef POPCL_CMD_RECORDSHOW_H
#define POPCL_CMD_RECORDSHOW_H

#include "recordfile.h"

/* Makes the text of a record that was loaded: a line for each state, and for the days. With
 * `entries` not 0, a line for each message follows: hash, state, size and day. Calls put for each
 * piece. */
void cmd_record_show(const cmd_record_file *f, int entries,
                     void (*put)(void *ctx, const char *text), void *ctx);

#endif
