/* SPDX-License-Identifier: MIT */
/* zero - see zero.h. */
#include "zero.h"

#if defined __GNUC__ /* and those that call themselves so */

#include <string.h>

/* The assembler might read all memory, so memset has to write it. */
void popcl_zero(void *p, size_t n) {
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory");
}

#else

void popcl_zero(void *p, size_t n) {
    volatile unsigned char *v = p;
    while (n--)
        *v++ = 0;
}

#endif
