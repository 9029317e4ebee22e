/* SPDX-License-Identifier: MIT */
/* popcl-ta - trust anchors from certificates: the program, from its arguments to a command. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>

#include "commands.h"
#include "report.h"

static void print(void *ctx, const char *piece) { (void)fputs(piece, ctx); }

static int perform(ta_run *r) {
    switch (r->options.action) {
    case TA_HELP: ta_options_help(print, stdout); break;
    case TA_VERSION: (void)printf("popcl-ta %s\n", POPCL_VERSION); break;
    case TA_LIST: return ta_command_list(r);
    case TA_CHECK: return ta_command_check(r);
    case TA_DIFF: return ta_command_diff(r);
    case TA_SIGN: return ta_command_sign(r);
    case TA_KEYS: return ta_command_keys(r);
    case TA_FOR_HOST:
    case TA_FOR_CHAIN: return ta_command_for(r);
    default: return ta_command_gen(r);
    }
    if (fflush(stdout) == 0) return TA_DONE;
    ta_say("cannot write standard output: %s", ta_system_says(errno));
    return TA_IO_ERROR;
}

int main(int argc, char *argv[]) {
    static ta_run r;
    int code = TA_USAGE;
    if (ta_options_parse(&r.options, argc, argv)) {
        ta_say("%s", r.options.error);
        if (*r.options.advice) ta_say("what to try: %s", r.options.advice);
    } else {
        code = perform(&r);
    }
    ta_set_free(&r.set);
    pop_anchors_free(&r.anchors);
    ta_options_free(&r.options);
    return code;
}
