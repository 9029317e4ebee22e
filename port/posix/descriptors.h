/* SPDX-License-Identifier: MIT */
/* descriptors.h - closes descriptors of the parent that a child process must not have. */
#ifndef POPCL_POSIX_DESCRIPTORS_H
#define POPCL_POSIX_DESCRIPTORS_H

/* Closes all descriptors above fd. It may be called between fork and exec. */
void pop_close_above(int fd);

#endif
