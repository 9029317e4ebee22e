/* SPDX-License-Identifier: MIT */
/* zero - overwrites secrets, in a way that no compiler removes. */
#ifndef POPCL_CORE_ZERO_H
#define POPCL_CORE_ZERO_H

#include <stddef.h>

void popcl_zero(void *p, size_t n);

#endif
