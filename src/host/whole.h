/* SPDX-License-Identifier: MIT */
/* whole - reads a whole file into memory. A file may hold a key, also one that its user took for
 * another file. So all memory of it is zeroed before it is freed. */
#ifndef POPCL_HOST_WHOLE_H
#define POPCL_HOST_WHOLE_H

#include <stddef.h>

/* Reads everything up to the end of fd, and adds a NUL, into memory that the caller gives to
 * pop_whole_free. `expected` is the likely number of bytes, which saves growing. Returns 0, or an
 * errno: EFBIG if there are more than `max` bytes. */
int pop_read_whole(int fd, size_t expected, size_t max, unsigned char **octets, size_t *len);

/* Zeroes the bytes of a file, and frees them; NULL is harmless. */
void pop_whole_free(unsigned char *octets, size_t len);

#endif
