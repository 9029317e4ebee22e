/* SPDX-License-Identifier: MIT */
/* outlet - see outlet.h. O_NONBLOCK belongs to the open file, which others share: the shell has the
 * same terminal. So a pipe or a terminal is opened once more, as a file of the command's own. If
 * that is not possible, poll reports whether there is room, and no more is written than fits
 * then. */
#define _POSIX_C_SOURCE 200809L
#include "outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum {
    PIECE = 512, /* bytes that fit if poll sees room: the least PIPE_BUF that POSIX allows */
    NAP_MS = 10,
    SLICE_MS = 250 /* the stop flag may be set right before a wait, and wake nothing */
};

uint64_t cmd_outlet_now_ms(void) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

void cmd_outlet_open(cmd_outlet *o, int fd, const cmd_patience *patience) {
    struct stat st;
    char path[32];
    o->fd = fd;
    o->error = 0;
    o->own_fd = -1;
    o->is_socket = 0;
    o->patience = patience;
    if (fd < 0 || fstat(fd, &st)) return;
    o->is_socket = S_ISSOCK(st.st_mode);
    if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) return;
    int flags = fcntl(fd, F_GETFL); /* a descriptor for reading only stays one */
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return;
    (void)snprintf(path, sizeof path, "/dev/fd/%d", fd);
    o->own_fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

void cmd_outlet_close(cmd_outlet *o) {
    if (o->own_fd >= 0) (void)close(o->own_fd);
    o->own_fd = -1;
}

static ssize_t write_some(const cmd_outlet *o, const char *p, size_t n) {
    int fd = o->own_fd >= 0 ? o->own_fd : o->fd;
    if (n > PIECE) n = PIECE;
    return o->is_socket ? send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) : write(fd, p, n);
}

/* Returns the milliseconds that a write may still wait if it began to wait at `since`. */
static uint64_t patience_left(const cmd_patience *patience, uint64_t since) {
    uint64_t now = cmd_outlet_now_ms(), end = UINT64_MAX;
    if (patience->end_ms) end = patience->end_ms;
    if (patience->stop && *patience->stop) end = 0;
    if (end < since + CMD_OUTLET_GRACE_MS) end = since + CMD_OUTLET_GRACE_MS;
    return now < end ? end - now : 0;
}

/* Waits until a write can go on. Returns 1, 0 once patience is over, -1 and errno. */
static int wait_for_room(const cmd_outlet *o, uint64_t since) {
    for (;;) {
        struct pollfd p = {o->own_fd >= 0 ? o->own_fd : o->fd, POLLOUT, 0};
        uint64_t left = patience_left(o->patience, since);
        int n = poll(&p, 1, (int)(left < SLICE_MS ? left : SLICE_MS));
        if (n > 0) return 1;
        if (n < 0 && errno != EINTR && errno != EAGAIN) return -1;
        if (left == 0) return 0;
    }
}

static int give_up(cmd_outlet *o, int error) {
    o->error = error ? error : EIO;
    return -1;
}

static int is_for_now(int error) {
    return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

int cmd_outlet_write(cmd_outlet *o, const char *p, size_t n) {
    if (o->fd < 0) return 0;
    if (o->error) return -1;
    for (uint64_t since = cmd_outlet_now_ms(); n;) {
        int room = wait_for_room(o, since);
        if (room == 0) return give_up(o, ETIMEDOUT);
        ssize_t done = room > 0 ? write_some(o, p, n) : -1;
        if (done < 0 && room > 0 && is_for_now(errno)) {
            /* the room of a terminal may be too small: no busy wait */
            if (patience_left(o->patience, since) == 0) return give_up(o, ETIMEDOUT);
            (void)poll(NULL, 0, errno == EINTR ? 0 : NAP_MS);
            continue;
        }
        if (done <= 0) return give_up(o, done < 0 ? errno : EIO);
        p += done;
        n -= (size_t)done;
        since = cmd_outlet_now_ms();
    }
    return 0;
}

int cmd_outlet_write_now(cmd_outlet *o, const char *p, size_t n) {
    struct pollfd room = {o->own_fd >= 0 ? o->own_fd : o->fd, POLLOUT, 0};
    if (o->fd < 0 || o->error || n > PIECE || poll(&room, 1, 0) <= 0) return 0;
    return cmd_outlet_write(o, p, n) == 0 ? 1 : -1;
}
