/* SPDX-License-Identifier: MIT */
/* descriptors.h - what a child process must not have of its parent's. */
#ifndef POPCL_POSIX_DESCRIPTORS_H
#define POPCL_POSIX_DESCRIPTORS_H

/* Closes all descriptors above fd. It may be called between fork and exec. */
void pop_close_above(int fd);

#endif
