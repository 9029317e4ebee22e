/* SPDX-License-Identifier: MIT */
/* stride - the step of a loop over every octet, cut or failing call. It is 1; under valgrind, which
 * makes each of them thirty times as slow, `make check-valgrind` sets STRIDE. */
#ifndef STRIDE_H
#define STRIDE_H

#include <stdlib.h>

static inline int stride(void) {
    static int step;
    const char *given = getenv("STRIDE");
    if (!step) step = given ? atoi(given) : 1;
    return step > 0 ? step : 1;
}

#endif
