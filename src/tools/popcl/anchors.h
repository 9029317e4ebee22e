/* SPDX-License-Identifier: MIT */
/* anchors - the anchors of the options with their names: for reports about the one that vouches for
 * a server. It decides nothing. A session trusts what tls.c gives it. */
#ifndef POPCL_CMD_ANCHORS_H
#define POPCL_CMD_ANCHORS_H

#include "chain.h"
#include "options.h"

/* Zeroed = not read yet. */
typedef struct cmd_anchors {
    pop_anchors all;
    const char *where;         /* the file or directory; "" = none */
    char why[POPCL_POSIX_WHY]; /* why they cannot be read; "" = they can */
} cmd_anchors;

/* Returns the anchor that vouches for the chain, valid until close; NULL = none does, or none can
 * be read (`why`). The anchors are those of -c and -C, or the system's. utc_s: Unix seconds. */
const pop_anchor *cmd_anchors_find(cmd_anchors *a, const cmd_options *o, pop_chain *c,
                                   int64_t utc_s);

/* Frees. Harmless on a zeroed one. */
void cmd_anchors_close(cmd_anchors *a);

#endif
