/* SPDX-License-Identifier: MIT */
/* resolve - host names to addresses, within a deadline. It knows no connection. Addresses are read
 * in this process (lookup.c), and getaddrinfo looks up names. getaddrinfo has no time limit and
 * cannot be cancelled, so it runs in a process of its own:
 *
 *     fork -> the child: getaddrinfo, one write to a pipe, _exit
 *          -> the parent: poll on the pipe -> answer | end without answer: wait for the child
 *                                          -> deadline, stop: kill it, then wait for it
 *
 * That is a process and not a thread, so that nothing of it is left at the deadline. It also keeps
 * the libraries that name services load out of this process. */
#define _POSIX_C_SOURCE 200809L

#include "posix_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"

/* The child resets signals up to this number; higher ones do not exist on these systems. */
enum { SIGNALS_MAX = 64, ANSWER_FILENO = STDERR_FILENO + 1 };

typedef char resolved_crosses_a_pipe_at_once[sizeof(pop_resolved) <= 512 ? 1 : -1];

/* A signal that the parent catches or ignores must not be caught or ignored here: it has to end the
 * child. */
static void reset_signals(void) {
    struct sigaction as_started = {0};
    sigset_t none;
    as_started.sa_handler = SIG_DFL;
    sigemptyset(&as_started.sa_mask);
    for (int s = 1; s <= SIGNALS_MAX; s++)
        (void)sigaction(s, &as_started, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Closes all inherited descriptors except the pipe, which becomes ANSWER_FILENO. A child that
 * outlives a killed parent must hold no lock, pipe or terminal of the parent. */
static void drop_descriptors(int pipe_fd) {
    (void)dup2(pipe_fd, ANSWER_FILENO);
    pop_close_above(ANSWER_FILENO);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)close(fd);
    if (open("/dev/null", O_RDWR) == STDIN_FILENO) {
        (void)dup2(STDIN_FILENO, STDOUT_FILENO);
        (void)dup2(STDIN_FILENO, STDERR_FILENO);
    }
}

/* The child's life. It ends by _exit, since the buffered output and the exit handlers are the
 * parent's. */
static void answer_and_exit(int pipe_fd, const char *host, uint16_t port, int family,
                            uint32_t limit_ms) {
    pop_resolved found;
    reset_signals();
    /* ends the child if the parent is killed before it can kill the child */
    alarm((unsigned)(limit_ms / 1000u) + 2u);
    drop_descriptors(pipe_fd);
    pop_look_up(host, port, family, 0, &found);
    while (write(ANSWER_FILENO, &found, sizeof found) < 0 && errno == EINTR) {}
    _exit(0);
}

/* Forks with all signals blocked, so that no handler of the program runs in the child. */
static pid_t fork_quietly(void) {
    sigset_t all, before;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    int error = errno;
    if (child != 0) (void)sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return child;
}

static popcl_err short_of(pop_resolved *found, int error) {
    found->error = error;
    return POPCL_ERR_NET;
}

/* Reads the child's answer. Returns POPCL_OK if it is in `found`, or if the child ended without
 * one, which counts as a temporary failure. *ended is 1 if the child is known to end: it wrote its
 * answer, or closed its end of the pipe. */
static popcl_err read_answer(int fd, uint32_t limit_ms, const volatile sig_atomic_t *stop,
                             pop_resolved *found, int *ended) {
    pop_deadline deadline = pop_deadline_in(limit_ms);
    size_t have = 0;
    short came = 0;
    while (have < sizeof *found && !*ended) {
        switch (pop_wait_fd(fd, POLLIN, &came, pop_deadline_left(&deadline), stop)) {
        case POP_WAITED_NOTHING: return POPCL_ERR_RESOLVE_TIMEOUT;
        case POP_WAITED_STOP: return POPCL_ERR_STOPPED;
        case POP_WAITED_FAILED: return short_of(found, errno);
        case POP_WAITED_READY: break;
        }
        ssize_t got = read(fd, (char *)found + have, sizeof *found - have);
        if (got < 0 && errno != EINTR && errno != EAGAIN) return short_of(found, errno);
        if (got == 0) *ended = 1;
        if (got > 0) have += (size_t)got;
    }
    if (have == sizeof *found) {
        *ended = 1;
        return POPCL_OK;
    }
    memset(found, 0, sizeof *found);
    found->code = EAI_AGAIN;
    found->error = EAI_AGAIN < 0 ? EAI_AGAIN : -EAI_AGAIN;
    /* the signal that stops the program may have ended the child first */
    return stop && *stop ? POPCL_ERR_STOPPED : POPCL_OK;
}

/* Ends the child, if it does not end by itself, and takes it off the process table. If SIGCHLD is
 * ignored, or a handler of the program was faster, there is nothing left to take (ECHILD). The
 * number may then be another process's already: so there is no kill after the child ended. */
static void reap(pid_t child, int ended) {
    if (!ended) kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
}

static popcl_err ask_child(const char *host, uint16_t port, int family, uint32_t limit_ms,
                           const volatile sig_atomic_t *stop, pop_resolved *found) {
    int ends[2], ended = 0;
    memset(found, 0, sizeof *found);
    if (pipe(ends) < 0) return short_of(found, errno);
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t child = fork_quietly();
    if (child == 0) answer_and_exit(ends[1], host, port, family, limit_ms);
    int error = errno;
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return short_of(found, error);
    }
    popcl_err r = read_answer(ends[0], limit_ms, stop, found, &ended);
    close(ends[0]);
    reap(child, ended);
    return r == POPCL_OK ? pop_look_up_result(found) : r;
}

popcl_err pop_resolve(const char *host, uint16_t port, int family, uint32_t limit_ms,
                      const volatile sig_atomic_t *stop, pop_resolved *found) {
    popcl_err here;
    if (pop_look_up_here(host, port, family, found, &here)) return here;
    return ask_child(host, port, family, limit_ms, stop, found);
}
