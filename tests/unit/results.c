/* SPDX-License-Identifier: MIT */
/* results - see results.h. */
#include "results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *skipped_because;

__attribute__((constructor)) static void choose(void) {
    const char *pattern = getenv("POPCL_TEST");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (pattern) cmocka_set_test_filter(pattern);
}

void skip_test(const char *why) {
    skipped_because = why;
    skip();
}

/* In place of cmocka's own. Of a skipped test cmocka 1.1 prints `not ok 2 # SKIP name`, which prove
 * takes for a failure. */
void print_message(const char *const format, ...) {
    va_list args;
    va_start(args, format);
    if (strcmp(format, "not ok %u # SKIP %s\n") == 0) {
        unsigned number = va_arg(args, unsigned);
        print_message("ok %u - %s # SKIP %s\n", number, va_arg(args, const char *),
                      skipped_because ? skipped_because : "");
    } else {
        vprint_message(format, args);
    }
    va_end(args);
}
