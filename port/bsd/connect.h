/* connect.h - one attempt to connect to one address, and what its failure means. Functions, not
 * declarations, as in wait.h; in_turn.h and race.h make a connection of them. They want before them
 * (beside what wait.h wants):
 *
 *     pop_net               the context: fd (of the open connection), error (errno of the last
 *                           failure), stop (NULL, or a flag)
 *     pop_resolved          addresses: count, address[] of pop_address, a union of which any is a
 *                           sockaddr
 *     pop_address_len(a)    of one of them
 *     POP_CALL(name)        the system's function of that name
 *     pop_socket(family)    a non-blocking TCP socket; -1 and errno
 *     pop_refusal(fd, error)   what an error of connect means here, as POSIX numbers it
 *     pop_tell_peer(n, address, len)   notes, for people, whom open reached (NULL: nobody) */
#ifndef POPCL_BSD_CONNECT_H
#define POPCL_BSD_CONNECT_H

#include "popcl_net.h"

#include "wait.h"

static void keep_error(pop_net *n, int error) {
    if (n->error == 0 || !pop_says_little(error)) n->error = error;
}

/* Begins to connect. Returns the socket, with *error 0 where it is up already and EINPROGRESS where
 * it will be; or -1 and *error. */
static int begin_connect(const pop_address *address, int *error) {
    int fd = pop_socket(address->any.sa_family);
    if (fd < 0) {
        *error = errno;
        return -1;
    }
    *error = POP_CALL(connect)(fd, &address->any, pop_address_len(address)) == 0 ? 0 : errno;
    /* A connect that a signal interrupted goes on like one that was begun (POSIX, connect): calling
     * it again would be an error. */
    if (*error == EINTR) *error = EINPROGRESS;
    if (*error == 0 || *error == EINPROGRESS) return fd;
    POP_CALL(close)(fd);
    return -1;
}

/* How a connect that was begun ended: 0, or an error number. */
static int end_of_connect(int fd) {
    int error = 0;
    socklen_t len = sizeof error;
    return pop_refusal(
        fd, POP_CALL(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno);
}

/* Notes an attempt that failed; returns what open makes of it. */
static popcl_err connect_failed(pop_net *n, int error) {
    keep_error(n, error);
    /* It was accepted, and broke before it was looked at; or this machine is short of something. */
    if (error == ECONNRESET || pop_is_shortage(error)) return POPCL_ERR_NET;
    return error == ETIMEDOUT ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_CONNECT;
}

static popcl_err connect_succeeded(pop_net *n, int fd, const pop_address *address) {
    n->fd = fd;
    n->error = 0;
    pop_tell_peer(n, address, pop_address_len(address));
    return POPCL_OK;
}

/* What all attempts together came to, once none succeeded. */
static popcl_err all_failed(pop_net *n, popcl_err result) {
    if (result == POPCL_ERR_TIMEOUT_CONNECT)
        n->error = ETIMEDOUT; /* not every address refused: more time might help */
    return result;
}

#endif
