/* SPDX-License-Identifier: MIT */
/* cc - the parts of the compiler and the processor that lwIP needs. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>

#define BYTE_ORDER      LITTLE_ENDIAN
#define LWIP_NO_CTYPE_H 1 /* lwIP's own isdigit and the like are comparisons: no table */

/* No texts and no tests of lwIP's own in flash. */
#define LWIP_NOASSERT 1
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x)

/* DNS queries, DHCP transactions, source ports and TCP's first sequence numbers must not be guessed
 * from outside. */
uint32_t device_random(void);
#define LWIP_RAND() device_random()

/* The C library's errno is in thread-local memory, which is not set up here: each task of the test
 * kernel has one (kernel.h). */
int *kernel_errno(void);
#define errno (*kernel_errno())

#endif
