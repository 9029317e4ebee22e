/* SPDX-License-Identifier: MIT */
/* peer - the other end of the connection: blocking sockets in a process of its own. It knows
 * nothing of the port; what it finds wrong it tells the client, who ends the case. */
#define _DEFAULT_SOURCE /* struct timeval */
#include "suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 16384 };

void peer_broken(const peer *p, promise which, const char *text) {
    char said[256];
    int n = snprintf(said, sizeof said, "X%c%s", (char)('A' + which), text);
    (void)!write(p->control, said, (size_t)n);
    _exit(1);
}

int peer_accept(const peer *p) {
    const int on = 1;
    int fd;
    while ((fd = accept(p->listener, NULL, NULL)) < 0 && errno == EINTR) {}
    if (fd < 0) _exit(2);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void peer_say(const peer *p, int fd, const void *octets, size_t n) {
    const char *from = octets;
    while (n > 0) {
        ssize_t m = send(fd, from, n, MSG_NOSIGNAL);
        if (m < 0 && errno == EINTR) continue;
        if (m < 0)
            peer_broken(p, CLOSES, "the client ended the connection before all was said to it");
        from += m;
        n -= (size_t)m;
    }
}

void peer_pattern(const peer *p, int fd, uint32_t from, uint32_t to) {
    static unsigned char piece[PIECE];
    while (from < to) {
        size_t n = to - from < sizeof piece ? to - from : sizeof piece;
        pattern(piece, from, n);
        peer_say(p, fd, piece, n);
        from += (uint32_t)n;
    }
}

/* Reads once, up to n octets, and compares. Returns how many; 0 at the end. */
static uint32_t expect_some(const peer *p, int fd, uint32_t at, size_t n) {
    static unsigned char piece[PIECE];
    char text[120];
    ssize_t got;
    while ((got = recv(fd, piece, n < sizeof piece ? n : sizeof piece, 0)) < 0 && errno == EINTR) {}
    for (ssize_t i = 0; i < got; i++) {
        if (piece[i] == octet_at(at + (uint32_t)i)) continue;
        (void)snprintf(text, sizeof text,
                       "octet %u of what the client sent is another one (0x%02x)", at + (uint32_t)i,
                       piece[i]);
        peer_broken(p, piece[i] == 0 ? SEND_IS_DONE : IN_ORDER, text);
    }
    return got > 0 ? (uint32_t)got : 0;
}

void peer_expect(const peer *p, int fd, uint32_t from, uint32_t to) {
    char text[120];
    while (from < to) {
        uint32_t got = expect_some(p, fd, from, to - from);
        (void)snprintf(text, sizeof text, "the connection ended at octet %u of %u", from, to);
        if (got == 0) peer_broken(p, IN_ORDER, text);
        from += got;
    }
}

void peer_expect_end(const peer *p, int fd, uint32_t at) {
    for (uint32_t got; (got = expect_some(p, fd, at, PIECE)) > 0;)
        at += got;
    close(fd);
}

void peer_reset(int fd) {
    const struct linger reset = {1, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

void peer_holds_client(int holds) { watch->held = holds; }

uint32_t peer_await(const peer *p) {
    uint32_t number;
    ssize_t n;
    while ((n = recv(p->control, &number, sizeof number, MSG_WAITALL)) < 0 && errno == EINTR) {}
    if (n != (ssize_t)sizeof number) _exit(0); /* the client is gone: so is the case */
    return number;
}

void peer_tell(const peer *p) { (void)!write(p->control, "d", 1); }

static int bound(const char *address, uint16_t tcp_port, int backlog, uint16_t *is_at) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(tcp_port)};
    const int on = 1;
    unsigned part[4];
    socklen_t len = sizeof a;
    if (sscanf(address, "%u.%u.%u.%u", &part[0], &part[1], &part[2], &part[3]) != 4) return -1;
    a.sin_addr.s_addr = htonl(part[0] << 24 | part[1] << 16 | part[2] << 8 | part[3]);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        (backlog >= 0 && listen(fd, backlog) != 0) ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    if (is_at) *is_at = ntohs(a.sin_port);
    return fd;
}

int peer_bind(uint16_t *is_at, int backlog) { return bound("127.0.0.1", 0, backlog, is_at); }

/* A queue of one place, filled until the system drops what knocks. The descriptors stay open until
 * the process ends, and a relay that it started. So the relay of a case that is over may hold the
 * same port for a moment. */
int port_silence(const char *address, uint16_t tcp_port) {
    const struct timespec moment = {0, 20000000};
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    int fd = bound(address, tcp_port, 0, NULL);
    for (int i = 0; fd < 0 && errno == EADDRINUSE && i < 250; i++) {
        (void)nanosleep(&moment, NULL);
        fd = bound(address, tcp_port, 0, NULL);
    }
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0) return 0;
    for (int i = 0; i < 64; i++) {
        struct timeval soon = {0, 40000};
        int filler = socket(AF_INET, SOCK_STREAM, 0);
        (void)setsockopt(filler, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
        if (connect(filler, (struct sockaddr *)&a, len) != 0)
            return errno == EINPROGRESS || errno == EAGAIN;
    }
    return 0;
}
