/* SPDX-License-Identifier: MIT */
/* zero - see zero.h. */
#include "zero.h"

void popcl_zero(void *p, size_t n) {
    volatile unsigned char *v = p;
    while (n--)
        *v++ = 0;
}
