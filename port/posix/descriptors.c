/* SPDX-License-Identifier: MIT */
/* descriptors - see descriptors.h. Linux closes all in one call; elsewhere each number is tried. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* syscall */
#include "descriptors.h"

#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

enum { ONE_BY_ONE_MAX = 65536 }; /* a higher number stays open where no call closes all */

void pop_close_above(int fd) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)fd + 1u, ~0u, 0u) == 0) return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    int end = most < 0 || most > ONE_BY_ONE_MAX ? ONE_BY_ONE_MAX : (int)most;
    while (++fd < end)
        (void)close(fd);
}
