/* SPDX-License-Identifier: MIT */
/* ahead - see ahead.h. */
#include "ahead.h"

/* A window is a reason to send CAPA, and there are servers that hang on it. */
static int capa_was_too_much(uint8_t left, const popcl_diag *d) {
    return left == 0 && d->err == POPCL_ERR_CAPA;
}

uint8_t ahead_next(uint8_t left, const popcl_diag *d) {
    const int succeeded = d->err == POPCL_OK || d->err == POPCL_MORE;
    const unsigned least = d->shifted || capa_was_too_much(left, d) ? AHEAD_SHIFTED
                           : d->unsure                              ? AHEAD_BROKEN
                                                                    : 0;
    if (least > left) return (uint8_t)least;
    return (uint8_t)(left - (left && succeeded));
}
