/* SPDX-License-Identifier: MIT */
/* whole - reads a whole file into memory. */
#ifndef POPCL_HOST_WHOLE_H
#define POPCL_HOST_WHOLE_H

#include <stddef.h>

/* Reads everything up to the end of fd, and adds a NUL, into memory that the caller frees.
 * `expected` is the likely number of bytes, which saves growing. Returns 0, or an errno: EFBIG if
 * there are more than `max` bytes. */
int pop_read_whole(int fd, size_t expected, size_t max, unsigned char **octets, size_t *len);

#endif
