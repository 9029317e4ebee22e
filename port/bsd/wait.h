/* wait.h - spans of time, waiting for a descriptor, and kinds of error numbers: what BSD sockets on
 * any system share. Functions, not declarations: each port has its own copy, so that two ports fit
 * into one program. Before it, the port's own header says (posix_internal.h, port/lwip/sockets.c):
 *
 *     the system's errno, struct pollfd, POLLIN and so on
 *     pop_flag              what a stop flag is: a volatile integer
 *     pop_clock_ms()        milliseconds of a clock that never jumps; wraps
 *     pop_poll(p, ms)       poll for one descriptor (< 0: none, just wait); -1 and errno, where
 *                           EINTR and EAGAIN are worth another try */
#ifndef POPCL_BSD_WAIT_H
#define POPCL_BSD_WAIT_H

#include <stddef.h>
#include <stdint.h>

/* The stop flag may be set just after the look at it, and wake nothing: no single poll lasts longer
 * than this. */
#define POP_POLL_SLICE_MS 250u

/* A span of time that began at `began_ms`; what is left of it, 0 when it is over. */
typedef struct pop_deadline {
    uint32_t began_ms, limit_ms;
} pop_deadline;

static inline pop_deadline pop_deadline_in(uint32_t limit_ms) {
    pop_deadline d = {pop_clock_ms(), limit_ms};
    return d;
}

static inline uint32_t pop_deadline_left(const pop_deadline *d) {
    uint32_t passed = pop_clock_ms() - d->began_ms;
    return passed < d->limit_ms ? d->limit_ms - passed : 0;
}

/* Waits until one of `events` (of poll) comes on fd (-1: just waits), the stop flag is set (NULL:
 * there is none), or limit_ms is over. */
typedef enum pop_waited {
    POP_WAITED_NOTHING,
    POP_WAITED_READY,
    POP_WAITED_STOP,
    POP_WAITED_FAILED /* errno tells */
} pop_waited;

static inline pop_waited pop_wait_fd(int fd, short events, short *came, uint32_t limit_ms,
                                     const pop_flag *stop) {
    pop_deadline deadline = pop_deadline_in(limit_ms);
    for (;;) {
        struct pollfd p = {fd, events, 0};
        uint32_t left = pop_deadline_left(&deadline);
        if (stop && *stop) return POP_WAITED_STOP;
        int n = pop_poll(&p, (int)(left < POP_POLL_SLICE_MS ? left : POP_POLL_SLICE_MS));
        if (n > 0) {
            *came = p.revents;
            return POP_WAITED_READY;
        }
        if (n < 0 && errno != EINTR && errno != EAGAIN) return POP_WAITED_FAILED;
        if (left == 0) return stop && *stop ? POP_WAITED_STOP : POP_WAITED_NOTHING;
    }
}

/* Whether this error number says that the machine, not the peer, is short of something: files,
 * processes, memory. */
static inline int pop_is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
           error == EAGAIN;
}

/* An address that the host cannot even try says less than one that answered: its error must not
 * hide the other's. */
static inline int pop_says_little(int error) {
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL ||
           error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

#endif
