/* SPDX-License-Identifier: MIT */
/* anchors - see anchors.h. */
#include "anchors.h"

#include <string.h>

#include "trust.h"

const pop_anchor *cmd_anchors_find(cmd_anchors *a, const cmd_options *o, pop_chain *c,
                                   int64_t utc_s) {
    if (!a->where && pop_trust_read(&a->all, o->cert_files, o->cert_dirs, utc_s, &a->where, a->why,
                                    sizeof a->why) != POPCL_POSIX_TRUST_OK)
        a->where = "";
    size_t i = pop_chain_anchor(c, &a->all, utc_s);
    return i < a->all.len ? &a->all.list[i] : NULL;
}

void cmd_anchors_close(cmd_anchors *a) {
    pop_anchors_free(&a->all);
    memset(a, 0, sizeof *a);
}
