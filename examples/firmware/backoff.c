/* SPDX-License-Identifier: MIT */
/* backoff - see backoff.h. */
#include "backoff.h"

#define DOUBLINGS 6u
#define DAY_MS    86400000u

uint32_t backoff_base_ms(uint32_t every_ms, popcl_class what) {
    const int refused = what == POPCL_CLASS_LOGIN || what == POPCL_CLASS_CONFIG;
    return refused && every_ms < BACKOFF_REFUSED_MS ? BACKOFF_REFUSED_MS : every_ms;
}

uint32_t backoff_ms(uint32_t every_ms, uint32_t failures, uint32_t random) {
    uint32_t ms = every_ms;
    for (uint32_t n = 0; n < failures && n < DOUBLINGS && ms <= DAY_MS / 2; n++)
        ms *= 2;
    uint32_t least = ms - ms / 8, more = random % (ms / 4 + 1);
    return more > UINT32_MAX - least ? UINT32_MAX : least + more;
}
