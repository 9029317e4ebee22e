/* SPDX-License-Identifier: MIT */
/* clock - the clock of popcl's transport on POSIX: milliseconds that never jump. */
#define _POSIX_C_SOURCE 200809L

#include "posix_internal.h"

#include <time.h>

uint32_t pop_clock_ms(void) {
    struct timespec t;
    /* POSIX gives no reason for it to fail */
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}
