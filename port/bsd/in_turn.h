/* in_turn.h - connects to one of several addresses, one attempt at a time, each for its share of
 * the time: for systems where a socket is dear. Functions, not declarations; connect.h says what it
 * wants. */
#ifndef POPCL_BSD_IN_TURN_H
#define POPCL_BSD_IN_TURN_H

#include "connect.h"

/* Tries one address. The socket is in n->fd after POPCL_OK, and closed after anything else. */
static popcl_err connect_one(pop_net *n, const pop_address *address, uint32_t limit_ms) {
    int error;
    short came = 0;
    int fd = begin_connect(address, &error);
    if (fd < 0) return connect_failed(n, error);
    if (error == EINPROGRESS) {
        switch (pop_wait_fd(fd, POLLOUT, &came, limit_ms, n->stop)) {
        case POP_WAITED_STOP: POP_CALL(close)(fd); return POPCL_ERR_STOPPED;
        case POP_WAITED_NOTHING: error = ETIMEDOUT; break;
        case POP_WAITED_FAILED: error = errno; break;
        case POP_WAITED_READY: error = end_of_connect(fd); break;
        }
    }
    if (error == 0) return connect_succeeded(n, fd, address);
    POP_CALL(close)(fd);
    return connect_failed(n, error);
}

/* A dead address must not use up the time of the living. */
static popcl_err connect_any(pop_net *n, const pop_resolved *found, const pop_deadline *deadline) {
    popcl_err result = POPCL_ERR_CONNECT;
    for (unsigned i = 0; i < found->count; i++) {
        popcl_err r =
            connect_one(n, &found->address[i], pop_deadline_left(deadline) / (found->count - i));
        if (r == POPCL_OK || r == POPCL_ERR_STOPPED || pop_is_shortage(n->error)) return r;
        if (r != POPCL_ERR_CONNECT) result = r;
    }
    return all_failed(n, result);
}

#endif
