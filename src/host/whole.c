/* SPDX-License-Identifier: MIT */
/* whole - see whole.h. */
#define _POSIX_C_SOURCE 200809L
#include "whole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_calls.h"

void pop_whole_free(unsigned char *octets, size_t len) {
    for (volatile unsigned char *at = octets; octets && len; len--)
        *at++ = 0;
    free(octets);
}

int pop_read_whole(int fd, size_t expected, size_t max, unsigned char **octets, size_t *len) {
    size_t room = expected + 2, n = 0; /* the NUL, and one more, to see the end without growing */
    unsigned char *p = malloc(room);
    int error = p ? 0 : ENOMEM;
    while (!error) {
        ssize_t got;
        POP_AGAIN(got, read(fd, p + n, room - n - 1));
        if (got == 0) break;
        if (got < 0) {
            error = errno;
            break;
        }
        n += (size_t)got;
        if (n > max) error = EFBIG;
        if (error || n + 1 < room) continue;
        unsigned char *grown = malloc(2 * room); /* realloc would leave what was read so far */
        error = grown ? 0 : ENOMEM;
        if (error) continue;
        memcpy(grown, p, n);
        pop_whole_free(p, n);
        p = grown;
        room *= 2;
    }
    if (error) {
        pop_whole_free(p, n);
        return error;
    }
    p[n] = '\0';
    *octets = p;
    *len = n;
    return 0;
}
