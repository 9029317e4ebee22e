/* SPDX-License-Identifier: MIT */
/* resolve_sync - takes the place of ../resolve.c on a system without fork. Both define pop_resolve;
 * `make NO_FORK=1` chooses this one. It calls getaddrinfo in this process, which cannot be
 * cancelled. A name server that does not answer may block the caller longer than limit_ms (on most
 * systems for 10 to 30 s). In that time neither a deadline nor the stop flag is looked at. A
 * watchdog has to allow for that. */
#define _POSIX_C_SOURCE 200809L

#include "../posix_internal.h"

popcl_err pop_resolve(const char *host, uint16_t port, int family, uint32_t limit_ms,
                      const volatile sig_atomic_t *stop, pop_resolved *found) {
    pop_deadline deadline = pop_deadline_in(limit_ms);
    popcl_err result;
    if (pop_look_up_here(host, port, family, found, &result)) return result;
    pop_look_up(host, port, family, 0, found);
    if (stop && *stop) return POPCL_ERR_STOPPED;
    result = pop_look_up_result(found);
    /* an answer that came too late leaves no time to connect */
    return result == POPCL_OK && pop_deadline_left(&deadline) == 0 ? POPCL_ERR_RESOLVE_TIMEOUT
                                                                   : result;
}
