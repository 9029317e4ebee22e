/* SPDX-License-Identifier: MIT */
/* seed - unpredictable bytes from the system: from getrandom if it exists, otherwise from
 * getentropy, otherwise from /dev/urandom. Nothing else is ever a substitute: no clock, no process
 * number. */
#define _DEFAULT_SOURCE 1 /* getrandom, getentropy */
#define _POSIX_C_SOURCE 200809L
#include "popcl_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/random.h>
#endif

enum { PIECE = 256 }; /* bytes that both calls give at once, uninterrupted */

/* Returns the bytes written, or -1 with errno; ENOSYS = there is no such call here. */
static ssize_t ask_system(unsigned char *p, size_t n) {
    if (n > PIECE) n = PIECE;
#if defined(__linux__)
    return getrandom(p, n, 0);
#elif defined(__OpenBSD__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__APPLE__)
    return getentropy(p, n) ? -1 : (ssize_t)n;
#else
    (void)p;
    errno = ENOSYS;
    return -1;
#endif
}

static int fill_from_device(unsigned char *p, size_t n) {
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return -1;
    while (n) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = EIO; /* a device has no end, so this is not the device */
        if (got <= 0) break;
        p += got;
        n -= (size_t)got;
    }
    int error = errno;
    (void)close(fd);
    errno = error;
    return n ? -1 : 0;
}

int popcl_posix_seed(void *p, size_t n) {
    unsigned char *to = p;
    size_t done = 0;
    int failed = 0;
    while (done < n && !failed) {
        ssize_t got = ask_system(to + done, n - done);
        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            failed = 1;
    }
    if (done == n || fill_from_device(to, n) == 0) return 0;
    int error = errno;
    if (n) memset(p, 0, n);
    errno = error;
    return -1;
}
