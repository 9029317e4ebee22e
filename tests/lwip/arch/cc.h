/* SPDX-License-Identifier: MIT */
/* cc.h - what lwIP wants to know of this machine. */
#ifndef TESTS_LWIP_ARCH_CC_H
#define TESTS_LWIP_ARCH_CC_H

#include <stdio.h>
#include <stdlib.h>

#define LWIP_PLATFORM_DIAG(x)                                                                      \
    do {                                                                                           \
        printf x;                                                                                  \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x)                                                                    \
    do {                                                                                           \
        fprintf(stderr, "lwIP: %s (%s:%d)\n", x, __FILE__, __LINE__);                              \
        abort();                                                                                   \
    } while (0)
#define LWIP_RAND() ((u32_t)rand()) /* good enough for a test, and the same every time */

#endif
