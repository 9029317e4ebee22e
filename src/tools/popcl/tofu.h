/* SPDX-License-Identifier: MIT */
/* tofu - trust on first use: the file of --tofu, which has the key of one server. --info makes the
 * file, and never changes one; every other run only compares. So a run that nobody watches never
 * decides whom to trust. */
#ifndef POPCL_CMD_TOFU_H
#define POPCL_CMD_TOFU_H

#include "options.h"
#include "report.h"

/* Zeroed = no --tofu. */
typedef struct cmd_tofu {
    int is_new; /* 1 = there is no file yet. pin is then a key that nobody has */
    unsigned char pin[1][POPCL_PIN_LEN];
} cmd_tofu;

/* Reads the file, or sees that --info can make it. Returns 0; or prints the reason and returns an
 * exit code. A file that is missing, empty, damaged, for another host, or of which others could
 * change the content, is CMD_EXIT_CERT. */
int cmd_tofu_open(cmd_tofu *t, const cmd_options *o, cmd_report *r);

/* Stores t->pin in the file, which appears whole or not at all, with mode 600. Returns as open. */
int cmd_tofu_store(const cmd_tofu *t, const cmd_options *o, cmd_report *r);

#endif
