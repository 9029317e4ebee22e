/* SPDX-License-Identifier: MIT */
/* window - how many commands a test lets be in flight at once: WINDOW of the environment (1 to
 * 256), or one. `make check-window` runs the tests with several. */
#ifndef TESTS_WINDOW_H
#define TESTS_WINDOW_H

#include <stdlib.h>

#include "popcl.h"

#define TEST_WINDOW_MAX 256

static inline unsigned test_window(void) {
    const char *given = getenv("WINDOW");
    int n = given ? atoi(given) : 1;
    return n > 1 && n <= TEST_WINDOW_MAX ? (unsigned)n : 1;
}

/* Gives a session room for n of them; one needs none. */
static inline void test_window_give(popcl_config *cfg, popcl_flight *window, unsigned n) {
    cfg->window = n > 1 ? window : NULL;
    cfg->window_len = (uint16_t)(n > 1 ? n : 0);
}

static inline void test_window_set(popcl_config *cfg, popcl_flight window[TEST_WINDOW_MAX]) {
    test_window_give(cfg, window, test_window());
}

#endif
