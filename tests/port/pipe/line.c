/* SPDX-License-Identifier: MIT */
/* line - frames into a pipe and out of it, for both of its ends. Neither waits: a frame goes in as
 * a whole, and comes out in whatever pieces. */
#define _POSIX_C_SOURCE 200809L
#include "line.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void line_number(unsigned char *at, uint32_t value, size_t n) {
    while (n-- > 0)
        at[n] = (unsigned char)value, value >>= 8;
}

uint32_t line_number_at(const unsigned char *at, size_t n) {
    uint32_t value = 0;
    while (n-- > 0)
        value = value << 8 | *at++;
    return value;
}

int line_ready(int fd, short event) {
    struct pollfd p = {fd, event, 0};
    return poll(&p, 1, 0) == 1;
}

int line_put(int fd, unsigned type, unsigned call, const void *payload, size_t n) {
    unsigned char octets[LINE_HEAD + LINE_PAYLOAD] = {(unsigned char)type, (unsigned char)call};
    ssize_t written;
    line_number(octets + 2, (uint32_t)n, 2);
    if (n > 0) memcpy(octets + LINE_HEAD, payload, n);
    do
        written = write(fd, octets, LINE_HEAD + n);
    while (written < 0 && errno == EINTR);
    if (written < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    return 1;
}

/* Reads on until there are `until` octets of what begins at `at`, f->have counted from `from` on.
 * Returns as line_get. */
static int fill(int fd, line_frame *f, unsigned char *at, size_t from, size_t until) {
    while (f->have < until) {
        ssize_t got = read(fd, at + (f->have - from), until - f->have);
        if (got == 0) return -1;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
        f->have += (size_t)got;
    }
    return 1;
}

int line_get(int fd, line_frame *f) {
    int result;
    /* the last one was taken */
    if (f->have >= LINE_HEAD && f->have == LINE_HEAD + f->n) f->have = 0;
    result = fill(fd, f, f->head, 0, LINE_HEAD);
    if (result != 1) return result;
    f->n = line_number_at(f->head + 2, 2);
    if (f->n > LINE_PAYLOAD) return -1;
    return fill(fd, f, f->payload, LINE_HEAD, LINE_HEAD + f->n);
}
