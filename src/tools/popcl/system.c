/* SPDX-License-Identifier: MIT */
/* system - see system.h. */
#define _POSIX_C_SOURCE 200809L
#include "system.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "popcl_posix.h"

void cmd_wipe(void *p, size_t n) {
    volatile unsigned char *octets = p;
    while (n--)
        *octets++ = 0;
}

const char *cmd_error_text(int error) {
    static char text[96];
    if (error < 0) return gai_strerror(error);
    if (error == POPCL_POSIX_BIND) error = EADDRNOTAVAIL;
    if (error >= POPCL_POSIX_SOCKS_DOWN) return "";
    if (error > POPCL_POSIX_SOCKS) {
        (void)snprintf(text, sizeof text, "its reply is %d", error - POPCL_POSIX_SOCKS);
        return text;
    }
    if (strerror_r(error, text, sizeof text)) (void)snprintf(text, sizeof text, "error %d", error);
    return text;
}

const char *cmd_environment(const char *name) {
    /* NOLINT(concurrency-mt-unsafe): unsafe only beside setenv, which nothing calls */
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}
