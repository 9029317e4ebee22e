/* SPDX-License-Identifier: MIT */
/* socks - asks a SOCKS server to connect to the mail server (RFC 1928, CONNECT, without a login). A
 * host name goes to the SOCKS server as it is: no name server of this machine learns of it.
 *
 *     05 01 00        ->  version 5; one method: no login
 *     <- 05 00            that method
 *     05 01 00 HOST PORT  ->
 *     <- 05 REPLY 00 ADDRESS PORT
 *
 * It never reads more octets than that: the next one is the mail server's. */
#define _POSIX_C_SOURCE 200809L
#include "posix_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum {
    VERSION = 5,
    NO_LOGIN = 0,
    NO_METHOD = 0xFF,
    CONNECT = 1,
    ADDRESS_V4 = 1,
    ADDRESS_NAME = 3,
    ADDRESS_V6 = 4,
    PORT_LEN = 2,
    NAME_MAX_LEN = 255,
    HOST_UNREACHABLE = 4 /* a reply; Tor sends it for a name that it does not find */
};

static popcl_err socks_failed(popcl_posix_net *n, int code) {
    n->error = code;
    return code == POPCL_POSIX_SOCKS + HOST_UNREACHABLE ? POPCL_ERR_RESOLVE : POPCL_ERR_CONNECT;
}

/* Waits until the socket can be read or written. */
static popcl_err socks_wait(popcl_posix_net *n, short events, const pop_deadline *deadline) {
    short came = 0;
    switch (pop_wait_fd(n->fd, events, &came, pop_deadline_left(deadline), n->stop)) {
    case POP_WAITED_READY: return POPCL_OK;
    case POP_WAITED_STOP: return POPCL_ERR_STOPPED;
    case POP_WAITED_FAILED: n->error = errno; return POPCL_ERR_NET;
    default: n->error = ETIMEDOUT; return POPCL_ERR_TIMEOUT_CONNECT;
    }
}

/* Moves exactly len octets: sends them, or receives them. */
static popcl_err socks_move(popcl_posix_net *n, short events, unsigned char *p, size_t len,
                            const pop_deadline *deadline) {
    while (len) {
        popcl_err e = socks_wait(n, events, deadline);
        if (e != POPCL_OK) return e;
        ssize_t moved =
            events == POLLOUT ? send(n->fd, p, len, MSG_NOSIGNAL) : recv(n->fd, p, len, 0);
        if (moved < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
        if (moved <= 0) return socks_failed(n, POPCL_POSIX_SOCKS_BROKEN);
        p += moved;
        len -= (size_t)moved;
    }
    return POPCL_OK;
}

/* Agrees on the method without a login. */
static popcl_err socks_begin(popcl_posix_net *n, const pop_deadline *deadline) {
    unsigned char hello[] = {VERSION, 1, NO_LOGIN}, answer[2];
    popcl_err e = socks_move(n, POLLOUT, hello, sizeof hello, deadline);
    if (e == POPCL_OK) e = socks_move(n, POLLIN, answer, sizeof answer, deadline);
    if (e != POPCL_OK) return e;
    if (answer[0] == VERSION && answer[1] == NO_METHOD)
        return socks_failed(n, POPCL_POSIX_SOCKS_LOGIN);
    if (answer[0] != VERSION || answer[1] != NO_LOGIN)
        return socks_failed(n, POPCL_POSIX_SOCKS_BROKEN);
    return POPCL_OK;
}

/* Writes the kind of address and the address. Returns its length; 0 if SOCKS cannot have it. */
static size_t put_host(unsigned char *p, const char *host) {
    size_t n = strlen(host);
    if (inet_pton(AF_INET, host, p + 1) == 1) {
        p[0] = ADDRESS_V4;
        return 1 + 4;
    }
    if (inet_pton(AF_INET6, host, p + 1) == 1) {
        p[0] = ADDRESS_V6;
        return 1 + 16;
    }
    /* an address with a scope has a meaning on this machine only */
    if (n == 0 || n > NAME_MAX_LEN || strpbrk(host, ":%")) return 0;
    p[0] = ADDRESS_NAME;
    p[1] = (unsigned char)n;
    memcpy(p + 2, host, n);
    return 2 + n;
}

/* Reads the rest of a reply: the address that the SOCKS server connects from, which is of no use
 * here. */
static popcl_err skip_address(popcl_posix_net *n, unsigned char kind,
                              const pop_deadline *deadline) {
    unsigned char len = kind == ADDRESS_V4 ? 4 : 16, rest[NAME_MAX_LEN + PORT_LEN];
    popcl_err e = POPCL_OK;
    if (kind == ADDRESS_NAME)
        e = socks_move(n, POLLIN, &len, 1, deadline);
    else if (kind != ADDRESS_V4 && kind != ADDRESS_V6)
        e = socks_failed(n, POPCL_POSIX_SOCKS_BROKEN);
    return e == POPCL_OK ? socks_move(n, POLLIN, rest, len + (size_t)PORT_LEN, deadline) : e;
}

popcl_err pop_socks_connect(popcl_posix_net *n, const char *host, uint16_t port,
                            const pop_deadline *deadline) {
    unsigned char request[3 + 2 + NAME_MAX_LEN + PORT_LEN] = {VERSION, CONNECT, 0}, reply[4];
    size_t len = put_host(request + 3, host);
    if (!len) {
        n->error = EINVAL;
        return POPCL_ERR_CONNECT;
    }
    request[3 + len] = (unsigned char)(port >> 8);
    request[3 + len + 1] = (unsigned char)(port & 0xFF);
    popcl_err e = socks_begin(n, deadline);
    if (e == POPCL_OK) e = socks_move(n, POLLOUT, request, 3 + len + PORT_LEN, deadline);
    if (e == POPCL_OK) e = socks_move(n, POLLIN, reply, sizeof reply, deadline);
    if (e != POPCL_OK) return e;
    if (reply[0] != VERSION) return socks_failed(n, POPCL_POSIX_SOCKS_BROKEN);
    if (reply[1]) return socks_failed(n, POPCL_POSIX_SOCKS + reply[1]);
    return skip_address(n, reply[3], deadline);
}
